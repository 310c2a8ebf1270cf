/**
 * Control start: one attempt to start a heap's control thread, as the thread that made it sees it.
 *
 * The starter may not be turning its event loop: a mutator that waits for memory does not. So a failure can be noticed in two ways: by the
 * worker's events, and by a port to which the control thread posts the error that ends it (gc/control-thread.ts), read by {@link look}. If
 * a thread fails before it can post anything, native code notices when the kernel no longer has the thread (native/node/control_start.h).
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Binding, NativeHeap } from '../binding.ts';
import { startOwnThread } from './own-thread.ts';
import { type ControlFailure, controlFailure, type ThreadError } from './control-failure.ts';
import type { HeapToken } from '../heap/token.ts';

const ENTRY = new URL('./control-thread.js', import.meta.url);

/** @internal The worker data of a control thread. */
export interface ControlData {
  readonly token: HeapToken;
  /** The port to which an error that ends the thread is posted. */
  readonly failures?: MessagePort;
}

/** @internal */
export class ControlStart {
  readonly #native: Binding;
  readonly #heap: NativeHeap;
  readonly #claim: number;
  readonly #failures: MessagePort;
  #over = false;

  /** Throws what Node throws if it does not start a thread at all; then the claim is over. */
  constructor(native: Binding, heap: NativeHeap, claim: number, token: HeapToken) {
    this.#native = native;
    this.#heap = heap;
    this.#claim = claim;
    const { port1, port2 } = new MessageChannel();
    port1.unref();
    this.#failures = port1;
    try {
      const workerData: ControlData = { token, failures: port2 };
      const data = { workerData, transferList: [port2] };
      startOwnThread(ENTRY, `faultline-control-${token.id}`, data, {
        failed: (error) => this.#failed(error as ThreadError),
        ended: () => this.#end(),
      });
    } catch (error) {
      port2.close();
      this.#note(controlFailure(error as ThreadError));
      throw error;
    }
    native.controlStarted(heap, claim);
  }

  /** Takes note of a failure that no event has reported yet. */
  look(): void {
    if (this.#over) return;
    const said = receiveMessageOnPort(this.#failures) as { message: ThreadError } | undefined;
    if (said !== undefined) this.#failed(said.message);
    else if (!this.#native.inControl(this.#heap) && isMissing(ENTRY)) {
      // The error that Node reports to threads that turn their event loop.
      this.#failed({ code: 'MODULE_NOT_FOUND', message: `Cannot find module '${fileURLToPath(ENTRY)}'` });
    }
  }

  #failed(error: ThreadError): void {
    if (this.#over) return;
    const failure = controlFailure(error);
    const warning = `the collector's thread cannot go on: ${failure.reason}. The next thread that needs it starts another one.`;
    if (!this.#note(failure) || !this.#native.isNews(warning)) return;
    process.emitWarning(warning, {
      code: 'FAULTLINE_COLLECTOR',
      ...(error.stack === undefined ? {} : { detail: error.stack }),
    });
  }

  /** False if the heap is closed, so that the failure does not matter. */
  #note({ reason, final }: ControlFailure): boolean {
    this.#end();
    return this.#native.controlFailed(this.#heap, this.#claim, final, reason);
  }

  #end(): void {
    this.#over = true;
    this.#failures.close();
  }
}

function isMissing(file: URL): boolean {
  return file.protocol === 'file:' && !existsSync(file);
}
