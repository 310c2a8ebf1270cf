/**
 * The explored configurations: small systems that together have every routine of the protocol, every pair of threads that can
 * meet, and two cycles, so that a late thread ends up in the next one. And the deliberate mistakes, each with the systems in
 * which it must be found.
 */
import type { Configuration, Mistake } from './machine.ts';

export const CONFIGURATIONS = {
  'two mutators and a worker (sigbus)': {
    mode: 'sigbus',
    pages: 2,
    build: [
      [0, 1],
      [0, 1],
    ],
    workers: 1,
    mutators: [[{ touch: [0, 0, 1] }, { touch: [0, 1, 0] }], [{ touch: [1, 1, 0] }]],
  },
  'a mutator and two workers that take two pages at a time (sigbus)': {
    mode: 'sigbus',
    pages: 2,
    build: [[0, 1], [1]],
    workers: 2,
    chunkPages: 2,
    mutators: [[{ touch: [0, 0, 1] }, { touch: [0, 1, 1] }]],
  },
  'fault-around without workers (sigbus)': {
    mode: 'sigbus',
    pages: 2,
    build: [
      [0, 1],
      [0, 1],
    ],
    workers: 0,
    aroundPages: 2,
    mutators: [[{ touch: [0, 0, 1] }, { touch: [0, 1, 0] }], [{ touch: [1, 1, 0] }]],
  },
  'a TLAB and a large object meanwhile (sigbus)': {
    mode: 'sigbus',
    pages: 3,
    build: [[0], [0, 1]],
    workers: 1,
    aroundPages: 2,
    mutators: [[{ touch: [0, 0, 1] }, { allocate: 1 }], [{ announce: 2 }]],
  },
  'a source page in the second cycle (thread)': {
    mode: 'thread',
    pages: 2,
    build: [[0, 1], [0]],
    workers: 1,
    mutators: [[{ touch: [0, 0, 0] }, { touch: [0, 1, 0] }]],
  },
  'messages in batches (thread)': {
    mode: 'thread',
    pages: 2,
    build: [[0, 1], [0]],
    workers: 0,
    mutators: [
      [{ touch: [0, 0, 0] }, { touch: [0, 1, 0] }],
      [{ touch: [0, 1, 0] }, { touch: [0, 0, 0] }],
    ],
  },
  'a TLAB and a large object meanwhile (thread)': {
    mode: 'thread',
    pages: 3,
    build: [[0], [0, 1]],
    workers: 1,
    mutators: [[{ allocate: 1 }, { touch: [0, 0, 1] }], [{ announce: 2 }]],
  },
  'the kernel drops an entry (thread)': {
    mode: 'thread',
    pages: 2,
    build: [[0, 1], [0]],
    workers: 1,
    drops: 1,
    mutators: [[{ touch: [0, 0, 0] }, { touch: [0, 0, 0] }]],
  },
  'the kernel drops an entry (sigbus)': {
    mode: 'sigbus',
    pages: 2,
    build: [[0, 1], [0]],
    workers: 1,
    aroundPages: 2,
    drops: 1,
    mutators: [[{ touch: [0, 0, 0] }, { touch: [0, 1, 0] }]],
  },
  'pages are left in the view (sigbus)': {
    mode: 'sigbus',
    pages: 3,
    build: [[0], [0, 1]],
    left: [[1, 2], [2]],
    workers: 1,
    aroundPages: 2,
    mutators: [[{ touch: [0, 1, 1] }, { allocate: 2 }], [{ touch: [0, 0, 0] }]],
  },
  'a page is left in the view in the second cycle (thread)': {
    mode: 'thread',
    pages: 2,
    build: [[0, 1], [0]],
    left: [[], [1]],
    workers: 1,
    mutators: [[{ touch: [0, 1, 0] }, { touch: [0, 1, 1] }], [{ touch: [0, 1, 1] }]],
  },
  'units of two pages (sigsegv)': {
    mode: 'sigsegv',
    pages: 2,
    unitPages: 2,
    build: [[0, 1], [1]],
    workers: 1,
    mutators: [[{ touch: [0, 0, 1] }], [{ touch: [1, 1, 1] }]],
  },
  'a TLAB beside a page to build (sigsegv)': {
    mode: 'sigsegv',
    pages: 2,
    unitPages: 2,
    build: [[0], [0, 1]],
    workers: 0,
    mutators: [[{ allocate: 1 }, { touch: [0, 0, 1] }], [{ touch: [0, 0, 0] }]],
  },
} as const satisfies Record<string, Configuration>;

