/**
 * Machine limits: what a heap must not do to its process: enlarge its core dumps, leave no addresses for its threads, or exceed
 * its container's memory without a warning.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { memoryLimitBytes } from '../../src/heap/machine-limits.ts';
import { Heap } from '../support/faultline.ts';
import { countdown, LinkedList, makeHeapWithMutator } from '../support/heaps.ts';
import { MODES } from '../support/modes.ts';

interface Mapping {
  readonly begin: number;
  readonly name: string;
  readonly dumped: boolean;
  readonly kib: number;
}

function mappings(): Mapping[] {
  const found: Mapping[] = [];
  let head = { begin: 0, name: '', kib: 0 };
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const start = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+\s*(.*)$/.exec(line);
    if (start !== null) {
      const [begin, end] = [Number.parseInt(start[1]!, 16), Number.parseInt(start[2]!, 16)];
      head = { begin, name: start[3]!, kib: (end - begin) / 1024 };
    } else if (line.startsWith('VmFlags:')) {
      found.push({ ...head, dumped: !/ dd\b/.test(line) });
    }
  }
  return found;
}

const dumpedViews = (before: readonly Mapping[]): Mapping[] => {
  const old = new Set(before.map(({ begin }) => begin));
  return mappings().filter(({ begin, name, dumped }) => dumped && name.includes('faultline-heap') && !old.has(begin));
};

describe.each(MODES)('a core dump (fault mode %s)', (fault) => {
  it('contains nothing of the heap, after flips too; with coreDumps the alias, which never moves', async () => {
    for (const coreDumps of [false, true]) {
      const before = mappings();
      const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault, coreDumps, workers: 0 });
      const list = new LinkedList(heap, mutator, 40);
      const seen: number[] = [];
      for (let cycle = 0; cycle < 3; cycle++) {
        list.push(cycle);
        const dumped = dumpedViews(before);
        expect(dumped).toHaveLength(coreDumps ? 1 : 0);
        seen.push(...dumped.map(({ begin }) => begin));
        await heap.collect({ kind: 'full' });
      }
      expect(new Set(seen).size).toBe(coreDumps ? 1 : 0);
      expect(list.values()).toEqual(countdown(2));
    }
  });
});

describe('a limit of address space', () => {
  it('is an error with a code when the heap is made, not the end of the process when it collects', () => {
    const url = new URL('../../dist/index.js', import.meta.url).href;
    const program = `
      const { Heap } = await import('${url}');
      try { const heap = Heap.create({ capacityBytes: '32M', workers: 1 }); await heap.collect(); await heap.close(); console.log('works'); }
      catch ({ code, message }) { console.log(code, message); }`;
    const under = (gb: number): string => {
      const command = `ulimit -v ${gb * 1e6}; exec "$0" --input-type=module -e "$1"`;
      return spawnSync('bash', ['-c', command, process.execPath, program], { encoding: 'utf8', timeout: 60_000 }).stdout;
    };
    expect(under(6.5)).toMatch(/^ERR_HEAP_TOO_LARGE .*ulimit -v/);
    for (const gb of [7, 7.5, 8]) expect(under(gb)).toMatch(/^(works|ERR_HEAP)/);
  }, 240_000);
});

describe('a memory limit below the capacity', () => {
  afterEach(() => void vi.restoreAllMocks());
  it('is a warning when the heap is made, once', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    vi.spyOn(process, 'constrainedMemory').mockReturnValue(10 * 2 ** 20);
    for (let i = 0; i < 2; i++) await Heap.create({ capacityBytes: '16M', fault: MODES[0]! }).close();
    await Heap.create({ capacityBytes: '8M', fault: MODES[0]! }).close();
    const told = warn.mock.calls.filter(([text]) => String(text).includes('cgroup'));
    expect(told).toHaveLength(1);
    expect(String(told[0]![0])).toMatch(/16 MiB.*\(10 MiB\)/);
  });

  const UNLIMITED = '9223372036854771712\n';
  const [V2, V1, INNER] = ['0::/service/task\n', '9:cpu,cpuacct:/x\n8:memory:/service/task\n0::/\n', '8:memory:/docker/0123\n'];
  it.each<[string, string, Record<string, string>, number | null]>([
    ['v2, of the group itself', V2, { 'service/task/memory.max': '500\n', 'service/memory.max': 'max\n' }, 500],
    ['v2, of a group above it', V2, { 'service/task/memory.max': 'max\n', 'service/memory.max': '400\n' }, 400],
    ['v2, of several the lowest', V2, { 'service/task/memory.max': '500\n', 'service/memory.max': '400\n', 'memory.max': '450\n' }, 400],
    ['v2, of a container', '0::/\n', { 'memory.max': '300\n' }, 300],
    ['v2, of a container that is named from outside', '0::/../../service\n', { 'memory.max': '300\n' }, 300],
    ['v2, of none', V2, { 'service/task/memory.max': 'max\n', 'service/memory.max': 'max\n' }, null],
    [
      'v1, of the group itself',
      V1,
      { 'memory/service/task/memory.limit_in_bytes': '500\n', 'memory/memory.limit_in_bytes': UNLIMITED },
      500,
    ],
    [
      'v1, of a group above it',
      V1,
      { 'memory/service/task/memory.limit_in_bytes': UNLIMITED, 'memory/service/memory.limit_in_bytes': '400\n' },
      400,
    ],
    ['v1, of a container that is named from outside', INNER, { 'memory/memory.limit_in_bytes': '300\n' }, 300],
    ['v1, of another controller', '9:cpu:/x\n', { 'memory.max': '300\n', 'memory/memory.limit_in_bytes': '300\n' }, null],
    ['a system without any', '', {}, null],
  ])('is found where the kernel keeps it: %s', (_, groups, limits, found) => {
    const root = mkdtempSync(join(tmpdir(), 'faultline-cgroup-'));
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    write('proc/self/cgroup', groups);
    for (const [path, text] of Object.entries(limits)) write(`sys/fs/cgroup/${path}`, text);
    try {
      expect(memoryLimitBytes(1_000, root)).toBe(found);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
