/**
 * Map conditions: which entry of a key an operation may replace. They are asked whenever the entry has been looked up anew, and what they
 * have said of an entry stays true, because entries never change: so the compare-and-swap of the reference to it is one of its value.
 */
import { argumentTypeError } from '../errors.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Ref } from '../heap/units.ts';
import type { Strings } from '../objects/strings.ts';
import { holdValue } from './arrays.ts';
import type { Place, RawValue } from './kinds.ts';

/** Whether the entry of a key, 0 if there is none, is one that may be replaced. */
export type Matches = (entry: Ref) => boolean;

export const isAbsent: Matches = (entry) => entry === 0;
export const isPresent: Matches = (entry) => entry !== 0;

/**
 * @internal That the value is `expected`; undefined: that there is no entry. To be called in an operation, before its first safepoint.
 * Throws TypeError ERR_OPTION for what no value of the map can be.
 */
export function hasValue(
  mutator: Mutator,
  strings: Strings,
  { place, at }: { place: Place; at: number },
  expected: RawValue | string | undefined,
): Matches {
  if (expected === undefined) return isAbsent;
  if (typeof expected === 'string') {
    if (place.kind !== 'string') throw argumentTypeError('expected value of the map', `a ${place.kind}`, expected);
    const isText = (string: Ref): boolean => string !== 0 && strings.isText(string, expected);
    return (entry) => entry !== 0 && isText(place.load(entry, at) as Ref);
  }
  place.check(expected, 'expected value of the map');
  const current = holdValue(mutator, place, expected);
  return (entry) => {
    if (entry === 0) return false;
    const [found, wanted] = [place.load(entry, at), current()];
    return found === wanted || (found !== found && wanted !== wanted);
  };
}