type Name = keyof typeof CONFIGURATIONS;

/** Too large for the short form. */
export const LARGE_CONFIGURATIONS: Readonly<Record<string, Configuration>> = {
  'two mutators with two objects each, and a worker (sigbus)': {
    mode: 'sigbus',
    pages: 2,
    build: [
      [0, 1],
      [0, 1],
    ],
    workers: 1,
    mutators: [
      [{ touch: [0, 0, 1] }, { touch: [0, 1, 0] }],
      [{ touch: [1, 1, 0] }, { touch: [0, 0, 1] }],
    ],
  },
  'three mutators on two pages (sigbus)': {
    mode: 'sigbus',
    pages: 2,
    build: [[0, 1], [0]],
    workers: 0,
    mutators: [[{ touch: [0, 0, 0] }], [{ touch: [1, 1, 0] }], [{ touch: [0, 0, 0] }]],
  },
  'three pages in units of two (sigsegv)': {
    mode: 'sigsegv',
    pages: 3,
    unitPages: 2,
    build: [
      [0, 1, 2],
      [0, 1],
    ],
    workers: 1,
    mutators: [[{ touch: [0, 0, 1] }, { touch: [0, 2, 0] }], [{ touch: [1, 1, 1] }]],
  },
  'three cycles (thread)': {
    mode: 'thread',
    pages: 2,
    build: [[0, 1], [0], [0, 1]],
    workers: 1,
    mutators: [[{ touch: [0, 0, 0, 1] }, { touch: [0, 1, 0, 0] }], [{ touch: [0, 1, 0, 1] }]],
  },
};

/** The law that each mistake breaks, and the systems in which it is found. */
export const MISTAKES: Readonly<Record<Mistake, { readonly law: string; readonly in: Name }>> = {
  'a late handler shows a page without looking who builds it': { law: 'C', in: 'two mutators and a worker (sigbus)' },
  'a waiter sleeps without looking again': { law: 'progress', in: 'two mutators and a worker (sigbus)' },
  'a publisher wakes nobody': { law: 'progress', in: 'two mutators and a worker (sigbus)' },
  'a claim believes the words of other cycles': { law: 'C', in: 'two mutators and a worker (sigbus)' },
  'a page is shown when it is claimed': { law: 'C', in: 'two mutators and a worker (sigbus)' },
  'a unit is shown when one of its pages is built': { law: 'C', in: 'units of two pages (sigsegv)' },
  'the fault thread serves outside the gate': { law: 'C', in: 'messages in batches (thread)' },
  'the fault thread believes a late message': { law: 'stale', in: 'a source page in the second cycle (thread)' },
  'EEXIST counts as a wake-up': { law: 'W', in: 'messages in batches (thread)' },
  'the view is disarmed before the gate is closed': { law: 'C', in: 'two mutators and a worker (sigbus)' },
  'the gate is closed without waiting for those inside': { law: 'C', in: 'two mutators and a worker (sigbus)' },
  'the cycle ends while workers are in the job': { law: 'C', in: 'two mutators and a worker (sigbus)' },
  'waiters are woken before the view is unregistered': { law: 'W', in: 'a TLAB and a large object meanwhile (thread)' },
  'a page is shown again only if it was noted before its fault was read': { law: 'W', in: 'the kernel drops an entry (thread)' },
  'the flip does not wait for the mutators': { law: 'C', in: 'two mutators and a worker (sigbus)' },
  'a page that has to be built is left in the view': { law: 'C', in: 'pages are left in the view (sigbus)' },
  'a page that is left in the view is handed out as one that is armed': { law: 'Y', in: 'pages are left in the view (sigbus)' },
};
