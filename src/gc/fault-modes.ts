/**
 * Fault modes: every way in which a heap can keep its mutators from stale references, as one table. Tests, benchmarks and documents take
 * their rows from it.
 *
 * The automatic modes are for use. The others are for research: they show what minor faults are worth on the same heap, collector and
 * mutators. `auto` never takes one of them, and a heap that does not use them pays nothing for them.
 */

/** What a mode asks of the machine; judged in fault-mode-choice.ts. */
export type Need = 'minor-faults' | 'signal-delivery' | 'copying' | 'ordered-loads' | 'private-pages';

export interface FaultModeTraits {
  readonly mode: string;
  /** Who learns that a mutator touched a page too early. */
  readonly heldBy: 'SIGBUS' | 'SIGSEGV' | 'handler thread' | 'its own loads' | 'nobody';
  /** How a page that objects were moved to gets into the mutator view. */
  readonly filledBy: 'UFFDIO_CONTINUE' | 'UFFDIO_COPY' | 'UFFDIO_MOVE' | 'mprotect' | 'the pause' | 'nothing';
  readonly needs: readonly Need[];
  /** Chosen by `auto`, in this order, where the machine can do it. */
  readonly automatic: boolean;
  readonly collects: boolean;
  /** Whether pages are built while mutators run. */
  readonly concurrent: boolean;
  /** Whether fault-around means anything. */
  readonly faultAround: boolean;
  /** Whether references must be loaded with `mutator.getReference`. */
  readonly barrieredLoads: boolean;
}

/** In the order of native/gc/faults/fault_mode.h. */
// biome-ignore format: a table, one row a mode.
export const FAULT_MODES = [
  {
    mode: 'sigbus', heldBy: 'SIGBUS', filledBy: 'UFFDIO_CONTINUE', needs: ['minor-faults', 'signal-delivery'],
    automatic: true, collects: true, concurrent: true, faultAround: true, barrieredLoads: false,
  },
  {
    mode: 'thread', heldBy: 'handler thread', filledBy: 'UFFDIO_CONTINUE', needs: ['minor-faults'],
    automatic: true, collects: true, concurrent: true, faultAround: true, barrieredLoads: false,
  },
  {
    mode: 'sigsegv', heldBy: 'SIGSEGV', filledBy: 'mprotect', needs: [],
    automatic: true, collects: true, concurrent: true, faultAround: true, barrieredLoads: false,
  },
  {
    mode: 'stw', heldBy: 'nobody', filledBy: 'the pause', needs: [],
    automatic: true, collects: true, concurrent: false, faultAround: false, barrieredLoads: false,
  },
  {
    mode: 'copy-sigbus', heldBy: 'SIGBUS', filledBy: 'UFFDIO_COPY', needs: ['minor-faults', 'signal-delivery', 'copying'],
    automatic: false, collects: true, concurrent: true, faultAround: true, barrieredLoads: false,
  },
  {
    mode: 'copy-thread', heldBy: 'handler thread', filledBy: 'UFFDIO_COPY', needs: ['minor-faults', 'copying'],
    automatic: false, collects: true, concurrent: true, faultAround: true, barrieredLoads: false,
  },
  {
    mode: 'none', heldBy: 'nobody', filledBy: 'nothing', needs: [],
    automatic: false, collects: false, concurrent: false, faultAround: false, barrieredLoads: false,
  },
  {
    mode: 'load-barrier', heldBy: 'its own loads', filledBy: 'nothing', needs: ['ordered-loads'],
    automatic: false, collects: true, concurrent: true, faultAround: false, barrieredLoads: true,
  },
  {
    mode: 'move', heldBy: 'SIGBUS', filledBy: 'UFFDIO_MOVE', needs: ['private-pages'],
    automatic: false, collects: true, concurrent: true, faultAround: true, barrieredLoads: false,
  },
] as const satisfies readonly FaultModeTraits[];

/** How a mutator that touches a page too early is held and served; docs/minor-faults.md compares them. */
export type FaultMode = (typeof FAULT_MODES)[number]['mode'];

/** Every mode, in the order of native/gc/faults/fault_mode.h. */
export const FAULT_MODE_NAMES: readonly FaultMode[] = FAULT_MODES.map(({ mode }) => mode);

/** Those that `auto` chooses from, best first. */
export const AUTOMATIC_MODES: readonly FaultMode[] = FAULT_MODES.filter(({ automatic }) => automatic).map(({ mode }) => mode);

export const traitsOf = (mode: FaultMode): FaultModeTraits => FAULT_MODES.find((traits) => traits.mode === mode)!;
