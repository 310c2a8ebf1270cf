/**
 * Errors: one class for everything that can go wrong in operation, with a stable code.
 *
 * A message says what failed, why, and what to do. Bad arguments are `TypeError`/`RangeError` with a code; bugs of our own
 * are `InvariantError` and are never caught.
 */

/** Every code an operation can fail with. docs/errors.md has a section for each. */
export type HeapErrorCode =
  | 'ERR_ADDON_MISSING'
  | 'ERR_CODE_GENERATION'
  | 'ERR_COLLECTOR_MISSING'
  | 'ERR_HEAP_EXHAUSTED'
  | 'ERR_NO_MEMORY'
  | 'ERR_HEAP_CLOSED'
  | 'ERR_HEAP_IN_USE'
  | 'ERR_HEAP_UNKNOWN'
  | 'ERR_HEAP_CREATE'
  | 'ERR_HEAP_TOO_LARGE'
  | 'ERR_FAULT_MODE'
  | 'ERR_MARKER'
  | 'ERR_UFFD_UNAVAILABLE'
  | 'ERR_UFFD_NO_MINOR_FAULTS'
  | 'ERR_UFFD_FEATURE'
  | 'ERR_UFFD_REFUSED'
  | 'ERR_UFFD_CLOSED'
  | 'ERR_MEMORY_REFUSED'
  | 'ERR_MEMORY_REGISTERED'
  | 'ERR_MEMORY_CLOSED'
  | 'ERR_PAGE_NOT_LOADED'
  | 'ERR_SIGNAL_BLOCKED'
  | 'ERR_MUTATOR_ATTACHED'
  | 'ERR_MUTATOR_DETACHED'
  | 'ERR_HANDLES_EXHAUSTED'
  | 'ERR_MUTATOR_PARKED'
  | 'ERR_VIEW_RELEASED'
  | 'ERR_NULL_REFERENCE'
  | 'ERR_TOKEN_SPENT'
  | 'ERR_TOKENS_EXHAUSTED'
  | 'ERR_FOREIGN_REFERENCE'
  | 'ERR_STALE_REFERENCE'
  | 'ERR_WRONG_SHAPE'
  | 'ERR_SHAPE_CONFLICT'
  | 'ERR_SHAPE_UNKNOWN'
  | 'ERR_SHAPES_EXHAUSTED'
  | 'ERR_NO_IDENTITY'
  | 'ERR_NOT_PINNABLE'
  | 'ERR_PIN_REFUSED'
  | 'ERR_QUEUE_CLOSED'
  | 'ERR_LOCK_OWNED'
  | 'ERR_LOCK_NOT_OWNED'
  | 'ERR_SNAPSHOT_NOT_FOUND'
  | 'ERR_SNAPSHOT_TRUNCATED'
  | 'ERR_SNAPSHOT_MALFORMED'
  | 'ERR_SNAPSHOT_NOT_A_SNAPSHOT'
  | 'ERR_SNAPSHOT_TOO_LARGE'
  | 'ERR_SNAPSHOT_DOES_NOT_FIT'
  | 'ERR_SNAPSHOT_CHILD'
  | 'ERR_SNAPSHOT_WRITE'
  | 'ERR_RUN_INTERRUPTED'
  | 'ERR_RUN_MISMATCH'
  | 'ERR_BENCH_MISSING'
  | 'ERR_OUTPUT_WRITE'
  | 'ERR_OPTION';

/** What an error says besides its code and message. */
export interface HeapErrorDetails {
  /** The operating system's number, when a system call was refused. */
  errno?: number;
  /** The system call that was refused. */
  syscall?: string;
  /** Figures that belong to the message, in bytes unless the name says otherwise. */
  figures?: Readonly<Record<string, number>>;
  /** The error that caused this one. */
  cause?: unknown;
}

/** An operation failed. The heap, or whatever was there before, is still valid. */
export class HeapError extends Error {
  /** `HeapError`. */
  override readonly name = 'HeapError';
  /** Stable; to be compared by programs. docs/errors.md says of each what to do. */
  readonly code: HeapErrorCode;
  /** The operating system's number of a refused system call. */
  readonly errno: number | undefined;
  /** The system call that was refused. */
  readonly syscall: string | undefined;
  /** Figures of the message, in bytes unless the name says otherwise; empty when there are none. */
  readonly figures: Readonly<Record<string, number>>;

  constructor(code: HeapErrorCode, message: string, details: HeapErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.errno = details.errno;
    this.syscall = details.syscall;
    this.figures = details.figures ?? {};
  }
}

/** A law of this library was broken: a bug here, not in the program. Never caught, never retried. */
export class InvariantError extends Error {
  /** `InvariantError`. */
  override readonly name = 'InvariantError';
}

/** The error of an operation on a detached mutator. */
export function detached(place: string): HeapError {
  return new HeapError('ERR_MUTATOR_DETACHED', `${place}: the mutator is detached from its heap; attach again.`);
}

/** An argument of the wrong type. */
export function argumentTypeError(option: string, expected: string, value: unknown): TypeError {
  const error = new TypeError(`${option} must be ${expected}, got ${valueText(value)}`);
  return Object.assign(error, { code: 'ERR_OPTION' });
}

/** An argument outside its range. */
export function argumentRangeError(option: string, accepted: string, value: unknown): RangeError {
  const error = new RangeError(`${option} must be ${accepted}, got ${valueText(value)}`);
  return Object.assign(error, { code: 'ERR_OPTION' });
}

/** The options, or none. Throws TypeError if they are not an object. */
export function optionsOf<O extends object>(what: string, options: O | undefined): Partial<O> {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null) throw argumentTypeError(what, 'an object', options);
  return options;
}

/** Any value as text for a message: not every object can be converted to a string. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
