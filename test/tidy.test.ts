/**
 * The rules of CONTRIBUTING that a script can check: lengths of files and functions, directions of includes and imports, which files may
 * include the kernel's headers, that a file states its purpose, and banned words. An exception is listed with its reason, and
 * is itself an error once nothing needs it.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  circlesOf,
  importsOf,
  kernelHeaders,
  longFunctions,
  longLines,
  namesNoPurpose,
  upwardImports,
  upwardIncludes,
  wordsIn,
} from './support/tidy-rules.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = /\.(ts|mts|cts|js|mjs|cc|h)$/;
const NOT_OURS = /(^|\/)(node_modules|build|dist)$/;

const MOST_LINES = 400;

const MOST_COLUMNS = 140;
/** Lines of logs that other programs write. */
const WIDE_FILES = ['test/bench/peers-logs.test.ts'];

/** What fits on a screen, or nearly. */
const MOST_LINES_OF_A_FUNCTION = 70;
const LONG_FUNCTIONS = [
  // Scripts of many measured operations, one after the other.
  'bench/harness/report/page.js: (() => {',
  // One column a line.
  'bench/harness/report/csv.ts: function columnsOf({ point, round, configuration, startedAt, processMs, cpu, on, result, raw }: InvocationRecord): Record<string, Value> {',
  'bench/invocation/faultline.ts: export async function runFaultline(job: Job): Promise<Finished> {',
  'bench/mutator-operations.ts: export async function measureMutatorOperations(turns: number): Promise<OperationFigures[]> {',
  // Loops whose cases are all instructions, operations or kinds of objects: one table, which is read as a whole.
  'examples/vm/machine.mjs: execute(procedures, arities, names) {',
  'native/gc/marking/tracer.cc: bool Tracer::EmptyStack(uint64_t deadline_ns) {',
  'test/support/shadow-program.mjs: step() {',
  // Lists.
  'native/node/statistics_binding.cc: Napi::Value ReadStatistics(Info info, HeapInstance& instance) {',
  "test/containers/after-waits.test.ts: it('goes on where its objects are then', () => {",
  // A system of programs that share what is declared around them.
  'test/model/thread-states.ts: export function makeThreadSystem(configuration: ThreadConfiguration): System {',
  'test/model/thread-states.ts: const mutator = (thread: number, operations: readonly ThreadOperation[]): Program => {',
];

/** Circles of imports. */
const CIRCLES = [
  // Types alone: a view, its elements and its owner are told by each other.
  ['src/objects/elements.ts', 'src/objects/object-view.ts', 'src/objects/view-owner.ts', 'src/objects/view-types.ts'],
];

/** The floors of src/, the lowest first. */
const FLOORS = [
  /^src\/(binding\/.*|binding|errors|clock|option-kinds|slices|platform|inspection)\.ts$/,
  // Decisions are functions of figures; what acts on them is above.
  /^src\/gc\/(policy\/.*|requests\.ts)$/,
  /^src\/gc\/.*/,
  /^src\/pages\/.*/,
  /^src\/options\.ts$/,
  /^src\/heap\/(?!(heap|object-level|heap-set-up|capabilities)\.ts).*/,
  /^src\/objects\/.*/,
  /^src\/containers\/.*/,
  // A heap as a program has it is made of all the others.
  /^src\/heap\/(heap|object-level|heap-set-up|capabilities)\.ts$/,
  /^src\/(index\.ts|userfaultfd\.ts|cli\/.*)/,
];

/** Imports of the floor above. */
const UPWARD_IMPORTS = [
  // What every thread of a heap attaches by, the collector's too.
  'src/gc/control-start.ts: src/heap/token.ts',
  'src/gc/control.ts: src/heap/token.ts',
  'src/gc/worker.ts: src/heap/token.ts',
  'src/gc/workers.ts: src/heap/token.ts',
  // A snapshot names objects by their shapes, and quotes strings.
  'src/gc/snapshot-text.ts: src/heap/shapes.ts',
  'src/gc/snapshots.ts: src/heap/shapes.ts',
  'src/gc/snapshots.ts: src/objects/strings.ts',
];

/** Words of a private language, each with what says the same in plain words. */
const BANNED = [
  /second.?thoughts?/gi, // deferral
  /patience/gi, // limit, budget
  /farewell/gi, // wake page
  /homeless/gi, // without
  /\b(TODO|FIXME|XXX|HACK)\b/g, // an issue
];

const NAMES_OF_NOTHING = /(^|\/|[-_])(utils?|helpers?|common|misc)([-_.]|\/|$)/;

function sourcesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.test(path) ? [] : sourcesUnder(path);
    return SOURCE.test(path) ? [path] : [];
  });
}

