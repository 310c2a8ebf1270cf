/**
 * Machine: the state shared by the threads of the model: page words, the views and the kernel's side of them, gate, gang, handshake.
 *
 * The model is exact about the protocol and crude elsewhere. A page's content is the number of the cycle it was last built for; a
 * mutator that touches a page must find the current cycle there. The kernel keeps one entry per page (shown or not) and, in mode `thread`,
 * one message for each mutator that sleeps in a fault. Everything is sequentially consistent: memory orders are left to the table in
 * native/heap/page_states.h and to ThreadSanitizer.
 */
import type { PageTransition } from '../../src/binding.ts';
import { Violation } from './exploration.ts';
import { Layout, type Program, type State } from './program.ts';

export const STATES = ['untouched', 'building', 'built', 'mapped'] as const;

/** What a mutator does, between polls. */
export type Operation =
  /** Reads an object that lies on page `touch[c]` in cycle c; 0 is before the first one. */
  | { readonly touch: readonly number[] }
  /** Takes a free page for a TLAB, and writes to it. */
  | { readonly allocate: number }
  /** Makes a large object on a page that the allocator only announces, and writes to it. */
  | { readonly announce: number };

/** Deliberate mistakes, each of which the exploration must find. */
export type Mistake =
  | 'a late handler shows a page without looking who builds it'
  | 'a waiter sleeps without looking again'
  | 'a publisher wakes nobody'
  | 'a claim believes the words of other cycles'
  | 'a page is shown when it is claimed'
  | 'a unit is shown when one of its pages is built'
  | 'the fault thread serves outside the gate'
  | 'the fault thread believes a late message'
  | 'EEXIST counts as a wake-up'
  | 'the view is disarmed before the gate is closed'
  | 'the gate is closed without waiting for those inside'
  | 'the cycle ends while workers are in the job'
  | 'waiters are woken before the view is unregistered'
  | 'the flip does not wait for the mutators'
  | 'a page is shown again only if it was noted before its fault was read'
  | 'a page that has to be built is left in the view'
  | 'a page that is left in the view is handed out as one that is armed';

export interface Configuration {
  readonly mode: 'sigbus' | 'thread' | 'sigsegv';
  readonly pages: number;
  /** For each cycle, the pages that have to be built. The others are free, or sources. */
  readonly build: readonly (readonly number[])[];
  /** For each cycle, the pages that its flip leaves in the view (law Y); default none. They are ordinary memory all the time. */
  readonly left?: readonly (readonly number[])[];
  readonly mutators: readonly (readonly Operation[])[];
  /** 0: the control thread builds. */
  readonly workers: number;
  /** Pages shown together; default 1. */
  readonly unitPages?: number;
  /** Pages around a fault; default 1. */
  readonly aroundPages?: number;
  /** Pages a worker takes at a time; default 1. */
  readonly chunkPages?: number;
  /** How often the kernel may drop the entry of a page that is shown: another thread's madvise, memory that is written out; default 0. */
  readonly drops?: number;
  readonly mistake?: Mistake;
}

const WAITED = 4;
const CYCLE_SHIFT = 3;

/** The page word of native/heap/page_states.h; every transition comes from the table there. */
export class PageWord {
  readonly #rows: readonly PageTransition[];

  constructor(rows: readonly PageTransition[]) {
    this.#rows = rows;
  }

  from(operation: PageTransition['operation']): number {
    return STATES.indexOf(this.#row(operation).from);
  }

  /** The word after the operation. */
  after(operation: PageTransition['operation'], cycle: number): number {
    return (cycle << CYCLE_SHIFT) | STATES.indexOf(this.#row(operation).to) | (operation === 'await' ? WAITED : 0);
  }

  mayFollow(operation: PageTransition['operation'], state: number): boolean {
    return this.#rows.some((row) => row.operation === operation && row.from === STATES[state]);
  }

  stateIn(word: number, cycle: number): number {
    return word >> CYCLE_SHIFT === cycle ? word & 3 : 0;
  }

  hasWaiters(word: number): boolean {
    return (word & WAITED) !== 0;
  }

  #row(operation: PageTransition['operation']): PageTransition {
    const row = this.#rows.find((each) => each.operation === operation);
    if (row === undefined) throw new Error(`the table has no operation ${operation}`);
    return row;
  }
}

export class Machine {
  readonly layout = new Layout();
  readonly configuration: Configuration;
  readonly word: PageWord;
  readonly programs: Program[] = [];

