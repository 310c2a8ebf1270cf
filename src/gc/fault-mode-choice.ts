/**
 * The choice of a fault mode: which modes this machine allows, and why not the others.
 *
 * `auto` takes the first of sigbus, thread, sigsegv, stw that the machine allows. The modes are the table of fault-modes.ts; the facts come
 * from the addon's probe. This file says what the facts mean for the modes; refusal-reasons.ts says why a call was refused.
 */
import type { Probe } from '../binding.ts';
import { FAULT_MODES, type FaultMode, type Need } from './fault-modes.ts';
import { describeRefusal, minorFaultsReason, openingAdvice, since } from './refusal-reasons.ts';

/** Processors on which neither stores nor loads of a thread are seen out of order (total store order). */
export const ORDERED_MEMORY: ReadonlySet<string> = new Set(['x64', 'ia32', 's390x']);

export { describeRefusal, errorName, openingAdvice } from './refusal-reasons.ts';
export type { FaultMode } from './fault-modes.ts';
/** A fault mode, or the best one here. */
export type RequestedFaultMode = FaultMode | 'auto';

export interface ModeVerdict {
  readonly mode: FaultMode;
  readonly works: boolean;
  /** Why it does not work, and what would make it work; or what to know about it. */
  readonly remark: string;
}

/** Every mode, with whether this machine can do it: first those from which `auto` chooses, best first. */
export function judgeModes(probe: Probe): ModeVerdict[] {
  return FAULT_MODES.map(({ mode, needs }) => {
    const lacking = needs.map((need) => judgeNeed(need, probe)).find((reason) => reason !== undefined);
    return { mode, works: lacking === undefined, remark: lacking ?? remarkOn(mode, probe) };
  });
}

/** Why the machine does not meet the need, if it does not. */
function judgeNeed(need: Need, probe: Probe): string | undefined {
  switch (need) {
    case 'minor-faults':
      if (probe.openedBy === 'none') return `userfaultfd cannot be opened (${refusals(probe)}); ${openingAdvice(probe)}`;
      return probe.minorFaults ? undefined : `the kernel has no userfaultfd minor faults for shared memory: ${minorFaultsReason(probe)}`;
    case 'signal-delivery':
      return probe.signalDelivery ? undefined : `the kernel does not deliver faults by signal: ${since('that', '4.14', probe)}`;
    case 'copying':
      return probe.copying ? undefined : 'the kernel does not copy into shared memory (UFFDIO_COPY)';
    case 'ordered-loads':
      return ORDERED_MEMORY.has(process.arch) ? undefined : `on ${process.arch} a thread's loads may be done out of order`;
    case 'private-pages':
      return "UFFDIO_MOVE takes private anonymous pages only, and the heap's belong to a file that two views share";
  }
}

function remarkOn(mode: FaultMode, probe: Probe): string {
  const efault = 'a system call on heap memory during compaction fails with EFAULT';
  switch (mode) {
    case 'thread':
      return probe.openedBy.includes('USER_MODE_ONLY')
        ? `opened with USER_MODE_ONLY: ${efault}`
        : 'system calls on heap memory wait for the page like any other access';
    case 'sigsegv':
      return 'no userfaultfd needed; pages are shown in units of heap/8192 by mprotect';
    case 'stw':
      return 'everything is moved inside the pause';
    case 'copy-sigbus':
    case 'copy-thread':
      return 'for research: what moves is copied once more by the kernel, into fresh pages';
    case 'load-barrier':
      return 'for research: every reference must be loaded with mutator.getReference';
    case 'none':
      return 'for research: nothing is ever collected';
    default:
      return efault;
  }
}

/** The mode `auto` takes. */
export function bestMode(probe: Probe): FaultMode {
  return judgeModes(probe).find((verdict) => verdict.works)!.mode;
}

function refusals(probe: Probe): string {
  return [probe.device, probe.systemCall, probe.userModeOnly].map(describeRefusal).join(', ');
}
