/**
 * Refused: what the kernel's errors mean in the calls of the page interface, and what to do instead.
 */
import { constants } from 'node:os';
import type { Refusal } from '../binding.ts';
import { HeapError, type HeapErrorCode } from '../errors.ts';
import { commonRemedy, errorName } from '../gc/refusal-reasons.ts';

const { EACCES, EAGAIN, EBADF, EBUSY, EEXIST, EFAULT, EINVAL, EIO, ENOENT, ENOMEM, ENOSPC, ENOTTY, EPERM, ESRCH } = constants.errno;

/** Why a call stopped before the end of its range. docs/userfaultfd.md has a table of them. */
export type FillError =
  | 'EAGAIN'
  | 'EBUSY'
  | 'EEXIST'
  | 'EFAULT'
  | 'EINVAL'
  | 'EIO'
  | 'ENOENT'
  | 'ENOMEM'
  | 'ENOSPC'
  | 'ESRCH'
  | (string & {});

/** How far a call has come. What was done is done, even if the rest was refused. */
export interface Progress {
  /** From the start of the range. */
  readonly bytes: number;
  /** Why the call stopped at the page behind them; absent if it did everything. */
  readonly error?: FillError;
}

/** Answers of a fill that tell how things are, rather than that the call was wrong. */
const ANSWERS = new Set([EAGAIN, EBUSY, EEXIST, EFAULT, EIO, ENOENT, ENOMEM, ENOSPC, ESRCH]);

interface Reason {
  readonly call: RegExp;
  readonly errno: number;
  readonly why: string;
  readonly instead: string;
}

const ANY_FILL = /COPY|ZEROPAGE|CONTINUE|MOVE|POISON|WRITEPROTECT/;

/** The first that fits. */
const REASONS: readonly Reason[] = [
  {
    call: /UFFDIO_API/,
    errno: EINVAL,
    why: 'the kernel lacks a feature, or the handshake was done already',
    instead: 'ask UserfaultFd.probe() which it has',
  },
  {
    call: /UFFDIO_API/,
    errno: EPERM,
    why: 'fork events need CAP_SYS_PTRACE',
    instead: 'leave event-fork out, or give the process the capability',
  },
  {
    call: /REGISTER/,
    errno: EINVAL,
    why: 'the memory does not take these modes (private anonymous memory has no minor faults, a file of a disk only wp-async), or is not mapped',
    instead: 'see which modes each kind of memory takes in docs/userfaultfd.md',
  },
  { call: /REGISTER/, errno: EBUSY, why: 'another descriptor has registered the range', instead: 'unregister it there first' },
  {
    call: /REGISTER/,
    errno: EPERM,
    why: 'the memory can never be written through this mapping',
    instead: 'open the file for writing, and do not seal it against writes',
  },
  {
    call: /REGISTER/,
    errno: ENOMEM,
    why: 'the process has too many mappings, or has ended',
    instead: 'raise vm.max_map_count, or register larger ranges',
  },
  {
    call: /POISON/,
    errno: ENOTTY,
    why: 'Linux 6.6 or newer can poison pages, and threads wait for some that are not there',
    instead: "answer them first, or close with { waited: 'release' }, which lets them read what is there",
  },
  {
    call: ANY_FILL,
    errno: EINVAL,
    why: 'the range is not whole pages, or this memory does not take this call',
    instead: 'look at `can` of the registration, and use whole pages of its size',
  },
  { call: ANY_FILL, errno: ENOTTY, why: 'this kernel is older than the call', instead: 'ask UserfaultFd.probe() what it has' },
  {
    call: /PAGEMAP_SCAN/,
    errno: EPERM,
    why: 'the range is not registered with write-protect by a descriptor that has wp-async',
    instead: 'register it so, or scan without writeProtect',
  },
  { call: /PAGEMAP_SCAN/, errno: ENOTTY, why: 'Linux 6.7 or newer has this call', instead: 'read the entries of each page' },
  { call: /PAGEMAP_SCAN/, errno: EINVAL, why: 'a flag, a category or the range is not what the kernel knows', instead: 'use whole pages' },
  {
    call: /process_madvise/,
    errno: EINVAL,
    why: 'another process may only be given some advice (cold, page-out, will-need, collapse), or there are more than 1,024 ranges',
    instead: 'pass fewer ranges, or let the process do it itself',
  },
  { call: /process_madvise|pidfd_open/, errno: ESRCH, why: 'the process has ended', instead: 'forget it' },
  {
    call: /memfd_create|mmap|shmget|shmat/,
    errno: ENOMEM,
    why: 'there is not enough memory, or none of the huge pages that are kept for this (vm.nr_hugepages)',
    instead: 'reserve huge pages, or make it of ordinary ones',
  },
  {
    call: /pwrite|fallocate/,
    errno: EINVAL,
    why: 'files of huge pages cannot be written so, and a range of whole pages is needed',
    instead: 'write through a mapping that is not registered',
  },
  {
    call: /madvise/,
    errno: EINVAL,
    why: 'the memory does not take this advice, or the range is not whole pages',
    instead: 'see madvise(2)',
  },
  { call: /.*/, errno: EACCES, why: 'a permission is missing', instead: 'look at the owner and mode of the file' },
  { call: /.*/, errno: EBADF, why: 'it is closed', instead: 'open another one' },
];

/** @internal The error for a call that the kernel refused. */
export function refused(code: HeapErrorCode, what: string, { errno, syscall }: Refusal): HeapError {
  const reason = REASONS.find((one) => one.errno === errno && one.call.test(syscall));
  const remedy = reason === undefined ? commonRemedy(errno) : undefined;
  const text = reason === undefined ? remedy && `What may help: ${remedy}.` : `Why: ${reason.why}. What to do: ${reason.instead}.`;
  return new HeapError(code, `${what}: ${syscall} was refused (${errorName(errno)}). ${text ?? 'The kernel does not say why.'}`, {
    errno,
    syscall,
  });
}

/** @internal What a program is told of a fill. Throws if nothing was done because the call was wrong. */
export function progressOf(
  what: string,
  syscall: string,
  bytes: number,
  errno: number,
  code: 'ERR_UFFD_REFUSED' | 'ERR_MEMORY_REFUSED' = 'ERR_UFFD_REFUSED',
): Progress {
  if (errno === 0) return { bytes };
  if (bytes === 0 && !ANSWERS.has(errno)) throw refused(code, what, { errno, syscall });
  return { bytes, error: errorName(errno) };
}
