/**
 * Container classes: the classes of the views of shared containers in one mutator. The name of a container's shape says what it is
 * (`faultline.map.string.ref`), so every thread recognizes a container that comes out of a field, a token or another container.
 */
import { argumentRangeError } from '../errors.ts';
import type { Shape } from '../heap/shapes.ts';
import type { ShapeClasses } from '../objects/generated-classes.ts';
import { ObjectCursor, OWNER, SHAPE } from '../objects/object-view.ts';
import type { SpecialCopy } from '../objects/plain-copy.ts';
import { define } from '../objects/sealing.ts';
import type { ViewOwner } from '../objects/view-owner.ts';
import { containerCopy } from './container-copies.ts';
import { CLASSES, type ContainerView } from './container-view.ts';
import type { Containers } from './containers.ts';
import { HeapArray } from './heap-array.ts';
import { HeapCache } from './heap-cache.ts';
import { HeapCondition, HeapLock } from './heap-lock.ts';
import { HeapMap } from './heap-map.ts';
import { HeapQueue } from './heap-queue.ts';
import { HeapSortedMap } from './heap-sorted-map.ts';

/** By the prefix of the shape's name. */
const VIEWS: Readonly<Record<string, abstract new (slot: number) => ContainerView>> = {
  'faultline.array.': HeapArray,
  'faultline.map.': HeapMap,
  'faultline.sorted-map.': HeapSortedMap,
  'faultline.cache.': HeapCache,
  'faultline.queue.': HeapQueue,
  'faultline.lock': HeapLock,
  'faultline.condition': HeapCondition,
};

/** @internal */
export class ContainerClasses {
  readonly #make: () => Containers;
  readonly #copies = new Map<Shape, SpecialCopy>();
  #operations: Containers | undefined;

  /** `make` is called once, when the operations are first needed, because they define shapes. */
  constructor(make: () => Containers) {
    this.#make = make;
  }

  get operations(): Containers {
    return (this.#operations ??= this.#make());
  }

  /** How a container of that shape is copied; undefined for other shapes. */
  copyOf(shape: Shape): SpecialCopy | undefined {
    let copy = this.#copies.get(shape);
    if (copy === undefined && prefixOf(shape) !== undefined) {
      copy = containerCopy(shape, this.operations);
      this.#copies.set(shape, copy);
    }
    return copy;
  }

  /** The view of a container's shape; undefined for other shapes. */
  classesOf(shape: Shape, owner: ViewOwner): ShapeClasses | undefined {
    const prefix = prefixOf(shape);
    if (prefix === undefined) return undefined;
    const view = class extends (VIEWS[prefix] as new (slot: number) => ContainerView) {};
    define(view.prototype, { [OWNER]: owner, [SHAPE]: shape, [CLASSES]: this });
    return {
      shape,
      view: view as unknown as ShapeClasses['view'],
      cursor: ContainerCursor as ShapeClasses['cursor'],
      elements: undefined,
    };
  }
}

function prefixOf({ name }: Shape): string | undefined {
  return Object.keys(VIEWS).find((prefix) => (prefix.endsWith('.') ? name.startsWith(prefix) : name === prefix));
}

class ContainerCursor extends ObjectCursor {
  constructor(slot: number) {
    super(slot);
    throw argumentRangeError('shape of a cursor', 'a shape of objects', 'a container');
  }
}
