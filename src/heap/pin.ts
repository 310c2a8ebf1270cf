/**
 * Pins: the bytes of an object as memory that does not move, for system calls and native code.
 *
 *     mutator view       … │ object │ …        moves with every flip; a system call may find a page missing
 *     the pin's mapping      │ bytes │         the same pages of the memory file, always there, at one address
 *
 * Only an object that never moves, and has its pages to itself, can be pinned: one made by `heap.createPinnable`, or a large one. Nothing
 * is copied, and the object stays an object: others refer to it, read it through the mutator view, and see the same bytes.
 */
import { constants } from 'node:buffer';
import { constants as system } from 'node:os';
import { type Binding, isRefusal, type NativeMutator, type NativePin } from '../binding.ts';
import { argumentRangeError, argumentTypeError, HeapError } from '../errors.ts';
import { commonRemedy, errorName } from '../gc/refusal-reasons.ts';
import { INSPECT, named, size, words } from '../inspection.ts';
import { WORD_BYTES } from '../binding/layout.ts';
import { Shape } from './shapes.ts';
import type { Ref } from './units.ts';

const BYTE_OFFSET = 'byteOffset of a pin';
const BYTE_LENGTH = 'byteLength of a pin';

/** The range of an object's elements that is pinned. */
export interface PinRange {
  /** Where the range begins, in bytes from the first element. Default 0. */
  byteOffset?: number;
  /** Its length in bytes, at least 1. Default: to the end of the elements. */
  byteLength?: number;
}

/**
 * A `Uint8Array` over an ArrayBuffer and nothing else. Since TypeScript 5.7 typed arrays have a type parameter for that; written this way,
 * the declarations mean that to a newer compiler, and an older one understands them too.
 */
type Bytes = ReturnType<typeof Uint8Array.from>;

/**
 * A pinned range; made by `heap.pin`. While it is held its object is alive and does not move. It ends with the first of: `release`
 * or `using`; the detach of its mutator, hence the close of the heap; the loss of the last reference to the pin and its bytes.
 *
 * Operations that are under way on its memory when it ends do not touch the heap: a system call fails with EFAULT.
 */
export class Pin {
  /** The range. Not transferable to another thread; without elements once the pin is released. */
  readonly bytes: Bytes;
  /** Where `bytes` begins, for native code. It differs from every address of the object in the mutator view. */
  readonly address: bigint;
  readonly #native: Binding;
  readonly #pin: NativePin;

  /** @internal Use heap.pin(). */
  constructor(native: Binding, { buffer, address, pin }: { buffer: ArrayBuffer; address: bigint; pin: NativePin }) {
    this.#native = native;
    this.#pin = pin;
    this.address = address;
    this.bytes = new Uint8Array(buffer);
  }

  /** @internal */
  [INSPECT](): object {
    const { released, bytes, address } = this;
    return released
      ? words('[Pin: released]')
      : named('Pin', { size: size(bytes.byteLength), address: words(`0x${address.toString(16)}`) });
  }

  /** Whether the pin has ended. */
  get released(): boolean {
    return this.bytes.byteLength === 0;
  }

  /**
   * Ends the pin: `bytes` has no elements any more, and the object may die. Call it on the thread that made the pin; a second call does
   * nothing. A few us.
   */
  release(): void {
    this.#native.unpin(this.#pin);
  }

  /** The same as {@link release}, for `using`. */
  [Symbol.dispose](): void {
    this.release();
  }
}

/** @internal Throws unless `mutator.allocatePinnable` can make objects of the shape. */
export function mustBePinnable(shape: Shape): void {
  if (!(shape instanceof Shape)) throw argumentTypeError('shape to pin', 'a shape of this heap', shape);
  const data = shape.elementKind !== undefined && !['ref', 'tagged', 'weak', 'ephemeron', 'finalizable'].includes(shape.elementKind);
  if (data && shape.refCount === 0 && shape.taggedCount === 0) return;
  throw argumentRangeError('shape to pin', 'one with numeric elements and without references', shape.name);
}

/** @internal */
export interface BytesToPin {
  readonly byteOffset: number;
  /** Undefined: to the end of the elements. */
  readonly byteLength: number | undefined;
}

/**
 * @internal Checks the range as far as possible without the object. To be called before the object's reference is read: a property of the
 * range may be a getter, and that may come to a safepoint.
 */
export function bytesToPin(range: PinRange): BytesToPin {
  if (typeof range !== 'object' || range === null) throw argumentTypeError('range to pin', 'an object', range);
  const byteOffset = integer(BYTE_OFFSET, range.byteOffset ?? 0, 0, Number.MAX_SAFE_INTEGER);
  const length = range.byteLength ?? undefined;
  return { byteOffset, byteLength: length === undefined ? undefined : integer(BYTE_LENGTH, length, 1, Number.MAX_SAFE_INTEGER) };
}

/** @internal Pins elements of the object at `ref`, whose shape and element count these are. Not a safepoint. */
export function pinElements(
  native: Binding,
  mutator: NativeMutator,
  { ref, shape, count }: { ref: Ref; shape: Shape; count: number },
  bytes: BytesToPin,
): Pin {
  if (shape.elementKind === undefined || shape.words(count) === shape.fixedWords) throw notPinnable(shape, 'it has no elements');
  const all = shape.elementBytes * count;
  const byteOffset = integer(BYTE_OFFSET, bytes.byteOffset, 0, all - 1);
  const most = Math.min(all - byteOffset, constants.MAX_LENGTH);
  const byteLength = integer(BYTE_LENGTH, bytes.byteLength ?? all - byteOffset, 1, most);
  const answer = native.pin(mutator, ref, shape.fixedWords * WORD_BYTES + byteOffset, byteLength);
  if (typeof answer === 'string') throw refused(answer, shape);
  if (!isRefusal(answer)) return new Pin(native, answer);
  throw new HeapError(
    'ERR_PIN_REFUSED',
    `${byteLength} bytes cannot be pinned: ${answer.syscall} was refused (${errorName(answer.errno)}). ` +
      (answer.errno === system.errno.ENOMEM
        ? 'Each pin is a mapping: release some, pin larger ranges, or raise vm.max_map_count.'
        : `What may help: ${commonRemedy(answer.errno) ?? 'releasing other pins'}.`),
    { errno: answer.errno, syscall: answer.syscall, figures: { requestedBytes: byteLength } },
  );
}

function refused(code: 'ERR_NOT_PINNABLE' | 'ERR_PIN_REFUSED', shape: Shape): HeapError {
  if (code === 'ERR_NOT_PINNABLE') return notPinnable(shape, 'it may move, or has references');
  return new HeapError(code, 'this runtime does not allow an ArrayBuffer over memory that is not its own; copy the bytes instead.');
}

function notPinnable(shape: Shape, why: string): HeapError {
  return new HeapError(
    'ERR_NOT_PINNABLE',
    `an object of shape ${shape.name} cannot be pinned: ${why}. Make it with heap.createPinnable(shape, count), of a shape with numeric ` +
      'elements and without references.',
  );
}

function integer(what: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw argumentRangeError(what, `an integer from ${least} to ${most}`, value);
}
