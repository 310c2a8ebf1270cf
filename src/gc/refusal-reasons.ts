/**
 * Refusal reasons: why a system call was refused, and what helps. One error number has several reasons, each with its own remedy: EPERM
 * means a seccomp profile on a new kernel and a missing privilege on an old one, ENOSYS a kernel without the call or a sandbox that hides
 * it. The reason is found from the call, the number and what else is known about the kernel. No advice asks for a kernel that is already
 * running.
 */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import type { Probe, Refusal } from '../binding.ts';

const { EACCES, EAGAIN, EFBIG, EINVAL, EMFILE, ENFILE, ENOENT, ENOMEM, ENOSPC, ENOSYS, ENOTTY, EPERM } = constants.errno;

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

/** The remedy for an error number whose reason is the same for every call; undefined if the reason depends on the call. */
export function commonRemedy(errno: number): string | undefined {
  switch (errno) {
    case EMFILE:
      return 'close files, or raise the limit of open files of this process (ulimit -n)';
    case ENFILE:
      return 'raise the limit of open files of the system (fs.file-max)';
    case ENOMEM:
      return 'check vm.max_map_count and the memory limits of this process (ulimit -v, those of a container)';
    case EAGAIN:
      return 'raise the limit of threads of this user (ulimit -u, the pids limit of a container)';
    case EFBIG:
      return 'raise the limit of file sizes (ulimit -f)';
    case ENOSPC:
      return 'make room where the system keeps shared memory';
    case EPERM:
    case EACCES:
    case ENOSYS:
      return 'allow the call in the seccomp profile or the security module that forbids it';
    default:
      return undefined;
  }
}

/** Why no userfaultfd descriptor of any kind can be opened, and what to change, from the least to the most far-reaching change. */
export function openingAdvice(probe: Probe): string {
  const refused = [probe.device, probe.systemCall, probe.userModeOnly].map(({ errno }) => errno);
  const limit = refused.find((errno) => errno === EMFILE || errno === ENFILE || errno === ENOMEM);
  if (limit !== undefined) return commonRemedy(limit)!;
  // The last way needs the least, so the reason for its refusal is the reason.
  if (probe.userModeOnly.errno === ENOSYS) {
    return probe.kernelHasUserfaultfd === true
      ? `a sandbox hides the system call (this kernel has CONFIG_USERFAULTFD): ${throughSandbox(probe)}`
      : 'this kernel is built without CONFIG_USERFAULTFD';
  }
  // From Linux 5.11 on, any user may open it for faults in user mode: what forbids that is not a setting of the kernel.
  if (isFrom(probe, 5, 11) === true && [EPERM, EACCES].includes(probe.userModeOnly.errno)) {
    return `a seccomp profile (Docker's default is one) or a security module forbids it: ${throughSandbox(probe)}`;
  }
  if (isFrom(probe, 5, 14) === false) return `${since('userfaultfd minor faults for shared memory', '5.14', probe)}`;
  return (
    'give the program access to /dev/userfaultfd (in a container: --device /dev/userfaultfd), or CAP_SYS_PTRACE, or set ' +
    'vm.unprivileged_userfaultfd=1; a seccomp profile that denies the system call must allow it'
  );
}

function throughSandbox(probe: Probe): string {
  const allow = 'allow userfaultfd in it (in a container: --security-opt seccomp=PROFILE)';
  if (isFrom(probe, 6, 1) === false) return allow;
  return `give the program access to /dev/userfaultfd (in a container: --device /dev/userfaultfd), or ${allow}`;
}

/** How to get faults inside system calls delivered too, if only those in user mode are. */
export function kernelFaultsAdvice(probe: Probe): string {
  const device = 'give the program access to /dev/userfaultfd (in a container: --device /dev/userfaultfd), or ';
  return `${isFrom(probe, 6, 1) === false ? '' : device}CAP_SYS_PTRACE, or set vm.unprivileged_userfaultfd=1`;
}

/** Why a descriptor that can be opened has no minor faults of shared memory. */
export function minorFaultsReason(probe: Probe): string {
  const { errno } = probe.handshake ?? { errno: 0 };
  if (errno !== 0) return callRefused(probe.handshake!);
  return since('userfaultfd minor faults for shared memory', '5.14', probe);
}

/** Why the kernel cannot report which pages were written. */
export function writeTrackingReason(probe: Probe): string {
  const { errno, syscall } = probe.writeTracking;
  const call = describeRefusal(probe.writeTracking);
  if (errno === EMFILE || errno === ENFILE || errno === ENOMEM) return `${call}; ${commonRemedy(errno)}`;
  if (probe.openedBy === 'none') return `by userfaultfd, which cannot be opened (${call}); ${openingAdvice(probe)}`;
  if (syscall.includes('/proc')) return `${call}; ${pagemapAdvice(errno)}`;
  if ([EINVAL, ENOTTY, ENOSYS].includes(errno)) return `${call}; ${since('it', '6.7', probe)}`;
  return callRefused(probe.writeTracking);
}

function pagemapAdvice(errno: number): string {
  if (errno === ENOENT) return 'mount /proc, or take a kernel with CONFIG_PROC_PAGE_MONITOR';
  return (
    'a process may read its own page map only if it could be debugged: start Node from a file that its user may read, without set-user-ID ' +
    'or file capabilities, and where no security module hides /proc'
  );
}

function callRefused(refusal: Refusal): string {
  return `${describeRefusal(refusal)}; ${commonRemedy(refusal.errno) ?? 'this kernel does not say why'}`;
}

/** For a feature that Linux has since a version and this kernel lacks: because it is older, or was built without it. */
export function since(what: string, version: string, probe: Probe): string {
  const [major, minor] = version.split('.').map(Number) as [number, number];
  const here = `this is ${probe.kernel ?? 'unknown'}`;
  return isFrom(probe, major, minor) === true
    ? `Linux can have ${what} since ${version}, but this one (${probe.kernel}) is built without`
    : `Linux ${version} or newer has ${what} (${here})`;
}

/** Whether the kernel is that version or a newer one; undefined if it does not report its version. */
function isFrom({ kernel }: Probe, major: number, minor: number): boolean | undefined {
  const found = /^(\d+)\.(\d+)/.exec(kernel ?? '');
  if (found === null) return undefined;
  const [ownMajor, ownMinor] = [Number(found[1]), Number(found[2])];
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