  readonly words: number;
  readonly content: number;
  /** Who builds the page right now: the thread's number + 1. */
  readonly builder: number;
  readonly shown: number;
  /** Whether the kernel holds threads that touch pages which are not shown. */
  readonly armedView: number;
  readonly cycle: number;
  readonly armed: number;
  readonly gateOpen: number;
  readonly gateCount: number;
  readonly stopRequested: number;
  readonly worldStopped: number;
  readonly running: number;
  readonly job: number;
  readonly generation: number;
  readonly cursor: number;
  readonly helpers: number;
  readonly closing: number;
  /** Page + 1 that a mutator sleeps on in the kernel (mode `thread`), and whether its message was read: 0, 1 not yet, 2 read. */
  readonly asleepIn: number;
  readonly message: number;
  /** Page + 1 whose word a thread sleeps on. */
  readonly futex: number;

  constructor(configuration: Configuration, rows: readonly PageTransition[]) {
    this.configuration = configuration;
    this.word = new PageWord(rows);
    const { layout } = this;
    const { pages, workers, mutators } = configuration;
    this.words = layout.cells('word', pages);
    this.content = layout.cells('content', pages);
    this.builder = layout.cells('builder', pages);
    this.shown = layout.cells('shown', pages);
    this.armedView = layout.cell('view armed');
    this.cycle = layout.cell('cycle');
    this.armed = layout.cell('armed');
    this.gateOpen = layout.cell('gate open');
    this.gateCount = layout.cell('inside');
    this.stopRequested = layout.cell('stop');
    this.worldStopped = layout.cell('stopped');
    this.running = layout.cells('running', mutators.length, 1);
    this.job = layout.cell('job');
    this.generation = layout.cell('generation');
    this.cursor = layout.cell('cursor');
    this.helpers = layout.cell('helpers');
    this.closing = layout.cell('closing');
    this.asleepIn = layout.cells('asleep', mutators.length);
    this.message = layout.cells('message', mutators.length);
    // Control, fault thread, workers, mutators.
    this.futex = layout.cells('futex', 2 + workers + mutators.length);
  }

  get unitPages(): number {
    return this.configuration.unitPages ?? 1;
  }

  /** Pages that need building in the current cycle; frozen while it lasts. */
  needsBuilding(state: State, page: number): boolean {
    if (this.isLeft(state, page)) return this.makes('a page that has to be built is left in the view');
    return this.configuration.build[state[this.cycle]! - 1]?.includes(page) ?? false;
  }

  /** Frozen while the cycle lasts. */
  isLeft(state: State, page: number): boolean {
    return this.configuration.left?.[state[this.cycle]! - 1]?.includes(page) ?? false;
  }

  /** Whether a mutator that touches the page goes on, and sees what is there. */
  isVisible(state: State, page: number): boolean {
    return state[this.armedView] === 0 || state[this.shown + page] !== 0 || this.isLeft(state, page);
  }

  stateOf(state: State, page: number, cycle = state[this.cycle]!): number {
    return this.word.stateIn(state[this.words + page]!, cycle);
  }

  makes(mistake: Mistake): boolean {
    return this.configuration.mistake === mistake;
  }

  /** UFFDIO_WAKE, and the second half of UFFDIO_CONTINUE. */
  wake(state: State, page: number): void {
    for (let mutator = 0; mutator < this.configuration.mutators.length; mutator++) {
      if (state[this.asleepIn + mutator] !== page + 1) continue;
      state[this.asleepIn + mutator] = 0;
      state[this.message + mutator] = 0;
    }
  }

  wakeFutex(state: State, page: number): void {
    for (let cell = this.futex; cell < this.futex + 2 + this.configuration.workers + this.configuration.mutators.length; cell++) {
      if (state[cell] === page + 1) state[cell] = 0;
    }
  }

  /** The law of every state: no running mutator can see a page that is not up to date. */
  check(state: State): void {
    if (state[this.worldStopped] !== 0) return;
    const cycle = state[this.cycle]!;
    for (let page = 0; page < this.configuration.pages; page++) {
      if (this.isVisible(state, page) && (state[this.content + page] !== cycle || state[this.builder + page] !== 0)) {
        throw new Violation('C', `page ${page} can be seen before it is built for cycle ${cycle}`);
      }
    }
  }

  isEnd(state: State): boolean {
    if (!this.programs.every((program) => program.hasEnded(state))) return false;
    const { pages, build } = this.configuration;
    const complete = Array.from({ length: pages }, (_, page) => state[this.content + page] === build.length).every(Boolean);
    return complete && state[this.gateOpen] === 0 && state[this.gateCount] === 0 && state[this.armed] === 0 && state[this.helpers] === 0;
  }
}
