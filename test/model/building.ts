/**
 * Building: claim, build, publish, wait and show, as in native/heap/page_states.h and native/gc/compaction/page_service.cc. Every
 * routine writes its steps into the program of the thread that runs it.
 */
import { Violation } from './exploration.ts';
import type { Machine } from './machine.ts';
import { BLOCKED, type Label, type Program, type State } from './program.ts';

export const NO_PAGE = 255;

/** A thread that may build and show pages. */
export class Builder {
  readonly machine: Machine;
  readonly program: Program;
  readonly #number: number;
  readonly #word: number;
  readonly #page: number;
  readonly #shownPage: number;
  readonly #unit: number;
  readonly #complete: number;

  constructor(machine: Machine, program: Program, number: number) {
    this.machine = machine;
    this.program = program;
    this.#number = number;
    this.#word = program.variable('word');
    this.#page = program.variable('page');
    this.#shownPage = program.variable('shows');
    this.#unit = program.variable('unit');
    this.#complete = program.variable('complete');
  }

  /** PageStates::TryClaim, PageBuilder::Build, PageStates::Publish. Goes to `lost` if another thread has or had the page. */
  tryBuild(page: number, lost: Label): void {
    const { machine: m, program: p } = this;
    p.step('claim: load', (s) => {
      const word = s[m.words + s[page]!]!;
      const state = m.makes('a claim believes the words of other cycles') ? word & 3 : m.stateOf(s, s[page]!);
      if (state !== m.word.from('claim')) return lost;
      s[this.#word] = word;
      return undefined;
    });
    p.step('claim: CAS', (s) => {
      const before = s[this.#word];
      s[this.#word] = 0;
      if (s[m.words + s[page]!] !== before) return lost;
      s[m.words + s[page]!] = m.word.after('claim', s[m.cycle]!);
      return undefined;
    });
    p.step('build: begin', (s) => {
      this.#mayBuild(s, s[page]!);
      if (s[m.builder + s[page]!] !== 0) throw new Violation('O', `two threads build page ${s[page]}`);
      if (s[m.content + s[page]!] !== s[m.cycle]! - 1) throw new Violation('O', `page ${s[page]} is built again`);
      s[m.builder + s[page]!] = this.#number + 1;
    });
    p.step('build: end', (s) => {
      this.#mayBuild(s, s[page]!);
      s[m.builder + s[page]!] = 0;
      s[m.content + s[page]!] = s[m.cycle]!;
    });
    const quiet = p.label();
    p.step('publish: exchange', (s) => {
      const cell = m.words + s[page]!;
      const before = s[cell]!;
      s[cell] = m.word.after('publish', s[m.cycle]!);
      if (m.word.stateIn(before, s[m.cycle]!) !== m.word.from('publish')) {
        throw new Violation('O', `page ${s[page]} is published by somebody who has not claimed it`);
      }
      return m.word.hasWaiters(before) && !m.makes('a publisher wakes nobody') ? undefined : quiet;
    });
    p.step('publish: wake', (s) => m.wakeFutex(s, s[page]!));
    p.mark(quiet);
  }

  #mayBuild(state: State, page: number): void {
    const { machine: m } = this;
    if (state[m.armedView] === 0) throw new Violation('C', `page ${page} is being built while the view is ordinary memory`);
    if (m.stateOf(state, page) !== m.word.from('publish')) throw new Violation('O', `page ${page} is built without a claim of this cycle`);
  }

  /** PageStates::AwaitBuilt. `cycle` is the cycle that the caller believes is running. */
  await(page: number, cycle: (state: State) => number): void {
    const { machine: m, program: p } = this;
    const again = p.label();
    const sleep = p.label();
    const out = p.label();
    const asleep = m.futex + this.#number;
    p.mark(again);
    p.step('await: load', (s) => {
      const word = s[m.words + s[page]!]!;
      if (m.word.stateIn(word, cycle(s)) !== m.word.from('await')) return out;
      s[this.#word] = word;
      return m.word.hasWaiters(word) ? sleep : undefined;
    });
    p.step('await: CAS', (s) => {
      const before = s[this.#word];
      s[this.#word] = 0;
      if (s[m.words + s[page]!] !== before) return again;
      s[this.#word] = s[m.words + s[page]!] = m.word.after('await', cycle(s));
      return undefined;
    });
    p.mark(sleep);
    p.step('await: futex', (s) => {
      const expected = s[this.#word];
      s[this.#word] = 0;
      if (s[m.words + s[page]!] !== expected && !m.makes('a waiter sleeps without looking again')) return again;
      s[asleep] = s[page]! + 1;
      return undefined;
    });
    p.step('await: asleep', (s) => (s[asleep] === 0 ? again : BLOCKED));
    p.mark(out);
  }

  /** PageService::EnsureBuilt. */
  ensureBuilt(page: number): void {
    const { machine: m, program: p } = this;
    const lost = p.label();
    const done = p.label();
    this.tryBuild(page, lost);
    p.goto(done);
    p.mark(lost);
    this.await(page, (s) => s[m.cycle]!);
    p.mark(done);
  }

  /** PageService::BuildRange. The `wanted` page is shown even if it was noted in the meantime. */
  buildRange(first: (state: State) => number, end: (state: State) => number, wanted: (state: State) => number = () => NO_PAGE): void {
    const { machine: m, program: p } = this;
    const mapped = m.word.stateIn(m.word.after('note mapped', 1), 1);
    const stop = (s: State): number => Math.min(end(s), m.configuration.pages);
    p.forEach(this.#page, first, stop, (next) => {
      p.local((s) => (m.needsBuilding(s, s[this.#page]!) ? undefined : next));
      this.tryBuild(this.#page, next);
    });
    // The real code gathers runs; page by page is one such execution, since the kernel too shows a run page by page.
    p.forEach(this.#page, first, stop, (next) => {
      p.step('built?', (s) => {
        const least = m.makes('a page is shown when it is claimed') ? m.word.from('publish') : m.word.from('note mapped');
        const state = m.stateOf(s, s[this.#page]!);
        const isToShow = state === mapped ? s[this.#page] === wanted(s) : state >= least;
        return isToShow ? undefined : next;
      });
      this.show(
        (s) => s[this.#page]!,
        (s) => s[this.#page]! + 1,
      );
      p.step('note mapped', (s) => this.note('note mapped', s, s[this.#page]!));
    });
  }

  note(operation: 'note mapped' | 'hand out', state: State, page: number): void {
    const { machine: m } = this;
    if (!m.word.mayFollow(operation, m.stateOf(state, page)) && m.configuration.mistake === undefined) {
      throw new Violation('O', `${operation} of page ${page} in state ${m.stateOf(state, page)}`);
    }
    state[m.words + page] = m.word.after(operation, state[m.cycle]!);
  }

  /** FaultMode::Show. */
  show(first: (state: State) => number, end: (state: State) => number): void {
    if (this.machine.configuration.mode === 'sigsegv') this.#showUnits(first, end);
    else this.#continuePages(first, end);
  }

  #continuePages(first: (state: State) => number, end: (state: State) => number): void {
    const { machine: m, program: p } = this;
    const over = p.label();
    const wakes = m.configuration.mode === 'thread';
    p.forEach(this.#shownPage, first, end, (next) => {
      const exists = p.label();
      p.step('CONTINUE: entry', (s) => {
        const page = s[this.#shownPage]!;
        if (s[m.armedView] === 0) {
          s[this.#shownPage] = 0;
          return over; // ENOENT
        }
        if (m.isLeft(s, page)) throw new Violation('Y', `page ${page} is shown, which the flip has left in the view`);
        if (s[m.shown + page] !== 0) return exists; // EEXIST
        s[m.shown + page] = 1;
        return wakes ? undefined : next;
      });
      if (wakes) {
        // The same system call, but other threads may run between its halves.
        p.step('CONTINUE: wake', (s) => {
          m.wake(s, s[this.#shownPage]!);
          return next;
        });
      }
      p.mark(exists);
      if (wakes && !m.makes('EEXIST counts as a wake-up')) p.step('WAKE', (s) => m.wake(s, s[this.#shownPage]!));
    });
    p.mark(over);
  }

  /** SigsegvFaultMode::Show: a unit becomes accessible when every page of it is complete. */
  #showUnits(first: (state: State) => number, end: (state: State) => number): void {
    const { machine: m, program: p } = this;
    const unit = m.unitPages;
    const firstUnit = (s: State): number => Math.floor(first(s) / unit);
    const endUnit = (s: State): number => Math.ceil(Math.min(end(s), m.configuration.pages) / unit);
    p.forEach(this.#unit, firstUnit, endUnit, (next) => {
      p.local((s) => void (s[this.#complete] = 1));
      const unitEnd = (s: State): number => Math.min((s[this.#unit]! + 1) * unit, m.configuration.pages);
      p.forEach(
        this.#shownPage,
        (s) => s[this.#unit]! * unit,
        unitEnd,
        (nextPage) => {
          p.local((s) => (m.needsBuilding(s, s[this.#shownPage]!) ? undefined : nextPage));
          p.step('complete?', (s) => {
            if (m.stateOf(s, s[this.#shownPage]!) < m.word.from('note mapped')) s[this.#complete] = 0;
          });
        },
      );
      p.local((s) => {
        const complete = s[this.#complete] !== 0 || m.makes('a unit is shown when one of its pages is built');
        s[this.#complete] = 0;
        return complete ? undefined : next;
      });
      p.step('mprotect', (s) => {
        for (let page = s[this.#unit]! * unit; page < unitEnd(s); page++) s[m.shown + page] = 1;
      });
    });
  }
}
