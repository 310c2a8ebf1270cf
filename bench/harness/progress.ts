/**
 * Progress on standard error: a bar if that is a terminal, else a line for each twentieth of the way, so that a log of hours stays
 * readable.
 */
import cliProgress from 'cli-progress';

const LABEL_CHARS = 60;
const LINES = 20;

export class Progress {
  readonly #bar: cliProgress.SingleBar | undefined;
  #total = 0;
  #told = -1;

  constructor() {
    if (!process.stderr.isTTY) return;
    this.#bar = new cliProgress.SingleBar({
      stream: process.stderr,
      format: '{bar} {value}/{total}, {eta_formatted} left  {label}',
      barsize: 20,
      fps: 4,
      etaBuffer: 50,
      clearOnComplete: true,
      hideCursor: true,
      gracefulExit: false,
    });
  }

  begin(total: number, done: number): void {
    this.#total = total;
    this.#bar?.start(total, done, { label: '' });
  }

  /** `label` says what runs now. */
  show(done: number, label: string): void {
    this.#bar?.update(done, { label: label.slice(0, LABEL_CHARS) });
    const part = Math.floor((done * LINES) / Math.max(1, this.#total));
    if (this.#bar !== undefined || part === this.#told) return;
    this.#told = part;
    process.stderr.write(`faultline bench: ${done} of ${this.#total} invocations; now ${label}\n`);
  }

  end(): void {
    this.#bar?.stop();
  }
}

/** A line of talk; not while a bar is shown. */
export function say(text: string): void {
  process.stderr.write(`faultline bench: ${text}\n`);
}
