/**
 * Strings: text in the heap, as sequences of UTF-16 code units like JavaScript's own, lone surrogates included. One byte per unit if all
 * are below 256, otherwise two. Immutable, so all threads may share the same text. Copied in and out, never lent.
 */
import type { ShapeDefinition } from '../heap/definition.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { Ref } from '../heap/units.ts';
import { elementCountOf, shapeIdOf, slotOf } from '../heap/object.ts';

/** The shapes of strings, with one name each for the whole heap. */
export const ONE_BYTE_STRING = { name: 'faultline.string8', elements: 'u8' } as const satisfies ShapeDefinition;
export const TWO_BYTE_STRING = { name: 'faultline.string16', elements: 'u16' } as const satisfies ShapeDefinition;

// biome-ignore lint/suspicious/noControlCharactersInRegex: one byte has these codes too.
const BEYOND_ONE_BYTE = /[^\u0000-\u00ff]/;
/** Up to this many units, a loop is faster than making typed arrays for a bulk copy. */
const LOOP_UNITS = 24;

/** @internal */
export class Strings {
  readonly #mutator: Mutator;
  readonly #shapes: ShapeTable;
  #known: { readonly one: Shape; readonly two: Shape } | undefined;

  constructor(mutator: Mutator, shapes: ShapeTable) {
    this.#mutator = mutator;
    this.#shapes = shapes;
  }

  /** A new string. A safepoint; throws what `mutator.allocate` throws. */
  allocate(text: string): Ref {
    const { one, two } = this.#both();
    const isOneByte = !BEYOND_ONE_BYTE.test(text);
    const ref = this.#mutator.allocate(isOneByte ? one : two, text.length);
    if (isOneByte) this.#bytes(ref, text.length).set(Buffer.from(text, 'latin1'));
    else {
      const units = this.#units(ref, text.length);
      for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i);
    }
    return ref;
  }

  /** The size of the string that {@link allocate} makes of a text, in words. */
  wordsFor(text: string): number {
    const { one, two } = this.#both();
    return (BEYOND_ONE_BYTE.test(text) ? two : one).words(text.length);
  }

  load(ref: Ref): string {
    const length = this.lengthOf(ref);
    if (length <= LOOP_UNITS) {
      let text = '';
      for (let i = 0; i < length; i++) text += String.fromCharCode(this.unitAt(ref, i));
      return text;
    }
    // Buffer.from copies, so that no JavaScript object refers to the heap's memory.
    if (this.#isOneByte(ref)) return Buffer.from(this.#bytes(ref, length)).toString('latin1');
    return Buffer.from(this.#units(ref, length).slice().buffer).toString('utf16le');
  }

  lengthOf(ref: Ref): number {
    return elementCountOf(this.#mutator.u32, ref);
  }

  /** The code unit at `index`, which is within the length. Read from the u32 slot around it: that typed array reaches the whole heap. */
  unitAt(ref: Ref, index: number): number {
    const { u32 } = this.#mutator;
    if (this.#isOneByte(ref)) return (u32[slotOf(ref, 2 + (index >>> 2))]! >>> ((index & 3) * 8)) & 0xff;
    return (u32[slotOf(ref, 2 + (index >>> 1))]! >>> ((index & 1) * 16)) & 0xffff;
  }

  /** Whether the string at `ref` is that text. */
  isText(ref: Ref, text: string): boolean {
    if (this.lengthOf(ref) !== text.length) return false;
    for (let i = 0; i < text.length; i++) if (this.unitAt(ref, i) !== text.charCodeAt(i)) return false;
    return true;
  }

  /** Negative, 0 or positive as the string at `ref` is before, equal to or behind the text, by code units like JavaScript's `<`. */
  compareText(ref: Ref, text: string): number {
    const length = this.lengthOf(ref);
    const shared = Math.min(length, text.length);
    for (let i = 0; i < shared; i++) {
      const order = this.unitAt(ref, i) - text.charCodeAt(i);
      if (order !== 0) return order;
    }
    return length - text.length;
  }

  isString(ref: Ref): boolean {
    const id = shapeIdOf(this.#mutator.u32, ref);
    const { one, two } = this.#both();
    return id === one.id || id === two.id;
  }

  isStringShape(shape: Shape): boolean {
    return shape.name === ONE_BYTE_STRING.name || shape.name === TWO_BYTE_STRING.name;
  }

  #isOneByte(ref: Ref): boolean {
    return shapeIdOf(this.#mutator.u32, ref) === this.#both().one.id;
  }

  #both(): { readonly one: Shape; readonly two: Shape } {
    return (this.#known ??= { one: this.#shapes.define(ONE_BYTE_STRING), two: this.#shapes.define(TWO_BYTE_STRING) });
  }

  #bytes(ref: Ref, length: number): Uint8Array {
    const { buffer, byteOffset } = this.#mutator.u32;
    return new Uint8Array(buffer, byteOffset + (ref + 1) * 8, length);
  }

  #units(ref: Ref, length: number): Uint16Array {
    const { buffer, byteOffset } = this.#mutator.u32;
    return new Uint16Array(buffer, byteOffset + (ref + 1) * 8, length);
  }
}
