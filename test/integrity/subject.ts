/**
 * Subjects: a heap with one of everything that has public operations, for the integrity matrix.
 */
import type {
  AllocationBuffer,
  Cursor,
  Elements,
  HandleToken,
  Heap,
  HeapArray,
  HeapCache,
  HeapCondition,
  HeapLock,
  HeapMap,
  HeapOptions,
  HeapQueue,
  HeapSortedMap,
  HeapString,
  Mutator,
  ObjectView,
  Pin,
  ReferenceHandle,
  Ref,
  RootRange,
  Shape,
  View,
} from '../support/faultline.ts';
import { makeHeap } from '../support/heaps.ts';

export const NODE = {
  name: 'node',
  fields: { next: 'self', any: 'ref', text: 'string', mixed: 'tagged', number: 'u32', wide: 'i64', bits: { array: 'u8', length: 4 } },
  elements: 'ref',
  identityHash: true,
} as const;
const WEAK = { name: 'weak node', fields: { number: 'u32' }, elements: 'weak' } as const;

export interface Subject {
  readonly heap: Heap;
  readonly mutator: Mutator;
  readonly shape: Shape<typeof NODE>;
  readonly large: Shape;
  readonly pinnable: View;
  readonly pin: Pin;
  readonly node: View<typeof NODE>;
  readonly weak: View<typeof WEAK>;
  readonly cursor: Cursor<typeof NODE>;
  readonly elements: Elements<ObjectView | null>;
  readonly bits: Elements<number>;
  readonly string: HeapString;
  readonly range: RootRange;
  readonly buffer: AllocationBuffer;
  readonly array: HeapArray<'string'>;
  readonly map: HeapMap<'string', 'ref'>;
  readonly objects: HeapMap<'ref', 'f64'>;
  readonly sortedMap: HeapSortedMap<'string', 'ref'>;
  readonly cache: HeapCache<'string', 'ref'>;
  readonly queue: HeapQueue<'ref'>;
  readonly lock: HeapLock;
  readonly condition: HeapCondition;
  /** Roots of a node, a weak reference to it, and a weak map from it to itself. */
  readonly handle: ReferenceHandle;
  readonly weakReference: ReferenceHandle;
  readonly weakMap: ReferenceHandle;
  token: HandleToken;
}

/** `ballast` objects, half of them garbage, so that marking and compaction take some time. */
export function makeSubject(options: Partial<HeapOptions>, ballast = 100): Subject {
  const heap = makeHeap({ capacityBytes: '16M', trackUtilization: true, ...options, verify: false });
  const mutator = heap.attachMutator();
  const shape = heap.defineShape(NODE);
  const node = heap.create(shape, { number: 1, text: 'some text', any: heap.string('held'), mixed: -7 }, 2);
  node.next = node;
  node.elements.set(0, node);
  const weak = heap.create(heap.defineShape(WEAK), { number: 2 }, [node, null]);
  const large = heap.defineShape({ name: 'large', elements: 'u8' });
  const pinnable = heap.createPinnable(large, 9);
  const filler = heap.defineShape({ name: 'filler', fields: { next: 'ref' }, elements: 'u8' });
  const list = mutator.handle(0);
  for (let i = 0; i < ballast; i++) {
    const made = mutator.allocate(filler, 40);
    if (i % 2 === 0) continue;
    mutator.setReference(filler.refSlot(made, 0), mutator.get(list));
    mutator.set(list, made);
  }
  const array = heap.createArray('string');
  array.push('first');
  array.push('second');
  const map = heap.createMap('string', 'ref').set('key', array) as HeapMap<'string', 'ref'>;
  const weakReference = mutator.handle(mutator.weakReferences.allocate(node.ref));
  const weakMap = mutator.handle(mutator.weakMaps.allocate());
  mutator.weakMaps.set(mutator.get(weakMap), node.ref, node.ref);
  return {
    heap,
    mutator,
    shape,
    large,
    pinnable,
    pin: heap.pin(pinnable),
    node,
    weak,
    cursor: heap.cursor(shape, node),
    elements: node.elements,
    bits: node.bits,
    string: heap.string('a string'),
    range: mutator.createRootRange(4),
    buffer: mutator.allocationBuffer,
    array,
    map,
    objects: heap.createMap('ref', 'f64'),
    sortedMap: heap.createSortedMap('string', 'ref').set('key', array),
    cache: heap.createCache('string', 'ref', { maxEntries: 5 }).set('key', array),
    queue: heap.createQueue('ref', 20),
    lock: heap.createLock(),
    condition: heap.createCondition(),
    handle: mutator.handle(node.ref),
    weakReference,
    weakMap,
    token: heap.offer(heap.create(shape)),
  };
}

/** The raw reference of a view, or 0 where a view has none any more: the operation that gets it has to find that out by itself. */
export function refOf(view: ObjectView): Ref {
  return view.released ? 0 : view.ref;
}

/** Every view of the subject. */
export function viewsOf(subject: Subject): ObjectView[] {
  const { pinnable, node, weak, cursor, string, array, map, objects, sortedMap, cache, queue, lock, condition } = subject;
  return [pinnable, node, weak, cursor, string, array, map, objects, sortedMap, cache, queue, lock, condition] as unknown as ObjectView[];
}
