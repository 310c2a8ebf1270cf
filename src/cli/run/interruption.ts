/**
 * Interruption: Ctrl-C as a request to end early. The first one ends what can be ended, and the summary is still printed; a later one ends
 * the process as usual.
 */
import { clockMs } from '../../clock.ts';
import { HeapError } from '../../errors.ts';

/** npm passes a Ctrl-C on to a process that has received it already. */
const SAME_KEY_MS = 500;
const EXIT_INTERRUPTED = 130;

export class Interruption {
  readonly #controller = new AbortController();
  #atMs = 0;
  readonly #onInterrupt = (): void => this.#interrupt();

  constructor() {
    process.on('SIGINT', this.#onInterrupt);
  }

  /** Aborted on Ctrl-C, with an error that says so. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get happened(): boolean {
    return this.#atMs > 0;
  }

  /** Ends a {@link sleep} for another reason than Ctrl-C. */
  abort(): void {
    this.#controller.abort();
  }

  /** Resolves after that time, or at once when interrupted. */
  async sleep(ms: number): Promise<void> {
    if (this.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Ctrl-C ends the process again. */
  end(): void {
    process.off('SIGINT', this.#onInterrupt);
  }

  #interrupt(): void {
    const now = clockMs();
    if (this.#atMs > 0 && now - this.#atMs > SAME_KEY_MS) process.exit(EXIT_INTERRUPTED);
    if (this.#atMs > 0) return;
    this.#atMs = now;
    this.#controller.abort(new HeapError('ERR_RUN_INTERRUPTED', 'interrupted before the mutator threads began; nothing to report.'));
  }
}
