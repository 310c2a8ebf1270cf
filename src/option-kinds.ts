/**
 * Kinds of options: a row of a table of options says what is accepted, the default, and what the option is for. Checks, error texts and
 * documents are derived from the row.
 */
import { argumentRangeError, argumentTypeError } from './errors.ts';

/** Defaults and ranges depend on the `Context`. */
export interface OptionKind<Given, Value, Context> {
  /** As in error texts ("workers must be …") and documents. */
  readonly accepted: string;
  /** As in documents. */
  readonly byDefault: string;
  /** A sentence without its first capital and its full stop. */
  readonly meaning: string;
  /** Throws TypeError or RangeError with code ERR_OPTION. */
  readonly check: (name: string, given: Given, context: Context) => Value;
  readonly fallback: (context: Context) => Value;
}

/** The value of an option: what was given, checked, or the default. */
export function valueOf<Given, Value, Context>(
  name: string,
  kind: OptionKind<Given, Value, Context>,
  given: Given | null | undefined,
  context: Context,
): Value {
  return given === undefined || given === null ? kind.fallback(context) : kind.check(name, given, context);
}

/** A default that depends on the context, and its wording in documents. */
interface Default<Value, Context> {
  readonly byDefault: string;
  readonly fallback: (context: Context) => Value;
}

export function flag<Context>(
  meaning: string,
  { byDefault, fallback }: Default<boolean, Context> = { byDefault: 'false', fallback: () => false },
): OptionKind<boolean, boolean, Context> {
  const check = (name: string, given: unknown): boolean => {
    if (typeof given !== 'boolean') throw argumentTypeError(name, 'true or false', given);
    return given;
  };
  return { accepted: 'true or false', byDefault, meaning, check, fallback };
}

/** @internal Not in the declarations: TypeScript 5.2 does not know NoInfer. */
export function oneOf<Name extends string, Context>(
  meaning: string,
  names: readonly Name[],
  usual: NoInfer<Name>,
): OptionKind<Name, Name, Context> {
  const accepted = `one of ${names.join(', ')}`;
  const check = (name: string, given: Name): Name => {
    if (!names.includes(given)) throw argumentRangeError(name, accepted, given);
    return given;
  };
  return { accepted, byDefault: usual, meaning, check, fallback: () => usual };
}

export interface Range {
  readonly least: number;
  readonly most: number;
}

export function integer<Context>(
  meaning: string,
  { least, most }: Range,
  usual: number | Default<number, Context>,
): OptionKind<number, number, Context> {
  const accepted = `an integer from ${least} to ${most}`;
  const check = (name: string, given: number): number => {
    if (typeof given !== 'number') throw argumentTypeError(name, 'a number', given);
    if (!Number.isInteger(given) || given < least || given > most) throw argumentRangeError(name, accepted, given);
    return given;
  };
  return { accepted, meaning, check, ...defaultOf(usual) };
}

export function number<Context>(meaning: string, { least, most }: Range, usual: number): OptionKind<number, number, Context> {
  const accepted = `a number from ${least} to ${most}`;
  const check = (name: string, given: number): number => {
    if (typeof given !== 'number') throw argumentTypeError(name, 'a number', given);
    // The opposite test would accept NaN.
    if (!(given >= least && given <= most)) throw argumentRangeError(name, accepted, given);
    return given;
  };
  return { accepted, meaning, check, ...defaultOf<Context>(usual) };
}

/** The sizes that are accepted, in words and as a test, and why others are not. */
interface Sizes<Context> {
  readonly accepted: string;
  readonly isAccepted: (bytes: number, context: Context) => boolean;
  readonly why?: string;
}

/** A number of bytes, or text; the value is the number. */
export function size<Context>(
  meaning: string,
  { accepted, isAccepted, why }: Sizes<Context>,
  { byDefault, fallback }: Default<number, Context>,
): OptionKind<number | string, number, Context> {
  const check = (name: string, given: number | string, context: Context): number => {
    const bytes = parseBytes(name, given);
    if (isAccepted(bytes, context)) return bytes;
    throw argumentRangeError(name, why === undefined ? accepted : `${accepted} (${why})`, given);
  };
  return { accepted, byDefault, meaning, check, fallback };
}

function defaultOf<Context>(usual: number | Default<number, Context>): Default<number, Context> {
  return typeof usual === 'number' ? { byDefault: String(usual), fallback: () => usual } : usual;
}

/** A size in bytes from a number or from text like `512K`, `64M`, `1.5G` (binary units; an added `iB` or `B` is ignored). */
export function parseBytes(option: string, value: number | string): number {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value <= 0) throw argumentRangeError(option, 'a positive number of bytes', value);
    return Math.ceil(value);
  }
  if (typeof value !== 'string') throw argumentTypeError(option, 'a number of bytes or text like "64M"', value);
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*$/i.exec(value);
  if (match === null) throw argumentRangeError(option, 'a number of bytes or text like "512K", "64M" or "1.5G"', value);
  const exponent = ['', 'k', 'm', 'g', 't'].indexOf(match[2]!.toLowerCase());
  const bytes = Math.ceil(Number(match[1]) * 1024 ** exponent);
  if (bytes <= 0) throw argumentRangeError(option, 'more than 0 bytes', value);
  return bytes;
}
