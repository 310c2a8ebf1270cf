/**
 * Calls for tests: the tables of states, refusals of the kernel, delays of threads.
 */
import type { HeapPhase, PhaseName } from './cycle-steps.ts';

/** A row of the table in native/heap/page_states.h. */
export interface PageTransition {
  operation: 'claim' | 'await' | 'publish' | 'note mapped' | 'hand out';
  who: string;
  from: PageStateName;
  to: PageStateName;
  instruction: 'CAS' | 'exchange' | 'store';
  order: 'relaxed' | 'acquire' | 'release' | 'seq_cst';
  partner: string;
}

export type PageStateName = 'untouched' | 'building' | 'built' | 'mapped';

/** A row of the table in native/gc/cycle.h. */
export interface StepOfCycle {
  step: PhaseName | 'recover';
  from: HeapPhase;
  to: HeapPhase;
  stopped: boolean;
  laws: string;
  what: string;
}

/** A row of the table in native/heap/region_states.h. */
export interface RegionTransition {
  operation: string;
  who: string;
  from: string;
  to: string;
  when: string;
}

export interface TestCalls {
  regionTransitions(): RegionTransition[];
  cycleSteps(): StepOfCycle[];
  pageTransitions(): PageTransition[];
  armRefusal(systemCall: string, errno: number, skip: number, refuse: number): boolean;
  setDelays(seed: number): void;
  /** Holds up control threads that end between their last two steps, until it is called with false. */
  holdEndOfControl(hold: boolean): void;
  /** Sets the page size that `probe` reports from now on; 0 for the real one. */
  pretendPageBytes(bytes: number): void;
  /** Forgets which warnings were given. */
  forgetNotices(): void;
}
