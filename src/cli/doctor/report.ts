/** Report: what `faultline doctor` has found out; its text is written from this, and `--json` prints it. */
import type { Probe } from '../../binding.ts';
import type { ModeVerdict } from '../../gc/fault-mode-choice.ts';
import type { MarkerVerdict } from '../../gc/markers.ts';
import type { MachineFacts } from './machine.ts';

/** A mode, the verdict on it, and the result of its trial. */
export interface ModeReport extends ModeVerdict {
  /** Median round trip of a fault without work; null if it was not measured. */
  readonly bareFaultUs: number | null;
  /** `CODE: message`, if the mode should work and does not. */
  readonly error: string | null;
}

export interface DoctorReport {
  /** What `auto` picks; null if nothing works. */
  readonly mode: string | null;
  readonly modes: readonly ModeReport[];
  /** Ways to find what is alive, best first; `auto` picks the first that works. */
  readonly markers: readonly MarkerVerdict[];
  readonly advice: readonly string[];
  readonly userfaultfd: Pick<Probe, 'openedBy' | 'device' | 'systemCall' | 'userModeOnly'> & {
    readonly minorFaults: boolean;
    readonly signalDelivery: boolean;
    readonly asyncWriteProtection: boolean;
    /** What programs of `faultline/userfaultfd` may use, by name. */
    readonly features: readonly string[];
  };
  readonly machine: MachineFacts;
}
