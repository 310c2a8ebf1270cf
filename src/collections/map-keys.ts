/**
 * Keys of maps: how each kind is hashed and compared. Strings by their text, numbers by value as JavaScript's Map does (NaN equals
 * itself, 0 equals -0), objects by identity, through a hash that stays with an object while it moves.
 */
import { argumentTypeError } from '../errors.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Ref } from '../heap/units.ts';
import type { Strings } from '../objects/strings.ts';
import type { KeyKind } from './kinds.ts';

/** A key by raw access: a JavaScript string, a number, or a raw reference. */
export type RawKey = string | number;

const scratch = new Float64Array(1);
const halves = new Uint32Array(scratch.buffer);

/** @internal Keys of one kind in one mutator. */
export interface Keys {
  /** 32 bits. Throws TypeError ERR_OPTION for a key of another kind, ERR_NO_IDENTITY for objects without identity hash. */
  hash(key: RawKey): number;
  /** Whether the value in the key's place, `found` (a number or a reference), is that key. */
  equals(found: number, key: RawKey): boolean;
}

/** @internal */
export function keysOf(kind: KeyKind, mutator: Mutator, strings: Strings): Keys {
  if (kind === 'string') {
    return { hash: (key) => hashOfText(expect(key, 'string')), equals: (found, key) => strings.isText(found, key as string) };
  }
  if (kind === 'f64') {
    return {
      hash: (key) => hashOfNumber(expect(key, 'number')),
      equals: (found, key) => found === key || (found !== found && key !== key),
    };
  }
  return {
    hash: (key) => {
      if (expect(key, 'number') === 0) throw argumentTypeError('key of the map', 'an object', null);
      mutator.admit(key as Ref, 'key of the map');
      return mix(mutator.identityHash(key as Ref));
    },
    equals: (found, key) => found === key,
  };
}

/** FNV-1a over the code units. */
export function hashOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

export function hashOfNumber(value: number): number {
  scratch[0] = value === 0 ? 0 : value;
  // NaNs differ in their bits.
  return value !== value ? 0 : mix(halves[0]! ^ Math.imul(halves[1]!, 0x9e3779b1));
}

/** Every bit of the hash depends on all bits of `value`: the finalizer of MurmurHash3. A permutation. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function expect<T extends 'string' | 'number'>(key: RawKey, type: T): T extends 'string' ? string : number {
  if (typeof key !== type) throw argumentTypeError('key of the map', type === 'string' ? 'a string' : 'a number', key);
  return key as T extends 'string' ? string : number;
}
