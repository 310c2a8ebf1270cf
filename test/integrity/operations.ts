/**
 * The operations of the integrity matrix, named after what they are called on. `coverage.test.ts` compares the names with the exported
 * classes.
 */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, expect } from 'vitest';
import { Heap, type View } from '../support/faultline.ts';
import { CONTAINER_OPERATIONS as ofContainers } from './container-operations.ts';
import {
  always,
  CLOSED,
  FOREIGN,
  ofHeap,
  ofMutator,
  ofObjects,
  ofRunning,
  ofView,
  type Operations,
  raw,
  RELEASED,
  taking,
} from './matrix.ts';
import { NODE, refOf, type Subject } from './subject.ts';

/** The word of an object that is there, past every check; the heap may be closed. */
const wordOf = ({ buffer, handle }: Subject): number => buffer.control[handle]!;

const SNAPSHOT = join(tmpdir(), `faultline-integrity-${process.pid}.heapsnapshot`);
afterAll(() => rmSync(SNAPSHOT, { force: true }));

const ofHeaps: Operations = {
  'heap.token': always(({ heap }) => heap.token.id),
  'heap.capabilities': always(({ heap }) => heap.capabilities.faultMode),
  'heap.closed': always(({ heap }) => heap.closed),
  'heap.phase': ofHeap(({ heap }) => heap.phase),
  'heap.statistics': ofHeap(({ heap }) => heap.statistics().liveBytes),
  'heap.defineShape': ofHeap(({ heap }) => heap.defineShape(NODE)),
  'heap.defineShape, new': ofHeap(({ heap }) => heap.defineShape({ name: 'new', fields: { a: 'f64' } })),
  'heap.shape': always(({ heap }) => heap.shape('node')),
  'heap.shape, unknown here': { ...always(({ heap }) => Heap.attach(heap.token).shape('node')), closed: 'ERR_HEAP_UNKNOWN' },
  'heap.collect': ofHeap(({ heap }) => heap.collect()),
  'heap.collect, full': ofHeap(({ heap }) => heap.collect({ kind: 'full' })),
  'heap.collect, mark': ofHeap(({ heap }) => heap.collect({ kind: 'mark' })),
  'heap.verify': ofHeap(({ heap }) => heap.verify()),
  'heap.writeSnapshot': ofHeap(({ heap }) => heap.writeSnapshot(SNAPSHOT)),
  'heap.measureBareFault': ofHeap(({ heap }) => heap.measureBareFault(5)),
  'heap.roots': always(({ heap }) => heap.roots.slots[0]),
  'heap.finalizable': always(({ heap }) => heap.finalizable().return!()),
  'heap.attachMutator': {
    ...always(({ heap, mutator }) =>
      mutator.attached ? expect(() => heap.attachMutator()).toThrow(/mutator of the heap already/) : heap.attachMutator().detach(),
    ),
    closed: CLOSED,
  },
  'Heap.attach': { ...always(({ heap }) => Heap.attach(heap.token).close()), closed: 'ERR_HEAP_UNKNOWN' },
};

