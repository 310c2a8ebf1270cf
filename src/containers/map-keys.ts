/**
 * Keys of maps: how each kind is hashed and compared. Strings by their text, numbers by value like JavaScript's Map (NaN equals itself, and
 * -0 is 0), objects by identity, through a hash that stays with an object when it moves. All hashes are keyed by the heap's secret, so that
 * nobody who chooses keys can make them collide.
 */
import { argumentTypeError } from '../errors.ts';
import type { KeyedHash } from '../heap/keyed-hash.ts';
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
  /** 32 bits. Throws TypeError ERR_OPTION for a key of another kind, ERR_NO_IDENTITY for objects without an identity hash. */
  hash(key: RawKey): number;
  /** Whether `found`, the value in an entry's key field (a number or a reference), is that key. */
  equals(found: number, key: RawKey): boolean;
}

/** @internal */
export function keysOf(kind: KeyKind, mutator: Mutator, strings: Strings, hash: KeyedHash): Keys {
  if (kind === 'string') {
    return { hash: (key) => hash.ofText(expect(key, 'string')), equals: (found, key) => strings.isText(found, key as string) };
  }
  if (kind === 'f64') {
    return {
      hash: (key) => hashOfNumber(expect(key, 'number'), hash),
      equals: (found, key) => found === key || (found !== found && key !== key),
    };
  }
  return {
    hash: (key) => {
      if (expect(key, 'number') === 0) throw argumentTypeError('key of the map', 'an object', null);
      mutator.admit(key as Ref, 'key of the map');
      return hash.ofWord(mutator.identityHash(key as Ref));
    },
    equals: (found, key) => found === key,
  };
}

/** @internal What an entry holds for a number: 0 for -0, and one NaN for all NaNs. */
export const storedNumber = (value: number): number => (value !== value ? NaN : value + 0);

/** @internal */
export function hashOfNumber(value: number, hash: KeyedHash): number {
  scratch[0] = storedNumber(value);
  return hash.ofWords(halves[0]!, halves[1]!);
}

function expect<T extends 'string' | 'number'>(key: RawKey, type: T): T extends 'string' ? string : number {
  if (typeof key !== type) throw argumentTypeError('key of the map', type === 'string' ? 'a string' : 'a number', key);
  return key as T extends 'string' ? string : number;
}
