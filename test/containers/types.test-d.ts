/**
 * What the compiler knows about shared containers.
 */
import { describe, expectTypeOf, it } from 'vitest';
import {
  type AnyView,
  arrayOf,
  cacheOf,
  CONDITION,
  type Cursor,
  definition,
  type HandleToken,
  type Heap,
  type HeapArray,
  type HeapCache,
  type HeapCondition,
  type HeapLock,
  type HeapMap,
  type HeapQueue,
  LOCK,
  mapOf,
  type PlainObject,
  queueOf,
  type HeapSortedMap,
  ref,
  sortedMapOf,
  type View,
} from '../support/faultline.ts';

declare const heap: Heap;
/** What a message brings. */
declare const message: any;

const ENTRY = definition({ name: 'entry', fields: { count: 'u32', text: 'string' } });
const Entry = heap.defineShape(ENTRY);
const Other = heap.defineShape({ name: 'other', fields: { count: 'f64' } });
const NODE = definition({
  name: 'node',
  fields: {
    numbers: arrayOf('f64'),
    children: arrayOf('self'),
    byName: mapOf('string', arrayOf('self')),
    entries: mapOf(ref(ENTRY), ENTRY),
    recent: cacheOf('f64', Entry),
    work: queueOf(ref('entry')),
    byTime: sortedMapOf('f64', 'self'),
    lock: LOCK,
    changed: CONDITION,
    next: 'self',
  },
  elements: arrayOf('string'),
});
const Node = heap.defineShape(NODE);
type Node = View<typeof Node>;
const node = heap.create(Node);