const ofMutators: Operations = {
  'mutator.i8, u8': always((subject) => [subject.mutator.i8[wordOf(subject) * 8], subject.mutator.u8[wordOf(subject) * 8]]),
  'mutator.i16, u16': always((subject) => [subject.mutator.i16[wordOf(subject) * 4], subject.mutator.u16[wordOf(subject) * 4]]),
  'mutator.i32, u32': always((subject) => [subject.mutator.i32[wordOf(subject) * 2], subject.mutator.u32[wordOf(subject) * 2]]),
  'mutator.f32, f64': always((subject) => [subject.mutator.f32[wordOf(subject) * 2], subject.mutator.f64[wordOf(subject)]]),
  'mutator.i64, u64': always((subject) => [subject.mutator.i64[wordOf(subject)], subject.mutator.u64[wordOf(subject)]]),
  'mutator.allocate': ofRunning(({ mutator, shape }) => mutator.allocate(shape, 2)),
  'mutator.allocate, large': ofRunning(({ mutator, large }) => mutator.allocate(large, 2 ** 20)),
  'mutator.allocatePinnable': ofRunning(({ mutator, large }) => mutator.allocatePinnable(large, 5)),
  'mutator.allocatePinnable, a shape': {
    ...ofRunning(({ mutator }, { large }) => mutator.allocatePinnable(large, 2)),
    foreign: 'ERR_SHAPE_UNKNOWN',
  },
  'mutator.allocate, a shape': { ...ofRunning(({ mutator }, { shape }) => mutator.allocate(shape, 2)), foreign: 'ERR_SHAPE_UNKNOWN' },
  'mutator.allocationBuffer': always(({ mutator, buffer, shape }) => {
    const { control, top, limit } = mutator.allocationBuffer;
    expect(control).toBe(buffer.control);
    const words = shape.words(1);
    // The one-object way that its documentation shows.
    if (!mutator.attached || control[top]! + words > control[limit]! || control[top] === 0) return;
    const ref = control[top]!;
    mutator.u32[ref * 2 + 1] = 1;
    mutator.u32[ref * 2] = shape.id;
    control[top] = ref + words;
  }),
  'mutator.poll': always(({ mutator }) => mutator.poll()),
  'mutator.handle, release': ofRunning(({ mutator }) => mutator.release(mutator.handle(0))),
  'mutator.release': ofRunning(({ mutator }) => mutator.release(mutator.handle(0))),
  'mutator.get': raw(({ mutator, handle }) => mutator.get(handle)),
  'mutator.set': raw(({ mutator, handle }) => mutator.set(handle, mutator.get(handle))),
  'mutator.scope': ofRunning(({ mutator }) => mutator.scope(() => mutator.local(0))),
  'mutator.local': ofRunning(({ mutator, node }) => mutator.scope(() => mutator.local(refOf(node)))),
  'mutator.createRootRange': ofMutator(({ mutator }) => mutator.createRootRange(2).release()),
  'mutator.getReference': raw(({ mutator, handle }) => mutator.getReference(mutator.get(handle) * 2 + 2)),
  'mutator.setReference': raw(({ mutator, handle, shape }) => mutator.setReference(mutator.get(handle) * 2 + shape.offsets.any, 0)),
  'mutator.compareExchangeReference': raw(({ mutator, handle, shape }) =>
    mutator.compareExchangeReference(mutator.get(handle) * 2 + shape.offsets.any, 1, 0),
  ),
  'mutator.copyReferences': raw(({ mutator, handle, shape }) => {
    const slot = mutator.get(handle) * 2 + shape.elementsOffset;
    mutator.copyReferences(slot + 1, slot, 1);
  }),
  'mutator.readWeak': raw(({ mutator, weakReference }) =>
    mutator.readWeak(mutator.get(weakReference) * 2 + mutator.weakReferences.shape.elementsOffset),
  ),
  'mutator.identityHash': ofRunning(({ mutator, handle }) => mutator.identityHash(mutator.get(handle))),
  'mutator.finalizeLater': ofRunning(({ mutator, handle }) => mutator.finalizeLater(mutator.get(handle), 1)),
  'mutator.weakReferences': always(({ mutator }) => mutator.weakReferences.shape.id),
  'weakReferences.shape': always(({ mutator }) => mutator.weakReferences.shape.id),
  'weakReferences.allocate': ofRunning(({ mutator, handle }) => mutator.weakReferences.allocate(mutator.get(handle))),
  'weakReferences.get': ofRunning(({ mutator, handle, weakReference }) =>
    expect(mutator.weakReferences.get(mutator.get(weakReference))).toBe(mutator.get(handle)),
  ),
  'weakReferences.clear': ofRunning(({ mutator, handle }) =>
    mutator.weakReferences.clear(mutator.weakReferences.allocate(mutator.get(handle))),
  ),
  'mutator.weakMaps': always(({ mutator }) => mutator.weakMaps.shape.id),
  'weakMaps.shape': always(({ mutator }) => mutator.weakMaps.shape.id),
  'weakMaps.allocate': ofRunning(({ mutator }) => mutator.weakMaps.allocate()),
  'weakMaps.get': ofRunning(({ mutator, handle, weakMap }) =>
    expect(mutator.weakMaps.get(mutator.get(weakMap), mutator.get(handle))).toBe(mutator.get(handle)),
  ),
  'weakMaps.has': ofRunning(({ mutator, handle, weakMap }) =>
    expect(mutator.weakMaps.has(mutator.get(weakMap), mutator.get(handle))).toBe(true),
  ),
  'weakMaps.set': ofRunning(({ mutator, handle, weakMap }) =>
    mutator.weakMaps.set(mutator.get(weakMap), mutator.get(handle), mutator.get(handle)),
  ),
  'weakMaps.delete': ofRunning(({ mutator, weakMap, shape }) => {
    const key = mutator.allocate(shape);
    expect(mutator.weakMaps.delete(mutator.get(weakMap), key)).toBe(false);
  }),
  'mutator.collect': ofRunning(({ mutator }) => mutator.collect()),
  'mutator.utilization': ofMutator(({ mutator }) => mutator.utilization(10)),
  'mutator.attached': always(({ mutator }) => mutator.attached),
  'range.slots': always(({ range }) => (range.slots[0] = 0)),
  'range.used': always(({ range }) => {
    range.used = 1;
    range.used--;
  }),
};

