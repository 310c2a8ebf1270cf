/**
 * Fault modes: every way in which a heap can keep its mutators from using stale references, as one table. Tests, benchmarks and documents
 * take their rows from it.
 *
 * The automatic modes are for use. The others are for research: they show what minor faults are worth with the same heap, collector and
 * mutators. `auto` never takes one of them, and a heap that does not use them pays nothing for them.
 */

/** What a mode needs from the machine; judged in fault-mode-choice.ts. */
export type Need = 'minor-faults' | 'signal-delivery' | 'copying' | 'ordered-loads' | 'private-pages';

export interface FaultModeTraits {
  readonly mode: string;
  /** What learns that a mutator touched a page too early. */
  readonly heldBy: 'SIGBUS' | 'SIGSEGV' | 'handler thread' | 'its own loads' | 'nobody';
  /** How a page that objects were moved to gets into the mutator view. */
  readonly filledBy: 'UFFDIO_CONTINUE' | 'UFFDIO_COPY' | 'UFFDIO_MOVE' | 'mprotect' | 'the pause' | 'nothing';
  readonly needs: readonly Need[];
  /** Chosen by `auto`, in this order, if the machine can do it. */
  readonly automatic: boolean;
  readonly collects: boolean;
  /** Whether pages are built while mutators run. */
  readonly concurrent: boolean;
  /** Whether fault-around means anything. */
  readonly faultAround: boolean;
  /** Whether references must be loaded with `mutator.getReference`. */
  readonly barrieredLoads: boolean;
  /** For a mode for use, what a touch of an unfinished page becomes; for a research mode, what it is. */
  readonly description: string;
}

/** The needs as documents have them. */
export const NEEDS: Readonly<Record<Need, string>> = {
  'minor-faults': 'userfaultfd with minor faults',
  'signal-delivery': 'faults by signal',
  copying: 'UFFDIO_COPY into shared memory',
  'ordered-loads': 'ordered loads and stores (x86)',
  'private-pages': 'private pages',
};

/** What happens to a system call on heap memory, by what holds the mutator. */
export const SYSTEM_CALLS: Readonly<Record<FaultModeTraits['heldBy'], string>> = {
  SIGBUS: 'may fail with EFAULT while a compaction runs',
  SIGSEGV: 'may fail with EFAULT while a compaction runs',
  'handler thread': 'wait like any other access (not with USER_MODE_ONLY)',
  'its own loads': 'always work',
  nobody: 'always work',
};

/** In the order of native/gc/faults/fault_mode.h. */
// biome-ignore format: a table, one row a mode.
export const FAULT_MODES = [
  {
    mode: 'sigbus', heldBy: 'SIGBUS', filledBy: 'UFFDIO_CONTINUE', needs: ['minor-faults', 'signal-delivery'],
    automatic: true, collects: true, concurrent: true, faultAround: true, barrieredLoads: false,
    description: 'SIGBUS in the thread, which builds the page itself',
  },
  {
    mode: 'thread', heldBy: 'handler thread', filledBy: 'UFFDIO_CONTINUE', needs: ['minor-faults'],
    automatic: true, collects: true, concurrent: true, faultAround: true, barrieredLoads: false,
    description: 'the thread sleeps in the kernel; a native thread builds',
  },
  {
    mode: 'sigsegv', heldBy: 'SIGSEGV', filledBy: 'mprotect', needs: [],
    automatic: true, collects: true, concurrent: true, faultAround: true, barrieredLoads: false,
    description: 'SIGSEGV in the thread; pages are shown by mprotect',
  },
  {
    mode: 'stw', heldBy: 'nobody', filledBy: 'the pause', needs: [],
    automatic: true, collects: true, concurrent: false, faultAround: false, barrieredLoads: false,
    description: 'never happens: everything is built inside the pause',
  },
  {
    mode: 'copy-sigbus', heldBy: 'SIGBUS', filledBy: 'UFFDIO_COPY', needs: ['minor-faults', 'signal-delivery', 'copying'],
    automatic: false, collects: true, concurrent: true, faultAround: true, barrieredLoads: false,
    description: 'a target page is built in a private staging page and copied into a hole of the file',
  },
  {
    mode: 'copy-thread', heldBy: 'handler thread', filledBy: 'UFFDIO_COPY', needs: ['minor-faults', 'copying'],
    automatic: false, collects: true, concurrent: true, faultAround: true, barrieredLoads: false,
    description: 'the same, served by the handler thread',
  },
  {
    mode: 'none', heldBy: 'nobody', filledBy: 'nothing', needs: [],
    automatic: false, collects: false, concurrent: false, faultAround: false, barrieredLoads: false,
    description: "nothing is ever collected, as in OpenJDK's Epsilon; a heap that is full stays full",
  },
  {
    mode: 'load-barrier', heldBy: 'its own loads', filledBy: 'nothing', needs: ['ordered-loads'],
    automatic: false, collects: true, concurrent: true, faultAround: false, barrieredLoads: true,
    description: 'a software read barrier: a check at each load of a reference, and no page protection',
  },
  {
    mode: 'move', heldBy: 'SIGBUS', filledBy: 'UFFDIO_MOVE', needs: ['private-pages'],
    automatic: false, collects: true, concurrent: true, faultAround: true, barrieredLoads: false,
    description: 'refused, because UFFDIO_MOVE takes private anonymous pages only',
  },
] as const satisfies readonly FaultModeTraits[];

/** How a mutator that touches a page too early is held and served; docs/minor-faults.md compares them. */
export type FaultMode = (typeof FAULT_MODES)[number]['mode'];

/** Every mode, in the order of native/gc/faults/fault_mode.h. */
export const FAULT_MODE_NAMES: readonly FaultMode[] = FAULT_MODES.map(({ mode }) => mode);

/** The modes from which `auto` chooses, best first. */
export const AUTOMATIC_MODES: readonly FaultMode[] = FAULT_MODES.filter(({ automatic }) => automatic).map(({ mode }) => mode);

export const traitsOf = (mode: FaultMode): FaultModeTraits => FAULT_MODES.find((traits) => traits.mode === mode)!;
