/**
 * `faultline doctor`: what this machine offers, which fault mode and marker `auto` picks and why no better one, and what to
 * change for that.
 *
 * Facts come from the addon's probe and from files of the kernel; what they mean for the modes is said in src/gc/fault-modes.ts.
 * Every mode that should work is tried on a heap of 1 MiB: a machine may promise more than a container lets through.
 */
import { Command } from 'commander';
import { barrierOf } from '../gc/barriers.ts';
import { judgeModes, type ModeVerdict } from '../gc/fault-modes.ts';
import { bestMarker, judgeMarkers, type MarkerVerdict } from '../gc/markers.ts';
import { binding, type Probe } from '../binding.ts';
import { adviceFor } from './doctor/advice.ts';
import { type MachineFacts, machineFacts } from './doctor/machine.ts';
import { doctorText } from './doctor/text.ts';
import { checkPages } from '../heap/making.ts';
import { print } from './output.ts';
import { tryMode } from './doctor/trial.ts';
import { HeapError } from '../errors.ts';

/** A mode, what was judged of it, and what became of it. */
export interface ModeReport extends ModeVerdict {
  /** A fault without work there and back, median; null where it was not measured. */
  readonly bareFaultUs: number | null;
  /** `CODE: message`, if it should work and does not. */
  readonly error: string | null;
}

export interface DoctorReport {
  /** What `auto` picks; null if nothing works. */
  readonly mode: string | null;
  readonly modes: readonly ModeReport[];
  /** Ways to find what is alive, best first; `auto` picks the first that works. */
  readonly markers: readonly MarkerVerdict[];
  readonly advice: readonly string[];
  readonly userfaultfd: Pick<Probe, 'door' | 'device' | 'systemCall' | 'userModeOnly'> & {
    readonly minorFaults: boolean;
    readonly signalDelivery: boolean;
    readonly asyncWriteProtection: boolean;
  };
  readonly machine: MachineFacts;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('what this machine offers, which fault mode and marker are used, and what to change for a better one')
    .option('--json', 'print one JSON object on standard output')
    .action(async ({ json }: { json?: boolean }) => {
      const report = await examine();
      await print(json === true ? `${JSON.stringify(report)}\n` : `${doctorText(report)}\n`);
      if (report.mode === null) {
        throw new HeapError('ERR_FAULT_MODE', 'no fault mode works on this machine; the reasons are in the list above.');
      }
    });
}

async function examine(): Promise<DoctorReport> {
  const probe = binding().probe();
  checkPages(probe);
  const markers = judgeMarkers(probe, false);
  const modes: ModeReport[] = [];
  for (const verdict of judgeModes(probe)) if (barrierOf(verdict.mode).automatic) modes.push({ ...verdict, ...(await tryMode(verdict, bestMarker(markers))) });
  const picked = modes.find(({ works, error }) => works && error === null);
  const { door, device, systemCall, userModeOnly, minorFaults, signalDelivery, asyncWriteProtection } = probe;
  const machine = machineFacts(probe);
  return {
    mode: picked?.mode ?? null,
    modes,
    markers,
    advice: adviceFor(probe, machine),
    userfaultfd: { door, device, systemCall, userModeOnly, minorFaults, signalDelivery, asyncWriteProtection },
    machine,
  };
}
