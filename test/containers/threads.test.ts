/**
 * Shared containers under several threads, while one full compaction follows the other. The contents must match what the threads
 * did: nothing lost, nothing twice, everything in order (test/support/container-tasks.mjs).
 */
import { describe, expect, it } from 'vitest';
import { BOX, CONDITION_ROOT, KEYS_ROOT, LOCK_ROOT, SUBJECT_ROOT, threadOf, valueOf } from '../support/container-subjects.mjs';
import type { AnyView, Heap, HeapOptions, KeyKind, ValueKind } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { MARKERS, MODES, pairs, rounds, third } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';
import { Threads } from '../support/threads.ts';

const CONFIGURATIONS: Readonly<Record<string, Partial<HeapOptions>>> = {
  ...Object.fromEntries(MODES.map((fault) => [`fault mode ${fault}`, { fault }])),
  ...Object.fromEntries(MARKERS.map((marker) => [`marker ${marker}`, { marker, barrieredStores: true }])),
  'a checked heap': { checked: true },
};
const NAMES = Object.keys(CONFIGURATIONS);
const THREADS = 3;
const KINDS: readonly ValueKind[] = ['f64', 'ref', 'string'];
const MAP_KINDS: readonly [KeyKind, ValueKind][] = [
  ['string', 'f64'],
  ['f64', 'ref'],
  ['ref', 'string'],
];
const QUEUES: readonly [ValueKind, number][] = [
  ['f64', 7],
  ['string', Infinity],
  ['ref', 100],
];

const share = (heap: Heap, root: number, view: AnyView): void => void (heap.roots.slots[root] = view.ref);

/** Runs tasks until so many cycles have moved objects under them. */
async function underCompaction<T>(heap: Heap, tasks: readonly string[], data: Record<string, unknown>): Promise<T[]> {
  const threads = new Threads();
  tasks.forEach((task, thread) => threads.start(heap.token, task, { ...data, thread, seed: (data['seed'] as number) + thread }));
  await threads.ready();
  const before = heap.statistics().cycles.compacting;
  while (heap.statistics().cycles.compacting < before + rounds(12, 2)) await heap.collect({ kind: 'full' });
  return threads.finish<T>();
}

