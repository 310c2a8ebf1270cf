/**
 * Progress: one line on standard error that is overwritten again and again, if that is a terminal; otherwise nothing.
 */
import type { WriteStream } from 'node:tty';
import { clockMs } from '../../clock.ts';

const LEAST_INTERVAL_MS = 200;
const CLEAR_LINE = '\r\x1b[K';

export class Progress {
  readonly #stream: WriteStream | undefined;
  #shownAt = Number.NEGATIVE_INFINITY;
  #shown = false;

  constructor(stream: WriteStream = process.stderr) {
    this.#stream = stream.isTTY ? stream : undefined;
  }

  /** Shows a line, unless another was shown a moment ago. */
  show(line: () => string): void {
    const now = clockMs();
    if (this.#stream === undefined || now - this.#shownAt < LEAST_INTERVAL_MS) return;
    this.#shownAt = now;
    this.#shown = true;
    const { columns = 80 } = this.#stream;
    this.#stream.write(CLEAR_LINE + line().slice(0, columns - 1));
  }

  clear(): void {
    if (this.#shown) this.#stream!.write(CLEAR_LINE);
    this.#shown = false;
    this.#shownAt = Number.NEGATIVE_INFINITY;
  }
}
