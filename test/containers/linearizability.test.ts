/**
 * Linearizability of containers: short histories of overlapping calls, while everything is compacted. For each history there must be an
 * order of the calls in which a sequential container would have given the same answers.
 */
import { describe, expect, it } from 'vitest';
import { SUBJECT_ROOT } from '../support/container-subjects.mjs';
import type { AnyView, Heap } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { type Call, isLinearizable, type Model } from '../support/linearizability.ts';
import { MODES, rounds } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';
import { Threads } from '../support/threads.ts';

const CAPACITY = 2;
const THREADS = 2;

const ARRAY: Model<number[]> = {
  initial: () => [],
  apply: (state, { name, parameters: [value] }) => {
    if (name === 'push') return state.push(value as number);
    if (name === 'pop') return state.pop();
    if (name === 'get') return state[0];
    if (name === 'length') return state.length;
    if (state.length === 0) return false;
    state[0] = value as number;
    return true;
  },
};

const QUEUE: Model<number[]> = {
  initial: () => [],
  apply: (state, { name, parameters: [value] }) => {
    if (name === 'dequeue') return state.shift();
    if (name === 'length') return state.length;
    return state.length < CAPACITY && state.push(value as number) > 0;
  },
};

const MAP: Model<Record<string, number>> = {
  initial: () => ({}),
  apply: (state, { name, parameters }) => {
    const value = parameters[0] as number;
    const key = String(value % 2);
    if (name === 'get') return state[key];
    if (name === 'clear') for (const each of Object.keys(state)) delete state[each];
    if (name === 'delete') return Object.hasOwn(state, key) && delete state[key];
    if (name === 'setIfAbsent' && Object.hasOwn(state, key)) return false;
    if (name.startsWith('compare')) {
      if (state[key] !== value % 4) return false;
      if (name === 'compareAndSet') state[key] = value;
      else delete state[key];
      return true;
    }
    if (name === 'increment') return (state[key] = (state[key] ?? 0) + value);
    if (name === 'update') return (state[key] = (state[key] ?? 0) * 2 + 1);
    if (name === 'getOrInsert') return (state[key] ??= value);
    if (name === 'setSmall') return void (state[key] = value % 4);
    if (name.startsWith('set')) state[key] = value;
    return name === 'setIfAbsent' ? true : undefined;
  },
};

const SUBJECTS: readonly { subject: string; make: (heap: Heap) => AnyView; model: Model<any> }[] = [
  { subject: 'array', make: (heap) => heap.createArray('f64'), model: ARRAY },
  { subject: 'queue', make: (heap) => heap.createQueue('f64', CAPACITY), model: QUEUE },
  { subject: 'map', make: (heap) => heap.createMap('f64', 'f64'), model: MAP },
];

describe.each(MODES)('calls of several threads (fault mode %s)', (fault) => {
  it.each(SUBJECTS)(
    'on one $subject have an order that explains their answers',
    async ({ subject, make, model }) => {
      const seed = seedOfTest();
      const { heap } = makeHeapWithMutator({ capacityBytes: '24M', fault, delaySeed: seed });
      const view = make(heap);
      heap.roots.slots[SUBJECT_ROOT] = view.ref;
      const threads = new Threads();
      const data = { subject, clock: new Int32Array(new SharedArrayBuffer(8)), threads: THREADS, rounds: rounds(2_000, 400), calls: 5 };
      for (let thread = 0; thread < THREADS; thread++) threads.start(heap.token, 'history', { ...data, thread, seed: seed + thread });
      await threads.ready();
      let over = false;
      const results = threads.finish<{ found: Call[][] }>().finally(() => (over = true));
      while (!over) await heap.collect({ kind: 'full' });
      const histories = await results;
      let overlapping = 0;
      for (let round = 0; round < data.rounds; round++) {
        const calls = histories.flatMap(({ found }) => found[round]!);
        if (calls.some((a) => calls.some((b) => a.begin < b.begin && b.begin < a.end))) overlapping++;
        if (!isLinearizable(calls, model)) expect.fail(`no order explains ${JSON.stringify(calls)}`);
      }
      expect(overlapping).toBeGreaterThan(0);
    },
    60_000,
  );
});

describe('the search for an order', () => {
  const call = (begin: number, end: number, name: string, value: number, answer: unknown): Call => ({
    begin,
    end,
    name,
    parameters: [value],
    answer,
  });

  it('finds one where there is one, and none where there is none', () => {
    const overlapping = [call(0, 3, 'enqueue', 5, true), call(1, 2, 'dequeue', 0, 5)];
    expect(isLinearizable(overlapping, QUEUE)).toBe(true);
    expect(isLinearizable([call(0, 1, 'dequeue', 0, 5), call(2, 3, 'enqueue', 5, true)], QUEUE)).toBe(false);
    expect(isLinearizable([...overlapping, call(4, 5, 'dequeue', 0, 5)], QUEUE)).toBe(false);
    expect(isLinearizable([call(0, 1, 'push', 5, 1), call(0, 1, 'push', 6, 1)], ARRAY)).toBe(false);
    expect(isLinearizable([call(0, 1, 'set', 4, undefined), call(2, 3, 'setIfAbsent', 6, true)], MAP)).toBe(false);
    expect(isLinearizable([call(0, 3, 'increment', 4, 4), call(1, 2, 'increment', 4, 4)], MAP)).toBe(false);
  });
});
