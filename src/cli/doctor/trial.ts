/** Trial: a heap of 1 MiB in one fault mode, and the round trip of an empty fault in it. */
import type { ModeVerdict } from '../../gc/fault-mode-choice.ts';
import type { MarkerName } from '../../gc/markers.ts';
import { Heap } from '../../heap/heap.ts';
import { HeapError } from '../../errors.ts';

export interface TrialResult {
  readonly bareFaultUs: number | null;
  readonly error: string | null;
}

/** With the marker that `auto` takes, given by name: the report says what is not the best, so no warning is needed. */
export async function tryMode({ mode, works }: ModeVerdict, marker: MarkerName): Promise<TrialResult> {
  if (!works) return { bareFaultUs: null, error: null };
  try {
    const heap = Heap.create({ capacityBytes: '1M', fault: mode, marker, workers: 0 });
    try {
      // In mode stw no thread faults.
      return { bareFaultUs: mode === 'stw' ? null : heap.measureBareFault().p50Us, error: null };
    } finally {
      await heap.close();
    }
  } catch (error) {
    if (!(error instanceof HeapError)) throw error;
    return { bareFaultUs: null, error: `${error.code}: ${error.message}` };
  }
}
