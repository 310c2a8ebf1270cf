/**
 * The matrix has every public operation: each member of the exported classes occurs in the name of an operation.
 */
import { describe, expect, it } from 'vitest';
import * as faultline from '../support/faultline.ts';
import { Heap, Mutator, RootRange, Shape } from '../support/faultline.ts';
import { INTERNAL } from './coverage.ts';
import { OPERATIONS } from './operations.ts';
import { makeSubject } from './subject.ts';

/** Words in the names of operations on what is called `on`, before any remark. */
function covered(on: string): ReadonlySet<string> {
  const names = Object.keys(OPERATIONS).filter((name) => name.startsWith(`${on}.`));
  return new Set(names.flatMap((name) => name.slice(on.length + 1).match(/\w+/g)!));
}

function membersOf(prototype: object): string[] {
  return Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
}

function missing(type: { name: string; prototype: object }, ...names: string[]): string[] {
  const known = new Set(names.flatMap((name) => [...covered(name)]));
  const left = membersOf(type.prototype).filter((member) => !known.has(member));
  return left.map((member) => `${type.name}.${member}`).filter((name) => !INTERNAL.has(name));
}

describe('the integrity matrix', () => {
  it('has every member of every class', () => {
    const { heap, mutator } = makeSubject({ fault: 'stw' });
    const { arrays, maps, queues, locks, conditions } = heap.containers;
    const classOf = (it: object): { name: string; prototype: object } => it.constructor as unknown as { name: string; prototype: object };
    const baseOf = (it: { prototype: object }): { name: string; prototype: object } =>
      classOf(Object.getPrototypeOf(it.prototype) as object);
    const left = [
      missing(Heap, 'heap'),
      missing(baseOf(Heap), 'heap'),
      missing(Mutator, 'mutator'),
      missing(RootRange, 'range'),
      missing(Shape, 'shape'),
      missing(classOf(mutator.weakReferences), 'weakReferences'),
      missing(classOf(mutator.weakMaps), 'weakMaps'),
      missing(classOf(arrays), 'arrays'),
      missing(classOf(maps), 'maps'),
      missing(classOf(queues), 'queues'),
      missing(classOf(locks), 'locks'),
      missing(classOf(conditions), 'conditions'),
      missing(faultline.ObjectView, 'view'),
      missing(faultline.ObjectCursor, 'cursor'),
      missing(faultline.Elements, 'elements'),
      missing(faultline.HeapString, 'string'),
      missing(faultline.HeapArray, 'array'),
      missing(faultline.HeapMap, 'map'),
      missing(faultline.HeapSortedMap, 'sortedMap'),
      missing(faultline.HeapCache, 'cache'),
      missing(faultline.KeyedView, 'map'),
      missing(faultline.KeyedView, 'cache'),
      missing(faultline.HeapQueue, 'queue'),
      missing(faultline.HeapLock, 'lock'),
      missing(faultline.HeapCondition, 'condition'),
      missing(faultline.Pin, 'pin'),
      missing(faultline.ContainerView),
    ].flat();
    expect(left).toEqual([]);
  });

  it('has every class', () => {
    const isClass = (value: unknown): boolean => typeof value === 'function' && /^class/.test(String(value));
    const classes = Object.entries(faultline)
      .filter(([, value]) => isClass(value))
      .map(([name]) => name);
    expect(classes.sort()).toEqual([
      'ContainerView',
      'Elements',
      'Heap',
      'HeapArray',
      'HeapCache',
      'HeapCondition',
      'HeapError',
      'HeapLock',
      'HeapMap',
      'HeapQueue',
      'HeapSortedMap',
      'HeapString',
      'InvariantError',
      'KeyedView',
      'Mutator',
      'ObjectCursor',
      'ObjectView',
      'Pin',
      'RootRange',
      'Shape',
    ]);
  });

  it('names nothing that is not there', () => {
    expect([...INTERNAL].filter((name) => !/^\w+\.\w+$/.test(name))).toEqual([]);
    expect(covered('mutator').has('allocate')).toBe(true);
    expect(covered('mutator').has('nothing')).toBe(false);
  });
});
