/**
 * Queue nodes: what the operations on queues need for each kind, and how they go from one node to the next.
 */
import { HeapError } from '../errors.ts';
import type { ShapeDefinition } from '../heap/definition.ts';
import type { Mutator } from '../heap/mutator.ts';
import { shapeIdOf, slotOf } from '../heap/object.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { Ref } from '../heap/units.ts';
import { Place, VALUE_KINDS, type ValueKind } from './kinds.ts';

/** @internal */
export interface QueueLayout {
  readonly queue: Shape;
  readonly node: Shape;
  readonly place: Place;
  readonly next: number;
  readonly number: number;
  readonly value: number;
}

const queueDefinition = (kind: ValueKind) =>
  ({
    name: `faultline.queue.${kind}`,
    fields: { head: 'ref', tail: 'ref', capacity: 'u32', consumersWait: 'u32', producersWait: 'u32' },
  }) as const satisfies ShapeDefinition;

/** @internal The nodes of all queues of one mutator. */
export class QueueNodes {
  readonly #mutator: Mutator;
  readonly #shapes: ShapeTable;
  /** By the shape id of the queue. */
  readonly #layouts: (QueueLayout | undefined)[] = [];
  /** By kind, so that making a queue lays out nothing. */
  readonly #made = new Map<ValueKind, QueueLayout>();
  /** Slots of the queue's fields. */
  readonly at: Shape<ReturnType<typeof queueDefinition>>['offsets'];

  constructor(mutator: Mutator, shapes: ShapeTable) {
    this.#mutator = mutator;
    this.#shapes = shapes;
    this.at = shapes.define(queueDefinition('ref')).offsets;
  }

  /** Throws ERR_WRONG_SHAPE for what is no queue. */
  layoutAt(queue: Ref): QueueLayout {
    this.#mutator.admit(queue, 'heap.containers.queues');
    const id = shapeIdOf(this.#mutator.u32, queue);
    return this.#layouts[id] ?? this.of(this.#shapes.numbered(id));
  }

  for(kind: ValueKind): QueueLayout {
    let layout = this.#made.get(kind);
    if (layout === undefined) this.#made.set(kind, (layout = this.of(this.#shapes.define(queueDefinition(kind)))));
    return layout;
  }

  of(queue: Shape): QueueLayout {
    const known = this.#layouts[queue.id];
    if (known !== undefined) return known;
    const kind = VALUE_KINDS.find((kind) => queueDefinition(kind).name === queue.name);
    if (kind === undefined) throw new HeapError('ERR_WRONG_SHAPE', `a queue of the heap is needed, not a ${queue.name}.`);
    const place = new Place(this.#mutator, kind);
    const node = this.#shapes.define({
      name: `faultline.queue-node.${kind}`,
      fields: { next: 'ref', value: place.stored, number: 'u32' },
    });
    const { next, value, number } = node.offsets;
    return (this.#layouts[queue.id] = { queue, node, place, next, value, number });
  }

  /** The next node that holds an element; 0 if there is none yet, or never will be. */
  nextOf(layout: QueueLayout, node: Ref): Ref {
    const next = this.linkOf(layout, node);
    return next === 0 || this.#mutator.getReference(slotOf(next, layout.next)) === next ? 0 : next;
  }

  /**
   * What a node leads to. Loads a second time, which gives the same reference, because that of a node in a queue is written only once: the
   * load that a checked heap records.
   */
  linkOf({ next }: QueueLayout, node: Ref): Ref {
    return Atomics.load(this.#mutator.u32, slotOf(node, next)) === 0 ? 0 : this.#mutator.getReference(slotOf(node, next));
  }

  /** The distance from one node to a later one; the numbers wrap around. */
  between({ number }: QueueLayout, from: Ref, to: Ref): number {
    const { u32 } = this.#mutator;
    return (u32[slotOf(to, number)]! - u32[slotOf(from, number)]!) >>> 0;
  }

  /** Whether the queue is closed and empty, which it stays. */
  isEnded(queue: Ref): boolean {
    const layout = this.layoutAt(queue);
    const head = Atomics.load(this.#mutator.u32, slotOf(queue, this.at.head));
    return this.linkOf(layout, head) !== 0 && this.nextOf(layout, head) === 0;
  }
}

/** @internal */
export function closed(): HeapError {
  return new HeapError('ERR_QUEUE_CLOSED', 'the queue is closed; nothing can be appended to it any more.');
}
