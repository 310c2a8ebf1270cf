/**
 * What a script can hold of the rules in CONTRIBUTING: how long a file may be, which way includes point, who may include the kernel's
 * headers, and that a file says what it is for. An exception is listed with its reason, and is an error itself once nothing needs it.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { kernelHeaders, namesNoPurpose, upwardIncludes } from './support/tidy-rules.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = /\.(ts|mts|cts|js|mjs|cc|h)$/;
const NOT_OURS = /(^|\/)(node_modules|build|dist)$/;

/** Overlong files that wait for being split by concept: the most lines they may have until then. */
const LONG_FILES = new Map([
  ['native/test/chained_action_test.cc', 610],
  ['test/heap/snapshots.test.ts', 450],
  ['src/heap/mutator.ts', 430],
  ['test/integrity/interruptions.test.ts', 430],
  ['src/gc/collector.ts', 410],
]);
const MOST_LINES = 400;

/** The kernel's headers outside of native/os, each until os/ offers what it is included for. */
const KERNEL_HEADERS = [
  'native/gc/fault_mode_userfaultfd.cc: sys/mman.h',
  'native/heap/mapped_array.h: sys/mman.h',
  'native/heap/mutator.cc: sys/syscall.h',
  'native/node/probe_binding.cc: sys/sysinfo.h',
  'native/node/probe_binding.cc: sys/utsname.h',
];

function sourcesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.test(path) ? [] : sourcesUnder(path);
    return SOURCE.test(path) ? [path] : [];
  });
}

const sources = ['native', 'src', 'test', 'bench', 'scripts', 'examples'].flatMap(sourcesUnder).sort();
const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const native = sources.filter((path) => /^native\/(os|heap|gc|node)\//.test(path));

it('looks at every source file', () => {
  expect(sources.length).toBeGreaterThan(400);
  expect(sources).toContain(relative(ROOT, fileURLToPath(import.meta.url)));
});

describe('files', () => {
  const lengths = sources.map((path) => ({ path, lines: textOf(path).split('\n').length - 1 }));

  it('end before they hold a second concept', () => {
    expect(lengths.filter(({ path, lines }) => lines > (LONG_FILES.get(path) ?? MOST_LINES))).toEqual([]);
  });

  it('that are listed as long are long', () => {
    const long = lengths.filter(({ lines }) => lines > MOST_LINES).map(({ path }) => path);
    expect([...LONG_FILES.keys()].filter((path) => !long.includes(path))).toEqual([]);
  });

  it('say at their head what they are for', () => {
    const library = sources.filter((path) => path.startsWith('src/') || (path.startsWith('native/') && path.endsWith('.h')));
    expect(library.filter((path) => namesNoPurpose(textOf(path)))).toEqual([]);
  });
});

describe('native layers', () => {
  it('include downward only: os, heap, gc, node', () => {
    expect(native.flatMap((path) => upwardIncludes(path, textOf(path)))).toEqual([]);
  });

  it("leave the kernel's headers to os, but for the listed ones", () => {
    const others = native.filter((path) => !path.startsWith('native/os/'));
    expect(others.flatMap((path) => kernelHeaders(path, textOf(path)))).toEqual(KERNEL_HEADERS);
  });
});

describe('the rules themselves', () => {
  it('find an include that points upward', () => {
    expect(upwardIncludes('native/heap/a.h', '#include "gc/b.h"\n#include "os/c.h"')).toEqual(['native/heap/a.h: gc/b.h']);
  });

  it("find a kernel's header", () => {
    expect(kernelHeaders('native/gc/a.cc', '#include <linux/futex.h>\n#include <atomic>')).toEqual(['native/gc/a.cc: linux/futex.h']);
  });

  it('find a file without a head', () => {
    const heads = ["import 'a';\n", "// Words.\n", "#!/usr/bin/env node\n/** Words. */\n"];
    expect(heads.map(namesNoPurpose)).toEqual([true, false, false]);
  });
});
