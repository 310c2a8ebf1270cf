/**
 * Namesakes: what methods of arrays of the heap share with those of JavaScript's arrays that have the same names: indices that count from
 * the end, and ranges that end where the array does.
 */
import { argumentTypeError } from '../errors.ts';

/** @internal The index that `at(index)` means. Throws TypeError ERR_OPTION unless it is a number. */
export function indexFor(index: number, length: () => number): number {
  if (typeof index !== 'number') throw argumentTypeError('index', 'a number', index);
  const whole = Math.trunc(index) || 0;
  return whole < 0 ? length() + whole : whole;
}

/** @internal The range that `slice(begin, end)` means. Throws TypeError ERR_OPTION unless both are numbers. */
export function rangeFor(begin: number, end: number, length: number): [begin: number, end: number] {
  const within = (index: number): number =>
    Math.min(
      Math.max(
        0,
        indexFor(index, () => length),
      ),
      length,
    );
  return [within(begin), within(end)];
}

/** @internal Throws TypeError ERR_OPTION unless it is a function. */
export function expectBody(body: unknown): void {
  if (typeof body !== 'function') throw argumentTypeError('body of forEach', 'a function', body);
}
