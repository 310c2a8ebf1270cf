/**
 * Process handle: a process that cannot become another one with the same number, and advice about its memory (process_madvise, Linux 5.10).
 */
import { binding, isRefusal, type OpenedObject } from '../binding.ts';
import { argumentRangeError, argumentTypeError, HeapError, optionsOf } from '../errors.ts';
import { INSPECT, named, words } from '../inspection.ts';
import type { Advice } from './abi.ts';
import { addressesOf, adviceNumber, type MemoryRange } from './mapping.ts';
import { type Progress, progressOf, refused } from './refused.ts';

const MOST_FLAGS = 2 ** 32 - 1;

/** A process. It ends with `close` or `using`, or when nobody refers to it. */
export class ProcessHandle implements Disposable {
  /** Its number when it was opened. */
  readonly pid: number;
  #opened: OpenedObject | undefined;

  private constructor(pid: number, opened: OpenedObject) {
    this.pid = pid;
    this.#opened = opened;
  }

  /** Opens a process; this one by default. Throws ERR_MEMORY_REFUSED: ESRCH if there is none. */
  static open(pid: number = process.pid): ProcessHandle {
    if (!Number.isInteger(pid) || pid < 1 || pid >= 2 ** 31) throw argumentRangeError('pid', 'the number of a process', pid);
    const opened = binding().openProcess(pid);
    if (isRefusal(opened)) throw refused('ERR_MEMORY_REFUSED', `process ${pid} cannot be opened`, opened);
    return new ProcessHandle(pid, opened);
  }

  /** @internal */
  [INSPECT](): object {
    return this.#opened === undefined ? words('[ProcessHandle: closed]') : named('ProcessHandle', { pid: this.pid });
  }

  /**
   * Tells the kernel how ranges of the process's memory are used, up to 1,024 at once: half the time of as many calls of madvise. It stops
   * at the first page that it refuses. Throws ERR_MEMORY_REFUSED if nothing was done because the call was wrong. `flags` are for later
   * kernels.
   */
  advise(ranges: readonly MemoryRange[], advice: Advice, options?: { flags?: number }): Progress {
    if (!Array.isArray(ranges)) throw argumentTypeError('ranges', 'an array of ranges', ranges);
    const { flags = 0 } = optionsOf('options of advice', options);
    if (!Number.isInteger(flags) || flags < 0 || flags > MOST_FLAGS) throw argumentRangeError('flags', `0 to ${MOST_FLAGS}`, flags);
    const what = `${advice} for ${ranges.length} ranges of process ${this.pid}`;
    const resolved = ranges.map((range: MemoryRange) => addressesOf(range));
    const whole = resolved.reduce((sum, { bytes }) => sum + bytes, 0);
    const file = this.#open();
    let done = 0;
    do {
      const answer = binding().adviseProcess(file, restOf(resolved, done), adviceNumber(advice), flags);
      // The reason why it stopped comes from the call that begins there.
      if (isRefusal(answer)) return progressOf(what, answer.syscall, done, answer.errno, 'ERR_MEMORY_REFUSED');
      if (answer === 0) break;
      done += answer;
    } while (done < whole);
    return { bytes: done };
  }

  /** Ends it. A second call does nothing. */
  close(): void {
    if (this.#opened !== undefined) binding().closeObject(this.#opened.object);
    this.#opened = undefined;
  }

  /** The same as {@link close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): number {
    if (this.#opened === undefined) throw new HeapError('ERR_MEMORY_CLOSED', 'the process handle is closed.');
    return this.#opened.number;
  }
}

/** Starts and lengths of what is left of the ranges behind the bytes that were done. */
function restOf(ranges: readonly { start: number; bytes: number }[], done: number): BigUint64Array {
  const rest: bigint[] = [];
  let skip = done;
  for (const { start, bytes } of ranges) {
    const skipped = Math.min(skip, bytes);
    skip -= skipped;
    if (skipped < bytes || done === 0) rest.push(BigInt(start + skipped), BigInt(bytes - skipped));
  }
  return BigUint64Array.from(rest);
}
