/**
 * `faultline doctor`: what this machine offers, which fault mode and marker `auto` picks, why it picks no better one, and what to change to
 * get one.
 *
 * Facts come from the addon's probe and from files of the kernel; src/gc/fault-mode-choice.ts says what they mean for the modes. Every mode
 * that should work is tried on a heap of 1 MiB, because a container may forbid what the machine offers.
 */
import { Command } from 'commander';
import { traitsOf } from '../gc/fault-modes.ts';
import { judgeModes } from '../gc/fault-mode-choice.ts';
import { bestMarker, judgeMarkers } from '../gc/markers.ts';
import { binding } from '../binding.ts';
import { adviceFor } from './doctor/advice.ts';
import { machineFacts } from './doctor/machine.ts';
import type { DoctorReport, ModeReport } from './doctor/report.ts';
import { doctorText } from './doctor/text.ts';
import { checkPages } from '../heap/heap-set-up.ts';
import { FEATURE_BITS } from '../pages/abi.ts';
import { decodeBits } from '../pages/bit-names.ts';
import { print } from './output.ts';
import { tryMode } from './doctor/trial.ts';
import { HeapError } from '../errors.ts';

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
  for (const verdict of judgeModes(probe))
    if (traitsOf(verdict.mode).automatic) modes.push({ ...verdict, ...(await tryMode(verdict, bestMarker(markers))) });
  const picked = modes.find(({ works, error }) => works && error === null);
  const { openedBy, device, systemCall, userModeOnly, minorFaults, signalDelivery, asyncWriteProtection } = probe;
  const features = decodeBits(BigInt(probe.features), FEATURE_BITS).names;
  const machine = machineFacts(probe);
  return {
    mode: picked?.mode ?? null,
    modes,
    markers,
    advice: adviceFor(probe, machine),
    userfaultfd: { openedBy, device, systemCall, userModeOnly, minorFaults, signalDelivery, asyncWriteProtection, features },
    machine,
  };
}