describe('several threads, while everything is compacted', () => {
  const start = (name: string) => {
    const seed = seedOfTest();
    return { seed, ...makeHeapWithMutator({ capacityBytes: '48M', delaySeed: seed, ...CONFIGURATIONS[name] }) };
  };

  it.each(pairs(NAMES, KINDS))('in %s: push to and pop from one array of %s without losing or doubling an element', async (name, kind) => {
    const { heap, seed } = start(name);
    const array = heap.createArray(kind);
    share(heap, SUBJECT_ROOT, array);
    const results = await underCompaction<{ pushed: number; popped: number[] }>(heap, ['pushAndPop', 'pushAndPop', 'pushAndPop'], { seed });
    heap.defineShape(BOX);
    const decode = (value: unknown): number => (kind === 'ref' ? (value as { number: number }).number : Number(value));
    const left = array.toArray().map(decode);
    const found = [...left, ...results.flatMap(({ popped }) => popped)];
    expect(new Set(found).size).toBe(found.length);
    expect(found.length).toBe(results.reduce((sum, { pushed }) => sum + pushed, 0));
    results.forEach(({ pushed }, thread) => {
      expect(pushed).toBeGreaterThan(0);
      const own = found.filter((value) => threadOf(value) === thread);
      expect(own.reduce((most, value) => Math.max(most, value), 0)).toBe(valueOf(thread, pushed - 1));
    });
  });

  it.each(pairs(NAMES, ['f64', 'ref', 'f64'] as const, 1))(
    'in %s: never see an element of an array of %s go back in time',
    async (name, kind) => {
      const { heap, seed } = start(name);
      const elements = 60;
      const array = heap.createArray(kind);
      const zero = kind === 'ref' ? heap.create(heap.defineShape(BOX), { number: 0 }) : 0;
      for (let i = 0; i < elements; i++) array.push(zero as never);
      share(heap, SUBJECT_ROOT, array);
      const tasks = Array.from({ length: THREADS }, () => 'setAndGet');
      for (const { written } of await underCompaction<{ written: number }>(heap, tasks, { seed, elements, threads: THREADS })) {
        expect(written).toBeGreaterThan(0);
      }
      expect(array.length).toBe(elements);
    },
  );

  it.each(third(NAMES))('in %s: see the end of an array as it is, or see that it is gone', async (name) => {
    const { heap, seed } = start(name);
    share(heap, SUBJECT_ROOT, heap.createArray('ref'));
    const results = await underCompaction<{ seen: number }>(heap, ['comeAndGo', 'comeAndGo'], { seed });
    expect(results[1]!.seen).toBeGreaterThan(0);
  });

  it.each(pairs(NAMES, MAP_KINDS, 2))(
    'in %s: each find in a map of %s what they have put there, and agree on who came first',
    async (name, [keyKind, valueKind]) => {
      const { heap, mutator, seed } = start(name);
      // In a checked heap everything moves at each safepoint, and an operation is that much slower.
      const checked = CONFIGURATIONS[name]!.checked ?? false;
      const keys = checked ? 15 : 150;
      const map = heap.createMap(keyKind, valueKind);
      share(heap, SUBJECT_ROOT, map);
      const objects = heap.createArray('ref');
      const box = heap.defineShape(BOX);
      for (let number = 0; number < keys * (THREADS + 1); number++) mutator.scope(() => objects.push(heap.create(box, { number })));
      share(heap, KEYS_ROOT, objects);
      const tasks = Array.from({ length: THREADS }, () => 'map');
      const data = { seed, keys, threads: THREADS, least: checked ? 40 : 200 };
      const results = await underCompaction<{ claimed: number[]; left: [number, number][] }>(heap, tasks, data);
      const claimed = results.flatMap(({ claimed }) => claimed);
      expect(new Set(claimed).size).toBe(claimed.length);
      const entries = results.reduce((sum, { left }) => sum + left.length, claimed.length);
      expect(map.size).toBe(entries);
      expect([...map].length).toBe(entries);
    },
  );

  it.each(third(NAMES, 1))('in %s: claim each key of a map once when all claim the same keys at the same time', async (name) => {
    const { heap, seed } = start(name);
    const map = heap.createMap('f64', 'u32');
    share(heap, SUBJECT_ROOT, map);
    const results = await underCompaction<{ claimed: number }>(heap, ['claim', 'claim', 'claim'], { seed, most: 40_000 });
    const claimed = results.reduce((sum, { claimed }) => sum + claimed, 0);
    expect(claimed).toBeGreaterThan(0);
    expect(map.size).toBe(claimed);
    expect(new Set(map.keys()).size).toBe(claimed);
  });

  it.each(pairs(NAMES, [1, 40], 1))('in %s: count together in %s entries of a map without losing anything', async (name, keys) => {
    const { heap, seed } = start(name);
    const map = heap.createMap('f64', 'f64');
    share(heap, SUBJECT_ROOT, map);
    const results = await underCompaction<{ added: number[] }>(heap, ['count', 'count', 'count'], { seed, keys });
    for (let key = 0; key < keys; key++) {
      expect([key, map.get(key) ?? 0]).toEqual([key, results.reduce((sum, { added }) => sum + added[key]!, 0)]);
    }
    expect([...map].length).toBe(map.size);
  });

  it.each(pairs(NAMES, [1, 6, 60]))(
    'in %s: are told rightly who made and who removed an entry of a map when all do it to the same %s keys',
    async (name, keys) => {
      const { heap, seed } = start(name);
      const map = heap.createMap('f64', 'u32');
      share(heap, SUBJECT_ROOT, map);
      const results = await underCompaction<{ net: number; operations: number }>(heap, ['contend', 'contend', 'contend'], { seed, keys });
      const entries = results.reduce((sum, { net }) => sum + net, 0);
      expect(results.every(({ operations }) => operations > 0)).toBe(true);
      expect(map.size).toBe(entries);
      expect(new Set(map.keys()).size).toBe(entries);
      expect(entries).toBeLessThanOrEqual(keys);
    },
  );

  it.each(pairs(NAMES, QUEUES, 1))(
    'in %s: get through a queue (kind and capacity: %s) each element once, and those of one thread in order',
    async (name, [kind, capacity]) => {
      const { heap, seed } = start(name);
      const queue = heap.createQueue(kind, capacity);
      share(heap, SUBJECT_ROOT, queue);
      const results = await underCompaction<{ produced?: number; counts?: (number | null)[] }>(
        heap,
        ['produce', 'produce', 'consume', 'consume'],
        { seed },
      );
      // A consumer may have ended before the last producer.
      const left = [0, 0];
      for (let value = queue.dequeue(); value !== undefined; value = queue.dequeue()) {
        left[threadOf(kind === 'ref' ? (value as unknown as { number: number }).number : Number(value))]!++;
      }
      for (const thread of [0, 1]) {
        const consumed = results.reduce((sum, { counts }) => sum + (counts?.[thread] ?? 0), left[thread]!);
        expect(consumed).toBe(results[thread]!.produced);
        expect(consumed).toBeGreaterThan(0);
      }
    },
  );

  it.each(third(NAMES, 2))('in %s: exclude each other by a lock', async (name) => {
    const { heap, seed } = start(name);
    const array = heap.createArray('f64');
    array.push(0);
    array.push(0);
    share(heap, SUBJECT_ROOT, array);
    share(heap, LOCK_ROOT, heap.createLock());
    const results = await underCompaction<{ added: number }>(heap, ['locked', 'locked', 'locked'], { seed });
    const added = results.reduce((sum, { added }) => sum + added, 0);
    expect(added).toBeGreaterThan(0);
    expect(array.toArray()).toEqual([added, added]);
  });

  it.each(third(NAMES))('in %s: take turns by a condition', async (name) => {
    const { heap, seed } = start(name);
    const array = heap.createArray('f64');
    array.push(0);
    share(heap, SUBJECT_ROOT, array);
    share(heap, LOCK_ROOT, heap.createLock());
    share(heap, CONDITION_ROOT, heap.createCondition());
    const results = await underCompaction<{ taken: number }>(heap, ['turns', 'turns', 'turns'], { seed, threads: THREADS });
    const taken = results.map(({ taken }) => taken);
    expect(array.get(0)).toBe(taken.reduce((sum, count) => sum + count));
    expect(Math.max(...taken) - Math.min(...taken)).toBeLessThanOrEqual(1);
    expect(Math.max(...taken)).toBeGreaterThan(0);
  });
});
