/**
 * Fault modes: which one a heap uses, and what to say about it.
 *
 * `auto` takes the first of sigbus, thread, sigsegv, stw that this machine allows. The facts come from the addon's probe; the
 * meaning, the order and the advice are here.
 */
import type { Probe, Refusal } from '../binding.ts';
import { getSystemErrorName } from 'node:util';

/** In the order of native/gc/fault_mode.h, which is also the order of preference. */
export const FAULT_MODES = ['sigbus', 'thread', 'sigsegv', 'stw'] as const;
/** How a mutator that touches a page too early is held and served; docs/minor-faults.md compares them. */
export type FaultMode = (typeof FAULT_MODES)[number];
/** A fault mode, or the best one here. */
export type RequestedFaultMode = FaultMode | 'auto';

export interface ModeVerdict {
  readonly mode: FaultMode;
  readonly works: boolean;
  /** Why it does not work, and what would make it work; or what to know about it. */
  readonly remark: string;
}

/** Every mode, best first, with whether this machine can do it. */
export function judgeModes(probe: Probe): ModeVerdict[] {
  const open = probe.door !== 'none';
  const missing = open
    ? 'the kernel has no userfaultfd minor faults for shared memory; Linux 5.14 or newer has them'
    : `userfaultfd cannot be opened (${refusals(probe)}); ${openingAdvice(probe)}`;
  const minor = open && probe.minorFaults;
  const userModeOnly = probe.door.includes('USER_MODE_ONLY');
  return [
    {
      mode: 'sigbus',
      works: minor && probe.signalDelivery,
      remark: minor ? 'a system call on heap memory during compaction fails with EFAULT' : missing,
    },
    {
      mode: 'thread',
      works: minor,
      remark: !minor
        ? missing
        : userModeOnly
          ? 'opened with USER_MODE_ONLY: a system call on heap memory during compaction fails with EFAULT'
          : 'system calls on heap memory wait for the page like everybody else',
    },
    { mode: 'sigsegv', works: true, remark: 'no userfaultfd needed; pages are shown in units of heap/8192 by mprotect' },
    { mode: 'stw', works: true, remark: 'everything is moved inside the pause' },
  ];
}

/** The mode `auto` takes. */
export function bestMode(probe: Probe): FaultMode {
  return judgeModes(probe).find((verdict) => verdict.works)!.mode;
}

/** How to open userfaultfd for the program, from the least to the most far-reaching change. */
export function openingAdvice(probe: Probe): string {
  if (probe.userModeOnly.errno === 38) return 'this kernel is built without CONFIG_USERFAULTFD';
  return (
    'give the program access to /dev/userfaultfd (in a container: --device /dev/userfaultfd), or CAP_SYS_PTRACE, or set ' +
    'vm.unprivileged_userfaultfd=1; a seccomp profile that denies the system call must allow it'
  );
}

function refusals(probe: Probe): string {
  return [probe.device, probe.systemCall, probe.userModeOnly].map(describeRefusal).join(', ');
}

/** For example `userfaultfd: EPERM`. */
export function describeRefusal(refusal: Refusal): string {
  return refusal.errno === 0 ? `${refusal.syscall}: ok` : `${refusal.syscall}: ${errorName(refusal.errno)}`;
}

export function errorName(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}
