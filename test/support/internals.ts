/**
 * Internals: what the declarations of the built library leave out, with the types of the sources, for tests of how it works inside.
 */
import * as keyedHash from '../../dist/heap/keyed-hash.js';
import * as token from '../../dist/heap/token.js';
import type { KeyedHash as KeyedHashOfSources } from '../../src/heap/keyed-hash.ts';
import type { Mutator as MutatorOfSources } from '../../src/heap/mutator.ts';
import type { Binding, HeapToken, Mutator } from './faultline.ts';

export { hashOfNumber } from '../../src/containers/map-keys.ts';
export const { attachNative } = token as unknown as {
  attachNative(token: HeapToken): { description: NonNullable<ReturnType<Binding['attach']>> };
};
export const { KeyedHash } = keyedHash as unknown as typeof import('../../src/heap/keyed-hash.ts');
export type KeyedHash = KeyedHashOfSources;

/** The same mutator. */
export const internalsOf = (mutator: Mutator): MutatorOfSources => mutator as unknown as MutatorOfSources;
