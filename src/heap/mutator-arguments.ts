/**
 * Mutator arguments: checks of what a program passes to a mutator that do not read the heap. A reference is the number of a word;
 * `heapWords` is the number of words of the heap.
 */
import { PAGE_WORDS } from '../binding/layout.ts';
import { argumentRangeError, argumentTypeError, detached, HeapError } from '../errors.ts';
import { Shape } from './shapes.ts';
import { isSmallInteger } from './tagged.ts';
import type { Ref } from './units.ts';

/** Whether there can be an object at that word. There is none in the first page, so null is not an object. */
export function canBeObject(ref: Ref, heapWords: number): boolean {
  return typeof ref === 'number' && ref >>> 0 === ref && ref >= PAGE_WORDS && ref < heapWords;
}

/** The same for a value that may be a tagged small integer. */
export function canBeValue(value: number, heapWords: number): boolean {
  return canBeObject(value, heapWords) || (typeof value === 'number' && value >>> 0 === value && isSmallInteger(value));
}

/** What is asked of a mutator for its errors. */
interface Asked {
  readonly attached: boolean;
  readonly f64: { readonly length: number };
}

export function notAnObjectOf(place: string, { attached }: Asked): Error {
  return attached ? argumentTypeError(`object of ${place}`, 'an object', null) : detached(place);
}

export function notAReference(ref: Ref, place: string, { attached, f64 }: Asked): Error {
  if (!attached) return detached(place);
  const heapWords = f64.length;
  const accepted = `0, or an integer from ${PAGE_WORDS} to ${heapWords - 1} (a tagged small integer is no reference)`;
  return argumentRangeError(`reference in ${place}`, accepted, ref);
}

/** Throws for what is no shape, or one of another heap. */
export function mustBeOwn(shape: Shape, isOwn: (shape: Shape) => boolean): void {
  if (!(shape instanceof Shape)) throw argumentTypeError('shape', 'a shape of the heap', shape);
  if (!isOwn(shape)) throw new HeapError('ERR_SHAPE_UNKNOWN', `the shape ${shape.name} is of another heap; define it in this one.`);
}

export function functionOf<T>(wait: () => T, method: string): () => T {
  if (typeof wait !== 'function') throw argumentTypeError(`wait of mutator.${method}`, 'a function', wait);
  return wait;
}
