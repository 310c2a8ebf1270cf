/**
 * Views of strings: what a reference to a string reads as. Not generated, because both kinds of strings have the same few operations.
 */
import { argumentRangeError, argumentTypeError } from '../errors.ts';
import type { Shape } from '../heap/shapes.ts';
import type { Ref } from '../heap/units.ts';
import type { ShapeClasses } from './generated-classes.ts';
import { ObjectCursor, ObjectView, OWNER, SHAPE } from './object-view.ts';
import { define } from './sealing.ts';
import type { ONE_BYTE_STRING, TWO_BYTE_STRING } from './strings.ts';
import type { ViewOwner } from './view-owner.ts';

/** Without elements, because those could be changed. */
export interface StringDefinition {
  /** With one byte per unit, or two. */
  readonly name: (typeof ONE_BYTE_STRING)['name'] | (typeof TWO_BYTE_STRING)['name'];
}

/** A string in the heap: immutable, a sequence of UTF-16 code units. */
export class HeapString extends ObjectView<StringDefinition> {
  /** The length in code units. */
  get length(): number {
    return this[OWNER].strings.lengthOf(this.#ref('length'));
  }

  /** The code unit at `index`. Throws RangeError ERR_OPTION beyond the end. */
  charCodeAt(index: number): number {
    const ref = this.#ref('charCodeAt');
    const { strings } = this[OWNER];
    const length = strings.lengthOf(ref);
    if (typeof index !== 'number' || index >>> 0 !== index || index >= length) throw this[OWNER].outOfBounds('the string', index, length);
    return strings.unitAt(ref, index);
  }

  /** Whether the other has the same text, in whatever object. */
  equals(other: string | HeapString): boolean {
    if (typeof other !== 'string' && !(other instanceof HeapString)) throw argumentTypeError('equals', 'a string', other);
    const text = typeof other === 'string' ? other : other.toString();
    return this[OWNER].strings.isText(this.#ref('equals'), text);
  }

  /** A copy, as a JavaScript string. */
  override toString(): string {
    return this[OWNER].textAt(this.#ref('toString'));
  }

  /** The text. */
  override toJSON(): string {
    return this.toString();
  }

  /** The text. */
  override toObject(): any {
    return this.toString();
  }

  #ref(place: string): Ref {
    const owner = this[OWNER];
    const ref = owner.refOfView(this, place);
    if (ref === 0) throw owner.unusable(this, place);
    return ref;
  }
}

class StringCursor extends ObjectCursor {
  constructor(slot: number) {
    super(slot);
    throw argumentRangeError('shape of a cursor', 'no string: they refer to nothing', 'string');
  }
}

/** @internal */
export function stringClasses(shape: Shape, owner: ViewOwner): ShapeClasses {
  const view = class extends HeapString {};
  define(view.prototype, { [OWNER]: owner, [SHAPE]: shape });
  return { shape, view: view as unknown as ShapeClasses['view'], cursor: StringCursor as ShapeClasses['cursor'], elements: undefined };
}
