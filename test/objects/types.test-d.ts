/**
 * Types: what compiles and what does not. Nothing here runs; the compiler reads it (test/tools.test.ts).
 */
import { describe, expectTypeOf, it } from 'vitest';
import {
  type AnyView,
  array,
  type Cursor,
  definition,
  type Elements,
  type Heap,
  type HeapString,
  type Mutator,
  ref,
  type Shape,
  type View,
} from '../../src/index.ts';

declare const heap: Heap;
declare const mutator: Mutator;

const POINT = definition({ name: 'point', fields: { x: 'f64', y: 'f64' } });
const Point = heap.defineShape(POINT);
const Node = heap.defineShape({
  name: 'node',
  fields: {
    next: 'self',
    at: ref(Point),
    other: ref(POINT),
    any: 'ref',
    title: 'string',
    seen: 'bool',
    count: 'i64',
    bits: array('u8', 4),
    points: array(ref(Point), 2),
  },
  elements: 'self',
});
const Bytes = heap.defineShape({ name: 'bytes', elements: 'u8' });
const point = heap.create(Point, { x: 1 });
const node = heap.create(Node);

describe('a shape', () => {
  it('has the offsets of its fields and no others', () => {
    expectTypeOf(Point.offsets).toEqualTypeOf<{ readonly x: number; readonly y: number }>();
    // @ts-expect-error there is no such field
    void Point.offsets.z;
  });

  it('is a Shape wherever one is wanted', () => {
    expectTypeOf(Point).toExtend<Shape>();
    expectTypeOf(Node).toExtend<Shape>();
    expectTypeOf(Bytes).toExtend<Shape>();
    mutator.allocate(Point);
    expectTypeOf(heap.shape('point')).toEqualTypeOf<Shape>();
  });

  it('is defined by known kinds only', () => {
    // @ts-expect-error no kind of field
    heap.defineShape({ name: 'wrong', fields: { a: 'i128' } });
    // @ts-expect-error no kind of element
    heap.defineShape({ name: 'wrong', elements: 'string' });
    // @ts-expect-error misspelt
    heap.defineShape({ name: 'wrong', field: {} });
    // @ts-expect-error without a name
    heap.defineShape({ fields: { a: 'u8' } });
  });
});

describe('a view', () => {
  it('has properties of the types of its fields', () => {
    expectTypeOf(point).toExtend<View<typeof POINT>>();
    expectTypeOf(point.x).toEqualTypeOf<number>();
    expectTypeOf(node.seen).toEqualTypeOf<boolean>();
    expectTypeOf(node.count).toEqualTypeOf<bigint>();
    expectTypeOf(node.title).toEqualTypeOf<string | null>();
    expectTypeOf(node.any).toEqualTypeOf<AnyView | null>();
    expectTypeOf(node.at!.x).toEqualTypeOf<number>();
    expectTypeOf(node.other!.y).toEqualTypeOf<number>();
    expectTypeOf(node.next!.next!.count).toEqualTypeOf<bigint>();
    expectTypeOf(node.bits).toEqualTypeOf<Elements<number>>();
    expectTypeOf(node.points.get(0)!.x).toEqualTypeOf<number>();
    expectTypeOf(node.shape.offsets.next).toEqualTypeOf<number>();
  });

  it('has no other properties', () => {
    // @ts-expect-error there is no such field
    void point.z;
    // @ts-expect-error there is no such field
    point.z = 1;
  });

  it('takes values of the right types only', () => {
    point.x = 1;
    node.next = node;
    node.next = null;
    node.any = point;
    node.at = point;
    // @ts-expect-error a number field takes no text
    point.x = '1';
    // @ts-expect-error a 64-bit integer is a BigInt
    node.count = 1;
    // @ts-expect-error a truth value is no number
    node.seen = 1;
    // @ts-expect-error a node is no point
    node.at = node;
    // @ts-expect-error a point is no node
    node.next = point;
    // @ts-expect-error references are views, not numbers
    node.next = 17;
    node.bits = node.bits;
    // @ts-expect-error an array field takes elements of its own type
    node.bits = node.elements;
  });

  it('has elements if its shape has', () => {
    expectTypeOf(heap.create(Bytes, {}, 10).elements).toEqualTypeOf<Elements<number>>();
    expectTypeOf(node.elements.get(0)!.count).toEqualTypeOf<bigint>();
    expectTypeOf(point.elements).toEqualTypeOf<undefined>();
    // @ts-expect-error elements of the wrong type
    node.elements.set(0, point);
  });

  it('of an unknown shape can be asked for anything', () => {
    const unknown = heap.view(1)!;
    expectTypeOf(unknown).toEqualTypeOf<View>();
    void unknown['whatever'];
    expectTypeOf(heap.create(heap.shape('point'), { x: 1 })).toEqualTypeOf<View>();
    expectTypeOf<HeapString>().toExtend<AnyView>();
    expectTypeOf(point).toExtend<AnyView>();
    expectTypeOf(node).toExtend<AnyView>();
  });
});

describe('heap.create', () => {
  it('takes any of the fields and their elements', () => {
    heap.create(Node, { at: point, bits: [1, 2, 3, 4], points: [point, null] }, [node, null]);
    heap.create(Bytes, {}, new Uint8Array(3));
    // @ts-expect-error there is no such field
    heap.create(Point, { x: 1, z: 2 });
    // @ts-expect-error a field of the wrong type
    heap.create(Point, { x: true });
    // @ts-expect-error the shape has no elements
    heap.create(Point, {}, 3);
    // @ts-expect-error elements of the wrong type
    heap.create(Bytes, {}, ['a']);
  });
});

describe('a cursor', () => {
  it('has the properties of a view, steps along its references, and goes where a view goes', () => {
    const cursor = heap.cursor(Node, node);
    expectTypeOf(cursor).toExtend<Cursor<(typeof Node)['definition']>>();
    expectTypeOf(cursor.count).toEqualTypeOf<bigint>();
    expectTypeOf(cursor.follow('next')).toEqualTypeOf<boolean>();
    cursor.follow('any');
    node.next = cursor;
    cursor.moveTo(node).moveTo(null);
    // @ts-expect-error no reference
    cursor.follow('count');
    // @ts-expect-error leads to another shape
    cursor.follow('at');
    // @ts-expect-error no field
    cursor.follow('nothing');
    // @ts-expect-error a point is no node
    heap.cursor(Node, point);
  });
});
