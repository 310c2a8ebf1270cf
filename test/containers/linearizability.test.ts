/**
 * Linearizability of containers: short histories of overlapping calls, while everything is compacted. For each history there must be an
 * order of the calls in which a sequential container would have given the same answers.
 */
import { describe, expect, it } from 'vitest';
import { SUBJECT_ROOT } from '../support/container-subjects.mjs';
import type { AnyView, Heap, RequestedFaultMode } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { type Call, isLinearizable, type Model } from '../support/linearizability.ts';
import { MODES, rounds, SHORT } from '../support/modes.ts';
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

interface Queue {
  readonly items: number[];
  closed: boolean;
}

/** How many a batch has may have been decided a moment before: so the answer says it, and the model whether that can be. */
const queueOf = (capacity: number): Model<Queue> => ({
  initial: () => ({ items: [], closed: false }),
  apply: (state, { name, parameters: [value], answer }) => {
    const { items, closed } = state;
    if (name === 'dequeueMany') {
      const { length } = answer as number[];
      return length === 0 ? items.slice(0, 2) : items.splice(0, length);
    }
    if (name.startsWith('dequeue')) return items.shift();
    if (name === 'length') return items.length;
    if (name === 'closed') return closed;
    if (name === 'close') return void (state.closed = true);
    if (closed) return 'closed';
    const room = capacity - items.length;
    if (name !== 'enqueueMany') return room > 0 && items.push(value as number) > 0;
    const added = Math.min(room, answer === 0 ? 2 : (answer as number));
    items.push(...[value as number, (value as number) + 0.5].slice(0, added));
    return added;
  },
});
const QUEUE = queueOf(CAPACITY);

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

const SORTED_MAP: Model<Record<string, number>> = {
  ...MAP,
  apply: (state, call) => {
    const all = ['0', '1'].flatMap((key) => (Object.hasOwn(state, key) ? [state[key]!] : []));
    if (call.name === 'all') return all;
    if (call.name === 'size') return all.length;
    return call.name === 'last' ? all.at(-1) : MAP.apply(state, call);
  },
};

interface LinearSubject {
  readonly subject: string;
  readonly make: (heap: Heap) => AnyView;
  readonly model: Model<any>;
}

const makeQueue = (heap: Heap): AnyView => heap.createQueue('f64', CAPACITY);
const LARGE = 20;
const makeMap = (heap: Heap): AnyView => heap.createMap('f64', 'f64');

const SUBJECTS: readonly LinearSubject[] = [
  { subject: 'array', make: (heap) => heap.createArray('f64'), model: ARRAY },
  { subject: 'queue', make: makeQueue, model: QUEUE },
  { subject: 'queue that ends', make: makeQueue, model: QUEUE },
  { subject: 'map', make: makeMap, model: MAP },
  { subject: 'sorted map', make: (heap) => heap.createSortedMap('f64', 'f64'), model: SORTED_MAP },
  { subject: 'cache', make: (heap) => heap.createCache('f64', 'f64', { maxEntries: 100 }), model: MAP },
];

/** Of each round, the calls of all threads. */
async function historiesOf({ subject, make }: LinearSubject, fault: RequestedFaultMode, count: number): Promise<Call[][]> {
  const seed = seedOfTest();
  const { heap } = makeHeapWithMutator({ capacityBytes: '24M', fault, delaySeed: seed });
  heap.roots.slots[SUBJECT_ROOT] = make(heap).ref;
  const threads = new Threads();
  const data = { subject, clock: new Int32Array(new SharedArrayBuffer(8)), threads: THREADS, rounds: count, calls: 5 };
  for (let thread = 0; thread < THREADS; thread++) threads.start(heap.token, 'history', { ...data, thread, seed: seed + thread });
  await threads.ready();
  let over = false;
  const results = threads.finish<{ found: Call[][] }>().finally(() => (over = true));
  while (!over) await heap.collect({ kind: 'full' });
  const histories = await results;
  return Array.from({ length: count }, (_, round) => histories.flatMap(({ found }) => found[round]!));
}

/** A sorted map does the same in every mode, and the short form looks at it in one. */
const subjectsIn = (fault: RequestedFaultMode): readonly LinearSubject[] =>
  SUBJECTS.filter(({ subject }) => subject !== 'sorted map' || !SHORT || fault === MODES[0]);

describe.each(MODES)('calls of several threads (fault mode %s)', (fault) => {
  it.each(subjectsIn(fault))(
    'on one $subject have an order that explains their answers',
    async (subject) => {
      let overlapping = 0;
      for (const calls of await historiesOf(subject, fault, rounds(2_000, 400))) {
        if (calls.some((a) => calls.some((b) => a.begin < b.begin && b.begin < a.end))) overlapping++;
        if (!isLinearizable(calls, subject.model)) expect.fail(`no order explains ${JSON.stringify(calls)}`);
      }
      expect(overlapping).toBeGreaterThan(0);
    },
    60_000,
  );
});

describe('calls of several threads that are not one moment each', () => {
  it.each<LinearSubject>([
    { subject: 'map in two steps', make: makeMap, model: MAP },
    { subject: 'queue in two steps', make: makeQueue, model: QUEUE },
    { subject: 'batches in two steps', make: (heap) => heap.createQueue('f64', LARGE), model: queueOf(LARGE) },
  ])(
    'are found out: $subject',
    async (subject) => {
      const histories = await historiesOf(subject, 'auto', 100);
      expect(histories.some((calls) => !isLinearizable(calls, subject.model))).toBe(true);
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
    expect(isLinearizable([call(0, 3, 'close', 0, undefined), call(1, 2, 'enqueue', 5, 'closed')], QUEUE)).toBe(true);
    expect(isLinearizable([call(0, 1, 'close', 0, undefined), call(2, 3, 'enqueue', 5, true)], QUEUE)).toBe(false);
    expect(isLinearizable([call(0, 1, 'enqueueMany', 5, 3)], QUEUE)).toBe(false);
    expect(isLinearizable([call(0, 1, 'enqueueMany', 5, 0)], QUEUE)).toBe(false);
    expect(isLinearizable([call(0, 9, 'enqueueMany', 5, 2), call(1, 2, 'length', 0, 1)], QUEUE)).toBe(false);
    expect(isLinearizable([call(0, 1, 'push', 5, 1), call(0, 1, 'push', 6, 1)], ARRAY)).toBe(false);
    expect(isLinearizable([call(0, 1, 'set', 4, undefined), call(2, 3, 'setIfAbsent', 6, true)], MAP)).toBe(false);
    expect(isLinearizable([call(0, 3, 'increment', 4, 4), call(1, 2, 'increment', 4, 4)], MAP)).toBe(false);
  });
});
