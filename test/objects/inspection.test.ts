/**
 * Objects to be looked at: what is shown of them, what is copied out of them, and that nothing is lost without a word.
 */
import { inspect } from 'node:util';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { Heap, Mutator, Shape } from '../support/faultline.ts';
import { array, definition } from '../support/faultline.ts';
import { freeHandles, makeHeap } from '../support/heaps.ts';
import { code } from './support.ts';

const CITY = definition({
  name: 'city',
  fields: { name: 'string', inhabitants: 'u32', twin: 'self', any: 'ref', visits: 'i64', mixed: 'tagged', is: 'bool', at: array('f32', 2) },
  elements: 'u8',
});
const HANDLES = 64;

function make(options = {}): { heap: Heap; mutator: Mutator; City: Shape<typeof CITY> } {
  const heap = makeHeap({ capacityBytes: '4M', fault: 'stw', workers: 0, ...options });
  return { heap, mutator: heap.attachMutator({ handleCapacity: HANDLES }), City: heap.defineShape(CITY) };
}

/** On one line. */
const shown = (value: unknown, options = {}): string => inspect(value, { breakLength: Infinity, ...options });

describe.each([{ checked: false }, { checked: true }])('what is shown, in a heap with %o', (options) => {
  it('of a view is the name of its shape and its fields, as they are defined', () => {
    const { heap, City } = make(options);
    const oslo = heap.create(City, { name: 'Oslo', inhabitants: 700_000, visits: -5n, mixed: -7, is: true, at: [1.5, 2] }, [1, 255]);
    const fields = "name: 'Oslo', inhabitants: 700000, twin: null, any: null, visits: -5n, mixed: -7, is: true, at: [ 1.5, 2 ]";
    expect(shown(oslo)).toBe(`city { ${fields}, elements: [ 1, 255 ] }`);
    expect(shown(heap.cursor(City, oslo))).toBe(shown(oslo));
    expect([shown(oslo.elements), shown(oslo.at)]).toEqual(['Elements(2) [ 1, 255 ]', 'Elements(2) [ 1.5, 2 ]']);
    expect(shown(heap.create(City, {}, [9]).elements)).toBe('Elements(1) [ 9 ]');
  });

  it('of containers is what is in them', () => {
    const { heap } = make(options);
    const [map, numbers] = [heap.createMap('string', 'f64'), heap.createMap('f64', 'string')];
    map.set('Oslo', 1);
    numbers.set(2, 'two');
    const [list, queue] = [heap.createArray('string'), heap.createQueue('i64', 3)];
    for (const text of ['a', null, 'c']) list.push(text);
    queue.enqueue(5n);
    expect(shown(map)).toBe("HeapMap<string, f64>(1) { 'Oslo' => 1 }");
    expect(shown(numbers)).toBe("HeapMap<f64, string>(1) { 2 => 'two' }");
    expect(shown(list)).toBe("HeapArray<string>(3) [ 'a', null, 'c' ]");
    expect(shown(queue)).toBe('HeapQueue<i64>(1) [ 5n, capacity: 3 ]');
    expect(shown(heap.createLock())).toBe('HeapLock { owned: false, abandoned: false }');
    expect(shown(heap.createCondition())).toBe('HeapCondition {}');
    expect(shown(heap.string('Oslo'))).toContain("'Oslo'");
  });

  it('of what is circular or shared says so', () => {
    const { heap, City } = make(options);
    const oslo = heap.create(City, { name: 'Oslo' });
    oslo.twin = heap.create(City, { name: 'Bergen', twin: oslo });
    expect(shown(oslo)).toMatch(/^<ref \*1> city \{ name: 'Oslo'.* twin: city \{ name: 'Bergen'.* twin: \[Circular \*1\]/);
    const objects = heap.createMap('ref', 'ref');
    const plain = heap.defineShape({ name: 'plain', fields: { map: 'ref' } });
    objects.set(heap.create(plain, { map: objects }), objects);
    expect(shown(objects)).toBe('<ref *1> HeapMap<ref, ref>(1) { plain { map: [Circular *1] } => [Circular *1] }');
  });

  it('is bounded, however much there is', () => {
    const { heap, City } = make({ ...options, capacityBytes: '16M' });
    const map = heap.createMap('f64', 'f64');
    const list = heap.createArray('u32');
    for (let i = 0; i < 500; i++) {
      map.set(i, i);
      list.push(i);
    }
    expect(shown(map)).toMatch(/^HeapMap<f64, f64>\(100\) \[the first of 500\] \{/);
    expect(shown(list)).toMatch(/\.\.\. 400 more items\s+\]$/);
    expect(shown(list, { maxArrayLength: 2 })).toBe('HeapArray<u32>(500) [ 0, 1, ... 498 more items ]');
    let last = heap.create(City);
    for (let i = 0; i < 300; i++) {
      const next = heap.create(City, { twin: last });
      last.release();
      last = next;
    }
    expect(shown(last).match(/city/g)).toHaveLength(4);
    expect(shown(last, { depth: null }).match(/city/g)).toHaveLength(102);
    expect(shown([[[last]]])).toMatch(/\[city\]/);
  });

  it('leaves no handle behind, and is no safepoint', () => {
    const { heap, mutator, City } = make(options);
    const oslo = heap.create(City, { name: 'Oslo', any: heap.string('x') });
    oslo.any = heap.createMap('string', 'ref');
    const map = oslo.any as unknown as { set(key: string, value: unknown): void };
    map.set('Oslo', oslo);
    const [handles, before] = [freeHandles(mutator), oslo.ref];
    for (let i = 0; i < 2 * HANDLES; i++) shown([oslo, map, oslo.elements, heap, mutator]);
    JSON.stringify(oslo.elements);
    oslo.toObject();
    expect(freeHandles(mutator)).toBe(handles);
    // A checked heap would refuse a reference from before a safepoint.
    mutator.release(mutator.handle(before));
  });

  it('of what cannot be read says why, and throws nothing', async () => {
    const { heap, mutator, City } = make(options);
    const [oslo, other, map] = [heap.create(City), heap.create(City), heap.createMap('string', 'f64')];
    const elements = oslo.elements;
    const all = (): string[] => [shown(oslo), shown(elements), shown(map), shown(heap.roots), shown(City)];
    mutator.park();
    expect(all().slice(0, 3)).toEqual([
      '[city: its mutator is parked]',
      '[elements of city: its mutator is parked]',
      '[HeapMap<string, f64>: its mutator is parked]',
    ]);
    expect(shown(mutator)).toMatch(/^Mutator \{ state: 'parked', handles: \d+ \}$/);
    mutator.unpark();
    other.release();
    expect(shown(other)).toBe('[city: released]');
    expect(shown(heap.cursor(City))).toBe('[city: a cursor that leads nowhere]');
    mutator.detach();
    expect(all()[0]).toBe('[city: its mutator is detached]');
    expect(shown(mutator)).toBe("Mutator { state: 'detached', handles: 0 }");
    await heap.close();
    expect(all()[2]).toBe('[HeapMap<string, f64>: its mutator is detached]');
    expect(shown(heap)).toMatch(/^Heap \{ id: \d+, closed: true \}$/);
  });

  it('of a heap, a mutator, a shape, a pin and a root range are their sizes', () => {
    const { heap, mutator, City } = make(options);
    expect(shown(heap)).toMatch(
      /^Heap \{ id: \d+, capacity: 4\.0 MiB, used: .*, faultMode: 'stw', marker: '[^']+', phase: 'idle', mutator: /,
    );
    expect(shown(mutator)).toBe("Mutator { state: 'running', handles: 0 }");
    expect(shown(City)).toMatch(/^Shape \{ name: 'city', id: \d+, fields: \{ name: 'string', .* elements: 'u8', size: \d+ bytes \}$/);
    expect(shown(mutator.createRootRange(7))).toBe('RootRange { used: 7, capacity: 7 }'.replace('used: 7', 'used: 0'));
    const pin = heap.pin(heap.createPinnable(heap.defineShape({ name: 'bytes', elements: 'u8' }), 2048));
    expect(shown(pin)).toMatch(/^Pin \{ size: 2\.0 KiB, address: 0x[0-9a-f]+ \}$/);
    pin.release();
    expect(shown(pin)).toBe('[Pin: released]');
  });
});

describe('a plain copy', () => {
  it('has every field, and is as circular as the heap', () => {
    const { heap, City } = make();
    const oslo = heap.create(City, { name: 'Oslo', visits: 2n ** 60n, at: [1, 2] }, [3]);
    oslo.twin = oslo;
    const map = heap.createMap('f64', 'ref');
    map.set(7, oslo);
    oslo.any = map;
    const copy = oslo.toObject();
    expect(copy.twin).toBe(copy);
    expect(copy.any).toEqual(new Map([[7, copy]]));
    const { twin: _twin, any: _any, ...rest } = copy;
    expect(rest).toEqual({ name: 'Oslo', inhabitants: 0, visits: 2n ** 60n, mixed: null, is: false, at: [1, 2], elements: [3] });
    const [[key, value]] = [...map.toObject()] as [[number, typeof copy]];
    expect([key, value.name, (value.any as Map<number, unknown>).get(7) === value]).toEqual([7, 'Oslo', true]);
  });

  it('of a list of 100,000 needs no room on the stack', () => {
    const { heap, mutator } = make({ capacityBytes: '32M' });
    const Node = heap.defineShape({ name: 'list node', fields: { next: 'self', number: 'u32' } });
    const head = mutator.handle(0);
    for (let number = 0; number < 100_000; number++) {
      const ref = mutator.allocate(Node);
      mutator.u32[ref * 2 + Node.offsets.next] = mutator.get(head);
      mutator.u32[ref * 2 + Node.offsets.number] = number;
      mutator.set(head, ref);
    }
    let length = 0;
    for (let it = heap.view(mutator.get(head))!.toObject(); it !== null; it = it.next) length++;
    expect(length).toBe(100_000);
  });

  it('of weak elements has what is alive', () => {
    const { heap, City } = make();
    const Weak = heap.defineShape({ name: 'weak holder', elements: 'weak' });
    const oslo = heap.create(City, { name: 'Oslo' });
    expect(heap.create(Weak, {}, [oslo, null]).toObject().elements).toEqual([oslo.toObject(), null]);
  });

  it('throws what reading a field throws', () => {
    const { heap, mutator, City } = make();
    const [oslo, released] = [heap.create(City), heap.create(City)];
    released.release();
    expect(() => released.toObject()).toThrow(code('ERR_VIEW_RELEASED'));
    expect(() => heap.cursor(City).toJSON()).toThrow(code('ERR_NULL_REFERENCE'));
    mutator.park();
    expect(() => oslo.toJSON()).toThrow(code('ERR_MUTATOR_PARKED'));
    mutator.unpark();
    mutator.detach();
    expect(() => oslo.toJSON()).toThrow(code('ERR_MUTATOR_DETACHED'));
  });
});

describe('JSON', () => {
  it('has what a view leads to, with 64-bit integers as texts', () => {
    const { heap, City } = make();
    const oslo = heap.create(City, { name: 'Oslo', visits: 2n ** 60n, at: [1, 2] }, [3]);
    oslo.any = heap.string('a text');
    const { any, visits, at, elements } = JSON.parse(JSON.stringify({ oslo })).oslo as Record<string, unknown>;
    expect({ any, visits, at, elements }).toEqual({ any: 'a text', visits: String(2n ** 60n), at: [1, 2], elements: [3] });
    expect(JSON.stringify([oslo.at, oslo.elements, heap.string('text')])).toBe('[[1,2],[3],"text"]');
  });

  it('of a map is an object, or pairs where keys are objects; of an array and a queue an array', () => {
    const { heap } = make();
    const map = heap.createMap('string', 'f64');
    map.set('__proto__', 1).set('a', 2);
    const objects = heap.createMap('ref', 'f64');
    const key = heap.create(heap.defineShape({ name: 'key', fields: { k: 'u8' } }), { k: 5 });
    objects.set(key, 1);
    const list = heap.createArray('ref');
    list.push(map);
    const queue = heap.createQueue('f64');
    queue.enqueue(0.5);
    expect(JSON.parse(JSON.stringify(map))).toEqual(JSON.parse('{ "__proto__": 1, "a": 2 }'));
    expect(JSON.stringify([objects, queue])).toBe('[[[{"k":5},1]],[0.5]]');
    expect(JSON.parse(JSON.stringify(list))).toEqual([JSON.parse('{ "__proto__": 1, "a": 2 }')]);
  });

  it('of what is circular is the error that it is of any object', () => {
    const { heap, City } = make();
    const oslo = heap.create(City);
    oslo.twin = oslo;
    expect(() => JSON.stringify(oslo)).toThrow(/circular structure/);
  });

  it('makes the differences that a test runner shows readable', () => {
    const { heap, City } = make();
    let message = '';
    try {
      expect(heap.create(City, { name: 'Oslo' })).toEqual(heap.create(City, { name: 'Bergen' }));
    } catch (error) {
      message = String((error as { diff?: string; message: string }).message);
    }
    expect(message).toMatch(/deeply equal/);
    expect(message).not.toMatch(/Symbol\(slot\)/);
  });
});

describe('cloning', () => {
  it('of a view or of elements is an error that names heap.offer', () => {
    const { heap, City } = make();
    const { port1, port2 } = new MessageChannel();
    const oslo = heap.create(City);
    for (const it of [oslo, heap.cursor(City), heap.createMap('string', 'f64'), heap.string('text'), oslo.elements, oslo.at]) {
      expect(() => structuredClone(it)).toThrow(/heap\.offer/);
      expect(() => port1.postMessage({ deep: [it] })).toThrow(/heap\.offer/);
    }
    expect(receiveMessageOnPort(port2)).toBe(undefined);
    port1.close();
  });

  it('of a heap is an error that names heap.token', () => {
    expect(() => structuredClone(make().heap)).toThrow(/heap\.token/);
  });
});

describe('a property that there is not', () => {
  it('cannot be assigned', () => {
    const { heap, City } = make();
    const oslo = heap.create(City) as unknown as Record<string, unknown>;
    expect(() => (oslo['nmae'] = 'Oslo')).toThrow(code('ERR_OPTION'));
    expect(() => (oslo['nmae'] = 'Oslo')).toThrow(/one of name, twin/);
    expect(Object.keys(oslo)).toEqual(['heap.offer']);
    for (const it of [heap.createMap('string', 'f64'), heap.createLock(), heap.string('text'), heap.create(City).at, heap.cursor(City)]) {
      expect(() => Object.assign(it, { nmae: 1 })).toThrow(code('ERR_OPTION'));
    }
  });

  it('reads as undefined, but for an element', () => {
    const { heap, City } = make();
    const [oslo, list] = [heap.create(City, {}, [1]), heap.createArray('f64')];
    list.push(1);
    expect([(oslo as any).nmae, (oslo as any)[0], (oslo as any).then]).toEqual([undefined, undefined, undefined]);
    for (const it of [oslo.elements, oslo.at, list] as any[]) {
      expect(() => it[0] as unknown).toThrow(/get\(0\)/);
      expect(() => (it[12] = 1)).toThrow(/set\(12, value\)/);
      expect(it.nothing).toBe(undefined);
    }
  });
});