const ofViews: Operations = {
  'heap.create': ofObjects(({ heap, shape }) => heap.create(shape, { number: 1, text: 'new', mixed: 5 }, 3).release()),
  'heap.create, with a view': {
    ...ofObjects(({ heap, shape }, { node }) => heap.create(shape, { next: node }).release()),
    foreign: FOREIGN,
    released: 'ERR_VIEW_RELEASED',
  },
  'heap.create, with a shape': { ...ofObjects(({ heap }, { shape }) => heap.create(shape).release()), foreign: 'ERR_SHAPE_UNKNOWN' },
  'heap.fromObject': ofObjects(({ heap, shape }) => heap.fromObject(shape, { number: 1, next: { text: 'new' }, elements: [] }).release()),
  'heap.fromObject, with a view': {
    ...ofObjects(({ heap, shape }, { node }) => heap.fromObject(shape, { next: node }).release()),
    foreign: FOREIGN,
    released: 'ERR_VIEW_RELEASED',
  },
  'heap.fromJSON': ofObjects(({ heap, shape }) => heap.fromJSON(shape, '{ "wide": "5" }').release()),
  'heap.createPinnable': ofObjects(({ heap, large }) => heap.createPinnable(large, 5).release()),
  'heap.pin': ofObjects(({ heap, large }) => heap.pin(heap.createPinnable(large, 5)).release()),
  'pin.release, of a view': {
    ...ofObjects(({ heap }, { pinnable }) => heap.pin(pinnable).release()),
    foreign: FOREIGN,
    released: RELEASED,
  },
  'pin.bytes, address, released': always(({ pin }) => expect(pin.bytes.byteLength === 0).toBe(pin.released && pin.address > 0n)),
  'heap.cursor': { ...ofObjects(({ heap, shape }) => heap.cursor(shape).release()), parked: 'works' },
  'heap.cursor, at a view': {
    ...ofObjects(({ heap, shape }, { node }) => heap.cursor(shape, node).release()),
    foreign: FOREIGN,
    released: 'ERR_VIEW_RELEASED',
  },
  'heap.view': ofObjects(({ heap, node }) => heap.view(refOf(node))?.release()),
  'heap.string': ofObjects(({ heap }) => heap.string('text').release()),
  'heap.intern': ofObjects(({ heap }) => heap.intern('text').release()),
  'heap.dropInterned': ofObjects(({ heap }) => heap.dropInterned('nothing')),
  'heap.offer, withdraw': {
    ...ofObjects(({ heap }, { node }) => heap.withdraw(heap.offer(node))),
    foreign: FOREIGN,
    released: 'ERR_VIEW_RELEASED',
  },
  'heap.withdraw': ofObjects(({ heap, token }) => expect(heap.withdraw({ ...token, stamp: token.stamp + 4 })).toBe(false)),
  'heap.redeem': {
    ...ofObjects(({ heap }, other) => {
      const view = heap.redeem(other.token) as unknown as View<typeof NODE>;
      other.token = heap.offer(view);
      view.release();
    }),
    foreign: FOREIGN,
  },
  'shape.id, name, definition, fields, offsets, refCount, taggedCount, identitySlot, fixedWords, elementKind, elementsOffset': always(
    ({ shape }) =>
      expect(shape.id + shape.refCount + shape.taggedCount + shape.identitySlot + shape.fixedWords + shape.elementsOffset).toBeGreaterThan(
        0,
      ),
  ),
  'shape.field': always(({ shape }) => shape.field('number').offset),
  'shape.words': always(({ shape }) => shape.words(3)),
  'shape.refSlot': always(({ shape }) => shape.refSlot(1024, 0)),
  'view.number': ofView(({ node }) => node.number),
  'view.number =': ofView(({ node }) => (node.number = 5)),
  'view.wide': ofView(({ node }) => (node.wide = node.wide + 1n)),
  'view.text': ofView(({ node }) => node.text),
  'view.text =': ofView(({ node }) => (node.text = 'other text')),
  'view.text = null': ofView(({ node }) => (node.text = null)),
  'view.mixed': ofView(({ node }) => node.mixed),
  'view.mixed =': ofView(({ node }) => (node.mixed = 12)),
  'view.mixed = a view': taking(({ node }, { string }) => (node.mixed = string)),
  'view.next': ofView(({ node }) => node.next!.release()),
  'view.next =': taking(({ node }, { node: to }) => (node.next = to)),
  'view.any': ofView(({ node }) => node.any?.release()),
  'view.any =': taking(({ node }, { string }) => (node.any = string)),
  'view.bits': ofView(({ bits }) => bits.set(1, bits.get(0) + 1)),
  'view.ref': ofView(({ node }) => node.ref),
  'view.toObject': ofView(({ node }) => expect(node.toObject().number).toBeGreaterThan(0)),
  'view.toJSON': ofView(({ node }) => node.toJSON()),
  'view, to be looked at': always(({ heap, node, elements, map }) => inspect([heap, node, elements, map])),
  'view.shape': always(({ node }) => node.shape.name),
  'view.elements': always(({ node }) => node.elements),
  'view.isSame': taking(({ node }, { node: to }) => node.isSame(to)),
  'view.released': always(({ node }) => node.released),
  'view.keep': always(({ node }) => node.keep()),
  'view.release': always(({ heap, mutator, shape }) => mutator.attached && !heap.closed && heap.cursor(shape).release()),
  'elements.length': ofView(({ elements }) => elements.length),
  'elements.get': ofView(({ elements }) => elements.get(0)?.release()),
  'elements.at': ofView(({ elements }) => elements.at(-2)?.release()),
  'elements.forEach': ofView(({ elements }) => elements.forEach((it) => it?.release())),
  'elements.slice': ofView(({ bits }) => expect(bits.slice(-1)).toHaveLength(1)),
  'elements.set': taking(({ elements }, { node }) => elements.set(1, node)),
  'elements, in order': ofView(({ elements }) => {
    for (const it of elements) it?.release();
  }),
  'elements.toJSON': ofView(({ elements }) => elements.toJSON()),
  'elements.toArray': ofView(({ bits }) => bits.toArray()),
  'elements.copyTo': ofView(({ bits }) => bits.copyTo(new Uint8Array(4))),
  'elements.copyFrom': ofView(({ bits }) => bits.copyFrom(new Uint8Array(4))),
  'elements.copyFrom, views': taking(({ elements }, { node }) => elements.copyFrom([node, null])),
  'elements.get, weak': ofView(({ weak }) => expect(weak.elements.get(1)).toBe(null)),
  'elements.set, weak': taking(({ weak }, { node }) => weak.elements.set(0, node)),
  'cursor.number': ofView(({ cursor }) => cursor.number),
  'cursor.moveTo': taking(({ cursor }, { node }) => cursor.moveTo(node)),
  'cursor.moveTo, a raw reference': ofView(({ cursor, node }) => cursor.moveTo(refOf(node)).moveTo(node)),
  'cursor.follow': ofView(({ cursor, node }) => expect(cursor.moveTo(node).follow('next')).toBe(true)),
  'cursor.followElement': ofView(({ cursor, node }) => expect(cursor.moveTo(node).followElement(0)).toBe(true)),
  'cursor.isNull': ofView(({ cursor }) => cursor.isNull),
  'string.toJSON, toObject': ofView(({ string }) => expect(string.toJSON()).toBe(string.toObject())),
  'string.toString': ofView(({ string }) => expect(string.toString()).toBe('a string')),
  'string.length': ofView(({ string }) => string.length),
  'string.charCodeAt': ofView(({ string }) => string.charCodeAt(3)),
  'string.equals': ofView(({ string }) => string.equals('a string')),
};

/** What ends something, and so comes last. */
const ending: Operations = {
  'mutator.park, unpark': {
    ...ofMutator(({ mutator }) => {
      mutator.park();
      mutator.unpark();
    }),
  },
  'mutator.parked': ofMutator(({ mutator }) => mutator.parked(() => 0)),
  'mutator.parkAll': ofMutator(({ mutator }) => mutator.parkAll(() => 0)),
  'range.release': always(({ range }) => range.release()),
  'mutator.detach': always(({ mutator }) => mutator.detach()),
  'heap.close': always(({ heap }) => heap.close()),
};

export const OPERATIONS: Operations = { ...ofHeaps, ...ofMutators, ...ofViews, ...ofContainers, ...ending };
/** Those that can be repeated. */
export const REPEATABLE: Operations = { ...ofHeaps, ...ofMutators, ...ofViews, ...ofContainers };
