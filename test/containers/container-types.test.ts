/**
 * Container types at run time: what the compiler is told changes nothing in the heap, except that a field takes only containers of its
 * kinds.
 */
import { describe, expect, it } from 'vitest';
import { code } from '../objects/support.ts';
import { arrayOf, cacheOf, CONDITION, definition, LOCK, mapOf, queueOf, ref, sortedMapOf, type ValueType } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';

const ENTRY = definition({ name: 'entry', fields: { count: 'u32' } });
const OPTIONS = { capacityBytes: '4M', fault: 'stw', workers: 0 } as const;
const LIMITS = { maxEntries: 10 };

describe('a container that is made for objects', () => {
  it('is what one is that is made for references', () => {
    const { heap } = makeHeapWithMutator(OPTIONS);
    const Entry = heap.defineShape(ENTRY);
    const types: ValueType[] = [Entry, ENTRY, ref(Entry), ref('anything'), arrayOf('f64'), LOCK];
    for (const type of types) {
      expect(heap.createArray(type).shape).toBe(heap.createArray('ref').shape);
      expect(heap.createQueue(type).shape).toBe(heap.createQueue('ref').shape);
      expect(heap.createMap('f64', type).shape).toBe(heap.createMap('f64', 'ref').shape);
      expect(heap.createMap(type as 'ref', 'f64').shape).toBe(heap.createMap('ref', 'f64').shape);
      expect(heap.createSortedMap('f64', type).shape).toBe(heap.createSortedMap('f64', 'ref').shape);
      expect(heap.createCache(type as 'ref', type, LIMITS).shape).toBe(heap.createCache('ref', 'ref', LIMITS).shape);
    }
    const map = heap.createMap('string', Entry).set('key', heap.create(Entry, { count: 7 }));
    expect(map.get('key')?.count).toBe(7);
    expect(map.valueKind).toBe('ref');
  });

  it('is not made for what is no type', () => {
    const { heap } = makeHeapWithMutator(OPTIONS);
    const named = heap.create(heap.defineShape({ name: 'named', fields: { name: 'string' } }), { name: 'f64' });
    for (const wrong of [{}, null, named, Map, 'u8', 'self', { ref: 5 }] as unknown[]) {
      expect(() => heap.createArray(wrong as 'ref')).toThrow(code('ERR_OPTION'));
      expect(() => heap.createMap(wrong as 'ref', 'f64')).toThrow(code('ERR_OPTION'));
      if (wrong === 'self') continue;
      expect(() => arrayOf(wrong as 'ref')).toThrow(code('ERR_OPTION'));
      expect(() => mapOf('string', wrong as 'ref')).toThrow(code('ERR_OPTION'));
    }
    expect(() => mapOf('i64' as 'f64', 'f64')).toThrow(code('ERR_OPTION'));
  });
});

describe('a field of the type of a container', () => {
  it('takes what the heap makes of that type', () => {
    const { heap, mutator } = makeHeapWithMutator(OPTIONS);
    const Node = heap.defineShape({
      name: 'node',
      fields: {
        children: arrayOf('self'),
        byName: mapOf('string', arrayOf('self')),
        recent: cacheOf(ENTRY, 'i64'),
        work: queueOf('u32'),
        byTime: sortedMapOf('f64', 'self'),
        lock: LOCK,
        changed: CONDITION,
      },
    });
    const children = heap.createArray(Node);
    const node = heap.create(Node, {
      children,
      byName: heap.createMap('string', arrayOf(Node)).set('all', children),
      recent: heap.createCache(ENTRY, 'i64', LIMITS),
      work: heap.createQueue('u32', 5),
      byTime: heap.createSortedMap('f64', Node),
      lock: heap.createLock(),
      changed: heap.createCondition(),
    });
    children.push(node);
    node.byTime?.set(5, node);
    mutator.collect({ kind: 'full' });
    expect(node.byName?.get('all')?.get(0)?.children?.get(0)?.isSame(node)).toBe(true);
    expect(node.byTime?.first()?.[1]?.isSame(node)).toBe(true);
    expect([node.work?.capacity, node.lock?.owned, node.recent?.size]).toEqual([5, false, 0]);
  });

  it('takes no other container, and no other object', () => {
    const { heap } = makeHeapWithMutator(OPTIONS);
    const Node = heap.defineShape({ name: 'node', fields: { numbers: arrayOf('f64'), lock: LOCK }, elements: mapOf('string', 'f64') });
    const node = heap.create(Node, {}, 1);
    const numbers = (wrong: unknown): void => void (node.numbers = wrong as null);
    for (const wrong of [heap.createArray('f32'), heap.createQueue('f64'), heap.createLock(), node]) {
      expect(() => numbers(wrong)).toThrow(code('ERR_WRONG_SHAPE'));
    }
    expect(() => numbers([1, 2])).toThrow(code('ERR_OPTION'));
    expect(() => heap.create(Node, { lock: heap.createCondition() as never })).toThrow(code('ERR_WRONG_SHAPE'));
    expect(() => node.elements.set(0, heap.createMap('string', 'i64') as never)).toThrow(code('ERR_WRONG_SHAPE'));
    expect(node.toObject()).toEqual({ numbers: null, lock: null, elements: [null] });
  });

  it('is the same in the other threads, which know the shape by its name', () => {
    const { heap } = makeHeapWithMutator(OPTIONS);
    const { fields } = heap.defineShape({ name: 'node', fields: { numbers: arrayOf('f64') } }).definition;
    expect(structuredClone(fields)).toEqual({ numbers: { ref: 'faultline.array.f64' } });
    expect(fields.numbers.ref).toBe(heap.createArray('f64').shape.name);
    expect(arrayOf('self').ref).toBe(heap.createArray('ref').shape.name);
  });
});
