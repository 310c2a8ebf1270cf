/**
 * The kernel's numbers of userfaultfd and its neighbours, by name: Linux 5.7 to 7.2, and read-write protection, which is on its way. Those
 * that only native code needs are in native/os/userfaultfd_abi.h.
 */
import type { BitTable } from './bit-names.ts';

/** What may be asked of the kernel, and what it offers. */
export type Feature = (typeof FEATURES)[number]['name'];
/** Features that change what the kernel does, once they are requested. */
export type RequestedFeature = Extract<(typeof FEATURES)[number], { kind: 'requested' }>['name'];

/**
 * By bit. A `requested` feature changes what the kernel does, if it was requested; a `reported` one says what the kernel can do, requested
 * or not.
 */
export const FEATURES = [
  { name: 'pagefault-flag-wp', since: '5.7', kind: 'reported', what: 'write protection of private anonymous memory' },
  { name: 'event-fork', since: '4.11', kind: 'requested', what: 'a fork waits for its message, which brings a descriptor of the child' },
  { name: 'event-remap', since: '4.11', kind: 'requested', what: 'registrations follow mremap, which waits for its message' },
  { name: 'event-remove', since: '4.11', kind: 'requested', what: 'madvise that drops pages waits for its message' },
  { name: 'missing-hugetlbfs', since: '4.11', kind: 'reported', what: 'missing pages of huge page files' },
  { name: 'missing-shmem', since: '4.11', kind: 'reported', what: 'missing pages of shared memory' },
  { name: 'event-unmap', since: '4.11', kind: 'requested', what: 'munmap, and mmap over a range, wait for their message' },
  { name: 'sigbus', since: '4.14', kind: 'requested', what: 'no messages: the thread that touches gets SIGBUS' },
  { name: 'thread-id', since: '4.14', kind: 'requested', what: 'messages name the thread that waits; always requested here' },
  { name: 'minor-hugetlbfs', since: '5.13', kind: 'reported', what: 'minor faults of huge page files' },
  { name: 'minor-shmem', since: '5.14', kind: 'reported', what: 'minor faults of shared memory' },
  { name: 'exact-address', since: '5.18', kind: 'requested', what: 'messages have the address that was touched, not its page' },
  { name: 'wp-hugetlbfs-shmem', since: '5.19', kind: 'reported', what: 'write protection of shared memory and huge page files' },
  { name: 'wp-unpopulated', since: '6.4', kind: 'requested', what: 'protection of private pages that are not there yet' },
  { name: 'poison', since: '6.6', kind: 'reported', what: 'pages whose touch is a SIGBUS' },
  {
    name: 'wp-async',
    since: '6.7',
    kind: 'requested',
    what: 'no messages of writes: the kernel takes the protection away, which a scan finds',
  },
  { name: 'move', since: '6.8', kind: 'reported', what: 'private pages move from one address to another' },
  { name: 'rwp', since: 'later', kind: 'reported', what: 'protection against reads and writes' },
  { name: 'rwp-async', since: 'later', kind: 'requested', what: 'no messages of touches: the kernel takes the protection away' },
] as const;

export const FEATURE_BITS: BitTable<Feature> = FEATURES.map(({ name }, bit) => [name, bit] as const);

/** What the kernel tells about a range. */
export type RegisterMode = 'missing' | 'write-protect' | 'minor' | 'read-write-protect';
export const REGISTER_MODES: BitTable<RegisterMode> = [
  ['missing', 0],
  ['write-protect', 1],
  ['minor', 2],
  ['read-write-protect', 3],
];

/** Calls of the kernel, as it offers them for a range. */
export type RangeCall =
  | 'wake'
  | 'copy'
  | 'zero-page'
  | 'move'
  | 'write-protect'
  | 'continue'
  | 'poison'
  | 'read-write-protect'
  | 'set-mode';
export const RANGE_CALLS: BitTable<RangeCall> = [
  ['wake', 2],
  ['copy', 3],
  ['zero-page', 4],
  ['move', 5],
  ['write-protect', 6],
  ['continue', 7],
  ['poison', 8],
  ['read-write-protect', 9],
  ['set-mode', 10],
];

/** The order of FillCall in native/os/userfaultfd_calls.h. */
const FILLS = ['copy', 'zero-page', 'continue', 'move', 'poison', 'write-protect'] as const;
/** @internal */
export const fillNumber = (fill: (typeof FILLS)[number]): number => FILLS.indexOf(fill);

/** The bits of a fill's mode. Those of write protection are the other way round. */
export const FILL_MODE = { dontWake: 1, writeProtect: 2, allowHoles: 2 } as const;
export const WRITE_PROTECT_MODE = { protect: 1, dontWake: 2 } as const;

export const API = 0xaan;

/** What a scan knows of a page. */
export type PageCategory =
  | 'wp-allowed'
  | 'written'
  | 'file'
  | 'present'
  | 'swapped'
  | 'pfn-zero'
  | 'huge'
  | 'soft-dirty'
  | 'guard'
  | 'accessed';
export const PAGE_CATEGORIES: BitTable<PageCategory> = [
  ['wp-allowed', 0],
  ['written', 1],
  ['file', 2],
  ['present', 3],
  ['swapped', 4],
  ['pfn-zero', 5],
  ['huge', 6],
  ['soft-dirty', 7],
  ['guard', 8],
  ['accessed', 9],
];

export const SCAN_FLAG = { writeProtect: 1n, checkAsync: 2n } as const;

/** What madvise(2) and process_madvise(2) may be told, by the kernel's numbers on x86-64 and arm64. */
export const ADVICE = {
  normal: 0,
  random: 1,
  sequential: 2,
  'will-need': 3,
  'dont-need': 4,
  free: 8,
  remove: 9,
  'dont-fork': 10,
  'do-fork': 11,
  'huge-page': 14,
  'no-huge-page': 15,
  cold: 20,
  'page-out': 21,
  'populate-read': 22,
  'populate-write': 23,
  collapse: 25,
  'guard-install': 102,
  'guard-remove': 103,
} as const;
/** What the kernel may be told about memory, by the names of madvise(2). */
export type Advice = keyof typeof ADVICE;
