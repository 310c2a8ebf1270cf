/**
 * Bit names: the kernel's masks as sets of names. A newer kernel has bits that nobody here knows; they are kept, never refused.
 */
import { argumentRangeError, argumentTypeError } from '../errors.ts';

/** A mask of the kernel. */
export interface Bits<Name extends string> {
  /** All of it, as the kernel gave it. */
  readonly bits: bigint;
  /** The bits that have a name, in the kernel's order. */
  readonly names: readonly Name[];
  /** The others. */
  readonly unknown: bigint;
  /** Whether it has the bit of that name. */
  has(name: Name): boolean;
}

/** Names by bit: an index is the number of a bit. */
export type BitTable<Name extends string> = readonly (readonly [name: Name, bit: number])[];

/** @internal */
export function decodeBits<Name extends string>(bits: bigint, table: BitTable<Name>): Bits<Name> {
  const names = table.filter(([, bit]) => (bits >> BigInt(bit)) & 1n).map(([name]) => name);
  const known = table.reduce((mask, [, bit]) => mask | (1n << BigInt(bit)), 0n);
  return { bits, names, unknown: bits & ~known, has: (name) => names.includes(name) };
}

/** @internal A mask of names, and of bits as bigints. Throws ERR_OPTION for anything else. */
export function encodeBits<Name extends string>(what: string, values: readonly (Name | bigint)[], table: BitTable<Name>): bigint {
  if (!Array.isArray(values)) throw argumentTypeError(what, 'an array of names, and of bits as bigints', values);
  let bits = 0n;
  for (const value of values as readonly (Name | bigint)[]) {
    if (typeof value === 'bigint') {
      if (value < 0n || value >= 1n << 64n) throw argumentRangeError(what, 'a mask of 64 bits', value);
      bits |= value;
      continue;
    }
    const row = table.find(([name]) => name === value);
    if (row === undefined) throw argumentRangeError(what, `some of ${table.map(([name]) => name).join(', ')}, or bits as bigints`, value);
    bits |= 1n << BigInt(row[1]);
  }
  return bits;
}