const sources = ['native', 'src', 'test', 'bench', 'scripts', 'examples'].flatMap(sourcesUnder).sort();
const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const native = sources.filter((path) => /^native\/(os|pages|heap|gc|node)\//.test(path));

it('looks at every source file', () => {
  expect(sources.length).toBeGreaterThan(400);
  expect(sources).toContain(relative(ROOT, fileURLToPath(import.meta.url)));
});

describe('files', () => {
  const lengths = sources.map((path) => ({ path, lines: textOf(path).split('\n').length - 1 }));

  it('end before they hold a second concept', () => {
    expect(lengths.filter(({ lines }) => lines > MOST_LINES)).toEqual([]);
  });

  it('have lines that fit beside one another', () => {
    const wide = sources.filter((path) => longLines(path, textOf(path), MOST_COLUMNS).length > 0);
    expect(wide).toEqual(WIDE_FILES);
  });

  it('say at their head what they are for', () => {
    const library = sources.filter((path) => path.startsWith('src/') || (path.startsWith('native/') && path.endsWith('.h')));
    expect(library.filter((path) => namesNoPurpose(textOf(path)))).toEqual([]);
  });
});

describe('functions', () => {
  it('fit on a screen', () => {
    const found = sources.flatMap((path) => longFunctions(path, textOf(path), MOST_LINES_OF_A_FUNCTION));
    expect(found.sort()).toEqual([...LONG_FUNCTIONS].sort());
  });
});

describe('words', () => {
  it('are those of the glossary, and not a private language', () => {
    // This file names them; the other's are not changed yet.
    const others = sources.filter((path) => path !== 'test/tidy.test.ts' && path !== 'bench/harness/session.ts');
    expect(others.flatMap((path) => wordsIn(path, textOf(path), BANNED))).toEqual([]);
  });

  it('of a file name say what is in it', () => {
    expect(sources.filter((path) => NAMES_OF_NOTHING.test(path))).toEqual([]);
  });
});

describe('imports', () => {
  const modules = sources.filter((path) => !/\.(cc|h)$/.test(path));
  const known = new Set(modules);
  const imports = new Map(modules.map((path) => [path, importsOf(path, textOf(path), known)]));

  it('make no circle', () => {
    expect(circlesOf(imports)).toEqual(CIRCLES);
  });

  it('point downward', () => {
    const library = modules.filter((path) => path.startsWith('src/'));
    expect(library.filter((path) => !FLOORS.some((floor) => floor.test(path)))).toEqual([]);
    const upward = library.flatMap((path) => upwardImports(path, imports.get(path)!, FLOORS));
    expect(upward.sort()).toEqual([...UPWARD_IMPORTS].sort());
  });
});

describe('native layers', () => {
  it('include downward only: os, pages, heap, gc, node', () => {
    expect(native.flatMap((path) => upwardIncludes(path, textOf(path)))).toEqual([]);
  });

  it("leave the kernel's headers to os", () => {
    const others = native.filter((path) => !path.startsWith('native/os/'));
    expect(others.flatMap((path) => kernelHeaders(path, textOf(path)))).toEqual([]);
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
    const heads = ["import 'a';\n", '// Words.\n', '#!/usr/bin/env node\n/** Words. */\n'];
    expect(heads.map(namesNoPurpose)).toEqual([true, false, false]);
  });

  it.each([
    ['a.ts', 'function f() {', '}'],
    ['a.ts', '  const f = async (a: A): Promise<B> => {', '  };'],
    ['a.ts', "  it('holds', () => {", '  });'],
    ['a.cc', 'Status Heap::Open(const Options& options) const {', '}'],
  ])('find a long function: %s %s', (path, head, end) => {
    const text = (lines: number) => ['// Words.', head, ...Array<string>(lines).fill('    step();'), end].join('\n');
    expect(longFunctions(path, text(5), 5)).toEqual([`${path}: ${head.trim()}`]);
    expect(longFunctions(path, text(4), 5)).toEqual([]);
  });

  it('find a long line of code or of a comment, and leave a text whole', () => {
    const text = ['const a = b + c;', '// A comment.   ', "say('at length');"].join('\n');
    expect(longLines('a.ts', text, 15)).toEqual(['a.ts:1', 'a.ts:2']);
  });

  it('find a word', () => {
    expect(wordsIn('a.ts', 'no Patience', BANNED)).toEqual(['a.ts: Patience']);
  });

  it('find the imports of a file, of types and of what is built too', () => {
    const files = new Set(['test/a.ts', 'test/b/c.ts', 'src/d.ts']);
    const text = "import type { A } from '../a.ts';\nimport { x } from 'node:fs';\nconst d = await import('../../dist/d.js');\n";
    expect(importsOf('test/b/c.ts', text, files)).toEqual(['test/a.ts', 'src/d.ts']);
  });

  it('find a circle, and not its neighbours', () => {
    const imports = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['b']],
      ['d', []],
    ]);
    expect(circlesOf(imports)).toEqual([['b', 'c']]);
  });

  it('find an import that points upward', () => {
    expect(upwardImports('low/a.ts', ['high/b.ts', 'low/c.ts'], [/^low/, /^high/])).toEqual(['low/a.ts: high/b.ts']);
  });
});
