/**
 * Heaps: made for one test and closed after it, whatever its outcome.
 */
import { afterEach } from 'vitest';
import { Heap, type HeapEvent, type HeapOptions, type Mutator, type Ref, type Shape } from './faultline.ts';

const open: Heap[] = [];

afterEach(async () => {
  for (const heap of open.splice(0)) await heap.close();
});

/** A heap with every check switched on, closed after the test. */
export function makeHeap(options: HeapOptions): Heap {
  const heap = Heap.create({ verify: true, ...options });
  open.push(heap);
  return heap;
}

/** A heap and this thread's mutator. */
export function makeHeapWithMutator(options: HeapOptions): { heap: Heap; mutator: Mutator } {
  const heap = makeHeap(options);
  return { heap, mutator: heap.attachMutator() };
}

/** Collects every event the heap tells from now on. */
export function recordEvents(heap: Heap): HeapEvent[] {
  const events: HeapEvent[] = [];
  heap.on('event', (event) => events.push(event));
  return events;
}

/** A singly linked list: the simplest thing that shows a lost or misdirected reference. */
export class LinkedList {
  readonly #mutator: Mutator;
  readonly #shape: Shape;
  readonly #value: number;
  readonly head: number;
  length = 0;

  constructor(heap: Heap, mutator: Mutator, payloadBytes = 0) {
    this.#mutator = mutator;
    this.#shape = heap.defineShape({
      name: `list of ${payloadBytes}`,
      fields: { next: 'ref', value: 'u32' },
      elements: 'u8',
    });
    this.#value = this.#shape.field('value').offset;
    this.head = mutator.handle(0);
    this.#payloadBytes = payloadBytes;
  }

  readonly #payloadBytes: number;

  /** Puts a node in front. */
  push(value: number): Ref {
    const ref = this.garbage(value);
    const { u32 } = this.#mutator;
    u32[this.#shape.refSlot(ref, 0)] = this.#mutator.get(this.head);
    this.#mutator.set(this.head, ref);
    this.length++;
    return ref;
  }

  /** A node that nothing leads to. */
  garbage(value = 0): Ref {
    const ref = this.#mutator.allocate(this.#shape, this.#payloadBytes);
    this.#mutator.u32[ref * 2 + this.#value] = value;
    return ref;
  }

  /** The values from the last pushed to the first. No safepoint. */
  values(): number[] {
    const { u32 } = this.#mutator;
    const found: number[] = [];
    for (let ref = this.#mutator.get(this.head); ref !== 0; ref = this.#mutator.getReference(this.#shape.refSlot(ref, 0))) {
      if (u32[ref * 2] !== this.#shape.id) throw new Error(`word ${ref} is no list node: header ${u32[ref * 2]}`);
      found.push(u32[ref * 2 + this.#value]!);
    }
    return found;
  }

  /** Unlinks every node but each `n`-th. */
  keepEach(n: number): void {
    const { u32 } = this.#mutator;
    let kept = this.#mutator.get(this.head);
    if (kept === 0) return;
    let position = 0;
    this.length = 1;
    for (
      let ref = this.#mutator.getReference(this.#shape.refSlot(kept, 0));
      ref !== 0;
      ref = this.#mutator.getReference(this.#shape.refSlot(ref, 0))
    ) {
      if (++position % n !== 0) continue;
      u32[this.#shape.refSlot(kept, 0)] = ref;
      kept = ref;
      this.length++;
    }
    u32[this.#shape.refSlot(kept, 0)] = 0;
  }
}

/** `from`, `from - step`, … down to at least 0: what a list of `LinkedList` holds when it was pushed in order. */
export function countdown(from: number, step = 1): number[] {
  const values: number[] = [];
  for (let value = from; value >= 0; value -= step) values.push(value);
  return values;
}

/** How many handles there are left. */
export function freeHandles(mutator: Mutator): number {
  const made: number[] = [];
  try {
    for (;;) made.push(mutator.handle(0));
  } catch {
    for (const handle of made) mutator.release(handle);
  }
  return made.length;
}