describe('a shared container', () => {
  it('takes and gives values of its kinds', () => {
    const numbers = heap.createArray('f64');
    expectTypeOf(numbers).toEqualTypeOf<HeapArray<'f64'>>();
    expectTypeOf(numbers.get(0)).toEqualTypeOf<number>();
    expectTypeOf(numbers.pop()).toEqualTypeOf<number | undefined>();
    expectTypeOf(heap.createArray('i64').toArray()).toEqualTypeOf<bigint[]>();
    expectTypeOf(heap.createArray('string').get(0)).toEqualTypeOf<string | null>();
    expectTypeOf(heap.createQueue('ref').dequeueWait(5)).toEqualTypeOf<AnyView | null | undefined>();
    expectTypeOf(heap.createQueue('u32', 5)).toEqualTypeOf<HeapQueue<'u32'>>();
    const map = heap.createMap('string', 'u64');
    expectTypeOf(map).toEqualTypeOf<HeapMap<'string', 'u64'>>();
    expectTypeOf(map.get('key')).toEqualTypeOf<bigint | undefined>();
    for (const entry of map) expectTypeOf(entry).toEqualTypeOf<[string, bigint]>();
    const cache = heap.createCache('string', 'f32', { maxEntries: 5 });
    expectTypeOf(cache).toEqualTypeOf<HeapCache<'string', 'f32'>>();
    expectTypeOf(cache.get('key')).toEqualTypeOf<number | undefined>();
    expectTypeOf(cache.fetch('key', async (key) => key.length)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(heap.createQueue('string').dequeueMany(5)).toEqualTypeOf<(string | null)[]>();
    expectTypeOf(heap.createLock()).toEqualTypeOf<HeapLock>();
    expectTypeOf(heap.createLock().runAsync(async () => 'x')).toEqualTypeOf<Promise<string>>();
    expectTypeOf(heap.createLock().run(() => 'x')).toEqualTypeOf<string>();
  });

  it('takes no others', () => {
    // @ts-expect-error bytes have no typed array that reaches all of the heap
    heap.createArray('u8');
    // @ts-expect-error keys are strings, numbers and objects
    heap.createMap('i64', 'f64');
    // @ts-expect-error
    heap.createArray('f64').push('1');
    // @ts-expect-error
    heap.createMap('string', 'f64').set(1, 1);
    // @ts-expect-error a cache has a limit
    heap.createCache('string', 'f64');
    // @ts-expect-error null is no key
    heap.createMap('ref', 'f64').get(null);
    // @ts-expect-error a condition needs a lock
    heap.createCondition().wait(heap.createCondition());
  });

  it('goes wherever a view goes', () => {
    expectTypeOf(heap.createArray('f64')).toExtend<AnyView>();
    heap.createArray('ref').push(heap.createMap('ref', 'ref'));
    heap.offer(heap.createLock());
    heap.createMap('ref', 'string').set(heap.createQueue('f64'), 'a queue');
  });
});

describe('a container of objects', () => {
  it('takes and gives views of what it was made for, by a shape, a definition or a reference', () => {
    for (const map of [heap.createMap('string', Entry), heap.createMap('string', ENTRY), heap.createMap('string', ref(Entry))]) {
      expectTypeOf(map).toEqualTypeOf<HeapMap<'string', View<typeof ENTRY>>>();
      expectTypeOf(map.get('key')!.count).toEqualTypeOf<number>();
      map.set('key', heap.create(Entry, { count: 1 }));
      map.set('key', null);
      for (const [key, entry] of map) expectTypeOf([key, entry!.text] as const).toEqualTypeOf<readonly [string, string | null]>();
    }
    expectTypeOf(heap.createArray(Node).get(0)!.next!.next!.numbers).toEqualTypeOf<HeapArray<'f64'> | null>();
    expectTypeOf(heap.createQueue(Entry).dequeue()!.count).toEqualTypeOf<number>();
    expectTypeOf(heap.createQueue(Entry).dequeueAsync()).resolves.toEqualTypeOf<View<typeof Entry> | null | undefined>();
    expectTypeOf(heap.createCache(Entry, 'f64', { maxEntries: 9 }).get(heap.create(Entry))).toEqualTypeOf<number | undefined>();
    expectTypeOf(heap.createMap('f64', arrayOf('i64')).get(1)).toEqualTypeOf<HeapArray<'i64'> | null | undefined>();
    const sorted = heap.createSortedMap('string', Entry);
    expectTypeOf(sorted).toEqualTypeOf<HeapSortedMap<'string', View<typeof Entry>>>();
    expectTypeOf(sorted.toArray({ from: 'a' })[0]![1]!.count).toEqualTypeOf<number>();
    // @ts-expect-error a bound is a key
    sorted.entries({ to: 5 });
    // @ts-expect-error objects have no order
    heap.createSortedMap('ref', 'f64');
    // Of a name, the compiler knows nothing.
    expectTypeOf(heap.createArray(ref('entry'))).toEqualTypeOf<HeapArray<'ref'>>();
    expectTypeOf(heap.createArray(Entry).kind).toEqualTypeOf<'ref'>();
  });

  it('has their plain copies in its own', () => {
    expectTypeOf(heap.createArray(Entry).toObject()).toEqualTypeOf<(PlainObject<typeof ENTRY> | null)[]>();
    expectTypeOf(heap.createMap('string', arrayOf('f64')).toObject()).toEqualTypeOf<Map<string | null, number[] | null>>();
    expectTypeOf(node.toObject().children![0]!.children![0]!.numbers).toEqualTypeOf<number[] | null>();
    expectTypeOf(node.toObject().work).toEqualTypeOf<unknown[] | null>();
  });

  it('takes no others', () => {
    // @ts-expect-error an object of another shape
    heap.createArray(Entry).push(heap.create(Other));
    // @ts-expect-error a plain object
    heap.createMap('string', Entry).set('key', { count: 1, text: '' });
    // @ts-expect-error null is no key
    heap.createMap(Entry, 'f64').get(null);
    // @ts-expect-error a key of another shape
    heap.createMap(Entry, 'f64').get(heap.create(Other));
    // @ts-expect-error a container of another type
    heap.createMap('f64', arrayOf('i64')).set(1, heap.createArray('f64'));
    // @ts-expect-error outside of a field, there is nothing that self would be
    heap.createArray('self');
    // @ts-expect-error no kind
    arrayOf('u8');
    // @ts-expect-error no kind of keys
    mapOf('i64', 'f64');
    // @ts-expect-error a view is no type
    heap.createArray(heap.create(Entry));
  });

  it('is no container of others', () => {
    const entries = heap.createArray(Entry);
    expectTypeOf(entries).toExtend<AnyView>();
    expectTypeOf(heap.createMap('string', Entry)).toExtend<AnyView>();
    // @ts-expect-error
    const others: HeapArray<View<typeof Other>> = entries;
    // @ts-expect-error
    const numbers: HeapArray<'f64'> = heap.createArray('string');
    // @ts-expect-error
    const cache: HeapCache<'string', 'f64'> = heap.createCache('string', 'i64', { maxEntries: 1 });
    // @ts-expect-error
    const map: HeapMap<'f64', 'f64'> = heap.createMap('string', 'f64');
    void [others, numbers, cache, map];
  });
});

describe('a field', () => {
  it('says what is in the container that it refers to', () => {
    expectTypeOf(node.numbers).toEqualTypeOf<HeapArray<'f64'> | null>();
    expectTypeOf(node.children!.get(0)!.children!.pop()!.numbers!.get(0)).toEqualTypeOf<number>();
    expectTypeOf(node.byName!.get('name')!.get(0)!.next!.byName!.size).toEqualTypeOf<number>();
    expectTypeOf(node.entries).toEqualTypeOf<HeapMap<View<typeof ENTRY>, View<typeof ENTRY>> | null>();
    expectTypeOf(node.recent!.get(1)!.count).toEqualTypeOf<number>();
    expectTypeOf(node.work).toEqualTypeOf<HeapQueue<'ref'> | null>();
    expectTypeOf(node.byTime!.last()).toEqualTypeOf<[number, Node | null] | undefined>();
    expectTypeOf(node.lock).toEqualTypeOf<HeapLock | null>();
    expectTypeOf(node.changed).toEqualTypeOf<HeapCondition | null>();
    expectTypeOf(node.elements.get(0)!.get(0)).toEqualTypeOf<string | null>();
  });

  it('takes a container of that type, and no other', () => {
    const children = heap.createArray(Node);
    children.push(node);
    node.children = children;
    node.byName = heap.createMap('string', arrayOf(Node));
    node.numbers = null;
    heap.create(Node, { numbers: heap.createArray('f64'), lock: heap.createLock() }, [heap.createArray('string')]);
    heap.fromObject(Node, { numbers: heap.createArray('f64'), next: { lock: heap.createLock() } });
    // @ts-expect-error an array of others
    node.children = heap.createArray(Entry);
    // @ts-expect-error an array of texts
    node.numbers = heap.createArray('string');
    // @ts-expect-error a queue is no array
    node.numbers = heap.createQueue('f64');
    // @ts-expect-error a condition is no lock
    heap.create(Node, { lock: heap.createCondition() });
    // @ts-expect-error elements of another type
    node.elements.set(0, heap.createArray('f64'));
    // @ts-expect-error a cursor does not go to a container
    heap.cursor(Node).follow('children');
  });
});

describe('a view by its shape', () => {
  it('is one by its definition', () => {
    expectTypeOf<View<typeof Entry>>().toEqualTypeOf<View<typeof ENTRY>>();
    expectTypeOf<Cursor<typeof Entry>['count']>().toEqualTypeOf<number>();
    const nodes: Node[] = [node, heap.cursor(Node), node.next!];
    void nodes;
    // @ts-expect-error an entry is no node
    const wrong: Node = heap.create(Entry);
    void wrong;
  });
});

describe('a token', () => {
  it('carries the type of what it stands for', () => {
    const token = heap.offer(heap.createMap('string', Entry));
    expectTypeOf(token).toEqualTypeOf<HandleToken<HeapMap<'string', View<typeof ENTRY>>>>();
    expectTypeOf(heap.redeem(token).get('key')!.count).toEqualTypeOf<number>();
    expectTypeOf(heap.redeem(heap.offer(node)).next!.numbers).toEqualTypeOf<HeapArray<'f64'> | null>();
    heap.withdraw(token);
    // @ts-expect-error a token of something else
    const other: HandleToken<HeapLock> = token;
    void other;
  });

  it('of a message has the type that the program says, or that of any view', () => {
    const map: HeapMap<'string', 'f64'> = heap.redeem(message);
    expectTypeOf(map.get('key')).toEqualTypeOf<number | undefined>();
    expectTypeOf(heap.redeem<Node>(message).next).toEqualTypeOf<Node | null>();
    expectTypeOf(heap.redeem(message)).toEqualTypeOf<View>();
    // @ts-expect-error no number is passed by a token
    heap.redeem<number>(message);
  });
});

describe('what only the library uses', () => {
  it('is not in the declarations', () => {
    type OfViews =
      | 'elements'
      | 'isSame'
      | 'keep'
      | 'ref'
      | 'release'
      | 'released'
      | 'shape'
      | 'toJSON'
      | 'toObject'
      | typeof Symbol.dispose;
    expectTypeOf<keyof AnyView>().toEqualTypeOf<OfViews>();
    expectTypeOf<Exclude<keyof HeapLock, OfViews>>().toExtend<string>();
    // @ts-expect-error
    void heap.attachMutator().handles;
    // @ts-expect-error
    void Entry.tlabTop;
  });
});
