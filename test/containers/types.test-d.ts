/**
 * What the compiler knows about shared containers.
 */
import { describe, expectTypeOf, it } from 'vitest';
import type { AnyView, Heap, HeapArray, HeapCache, HeapLock, HeapMap, HeapQueue } from '../support/faultline.ts';

declare const heap: Heap;

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
