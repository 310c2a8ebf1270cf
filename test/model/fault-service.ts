/**
 * Fault service: PageService::ServeFault of native/gc/compaction/page_service.cc, as run by a mutator in its signal handler and by the
 * fault thread of mode `thread`.
 */
import { type Builder, NO_PAGE } from './building.ts';
import { Violation } from './exploration.ts';
import type { Label, State } from './program.ts';

/** Messages about one page that may be out of date: as many as were read at once, twice (fault_mode_userfaultfd.cc). */
const DOUBTS_A_MUTATOR = 2;

export class FaultService {
  readonly #builder: Builder;
  readonly #state: number;
  readonly #page: number;
  readonly #lateCycle: number;
  readonly #doubts: { readonly page: number; readonly cycle: number; readonly count: number } | undefined;

  constructor(builder: Builder) {
    this.#builder = builder;
    const { program, machine } = builder;
    this.#state = program.variable('state');
    this.#page = program.variable('around');
    this.#lateCycle = program.variable('late cycle');
    this.#doubts =
      machine.configuration.mode === 'thread'
        ? { page: program.variable('doubtful page'), cycle: program.variable('doubtful cycle'), count: program.variable('doubts') }
        : undefined;
  }

  /** `fault` is a variable that holds the page. */
  serve(fault: number): void {
    const { machine: m, program: p } = this.#builder;
    const inside = p.label();
    const over = p.label();
    p.step('gate: enter', (s) => {
      if (s[m.gateOpen] === 0) return undefined;
      s[m.gateCount]!++;
      return inside;
    });
    this.#outside(fault, over);
    p.mark(inside);
    if (m.configuration.left !== undefined) this.#left(fault, over);
    this.#inside(fault);
    p.step('gate: leave', (s) => void s[m.gateCount]!--);
    p.mark(over);
  }

  /** The flip has left the page in the view: only the message of an earlier cycle says otherwise, and then nobody has to be served. */
  #left(fault: number, over: Label): void {
    const { machine: m, program: p } = this.#builder;
    const armed = p.label();
    p.local((s) => {
      if (!m.isLeft(s, s[fault]!)) return armed;
      if (m.configuration.mode !== 'thread')
        throw new Violation('Y', `a touch of page ${s[fault]} is held, which the flip has left in the view`);
      return undefined;
    });
    p.step('gate: leave', (s) => void s[m.gateCount]!--);
    p.step('send back: WAKE', (s) => {
      m.wake(s, s[fault]!);
      return over;
    });
    p.mark(armed);
  }

  /** The gate is closed. */
  #outside(fault: number, over: Label): void {
    const builder = this.#builder;
    const { machine: m, program: p } = builder;
    if (m.configuration.mode === 'thread' && !m.makes('the fault thread serves outside the gate')) {
      p.step('send back: WAKE', (s) => {
        m.wake(s, s[fault]!);
        return over;
      });
      return;
    }
    p.step('armed?', (s) => {
      if (s[m.armed] === 0) return over;
      s[this.#lateCycle] = s[m.cycle]!;
      return undefined;
    });
    const done = p.label();
    if (!m.makes('a late handler shows a page without looking who builds it')) {
      builder.await(fault, (s) => s[this.#lateCycle]!);
      p.step('complete?', (s) => {
        const complete = !m.needsBuilding(s, s[fault]!) || m.stateOf(s, s[fault]!, s[this.#lateCycle]!) >= m.word.from('note mapped');
        return complete ? undefined : done;
      });
    }
    builder.show(
      (s) => s[fault]!,
      (s) => s[fault]! + 1,
    );
    p.mark(done);
    p.local((s) => {
      s[this.#lateCycle] = 0;
      return over;
    });
  }

  #inside(fault: number): void {
    const builder = this.#builder;
    const { machine: m, program: p } = builder;
    const unit = m.unitPages;
    const around = Math.max(m.configuration.aroundPages ?? 1, unit);
    const alignedTo = (pages: number) => (s: State) => Math.floor(s[fault]! / pages) * pages;
    const endOf = (pages: number) => (s: State) => Math.min((Math.floor(s[fault]! / pages) + 1) * pages, m.configuration.pages);
    const mapped = m.word.stateIn(m.word.after('note mapped', 1), 1);
    const legal = p.label();
    const done = p.label();
    p.step('state of the page', (s) => {
      s[this.#state] = m.stateOf(s, s[fault]!);
      return unit > 1 || m.needsBuilding(s, s[fault]!) || s[this.#state] === mapped ? legal : undefined;
    });
    this.#stale(fault, done);
    p.mark(legal);
    p.forEach(this.#page, alignedTo(unit), endOf(unit), (next) => {
      p.local((s) => (m.needsBuilding(s, s[this.#page]!) ? undefined : next));
      builder.ensureBuilt(this.#page);
    });
    const late = m.makes('a page is shown again only if it was noted before its fault was read');
    builder.buildRange(alignedTo(around), endOf(around), (s) => (late && s[this.#state] !== mapped ? NO_PAGE : s[fault]!));
    if (unit > 1) builder.show(alignedTo(unit), endOf(unit));
    p.mark(done);
    p.local((s) => void (s[this.#state] = 0));
  }

  /** A touch of a page that no thread may touch: a bug of the program, unless the message may be late. */
  #stale(fault: number, done: Label): void {
    const { machine: m, program: p } = this.#builder;
    const doubts = this.#doubts;
    if (doubts === undefined) {
      p.step('stale', (s) => {
        throw new Violation('stale', `page ${s[fault]} is reported as a stale reference, and nobody made that mistake`);
      });
      return;
    }
    const limit = m.makes('the fault thread believes a late message') ? 0 : DOUBTS_A_MUTATOR * m.configuration.mutators.length;
    p.step('ask again: WAKE', (s) => {
      if (s[doubts.page] !== s[fault] || s[doubts.cycle] !== s[m.cycle]) s[doubts.count] = 0;
      s[doubts.page] = s[fault]!;
      s[doubts.cycle] = s[m.cycle]!;
      if (++s[doubts.count]! > limit) throw new Violation('stale', `a late message about page ${s[fault]} is believed`);
      m.wake(s, s[fault]!);
      return done;
    });
  }
}
