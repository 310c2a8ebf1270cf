/**
 * Threads: mutators, GC workers, the fault thread of mode `thread`, and the control thread with the whole life of its cycles:
 * flip, compaction, end (native/gc/flip.cc, native/gc/compaction.cc, native/gc/gang.cc).
 */
import { Builder } from './building.ts';
import { Violation } from './exploration.ts';
import { FaultService } from './fault-service.ts';
import { type Configuration, Machine, type Operation } from './machine.ts';
import { BLOCKED, Program } from './program.ts';
import type { System } from './exploration.ts';
import type { PageTransition } from '../../src/binding.ts';

const CONTROL = 0;
const FAULT_THREAD = 1;
const FIRST_WORKER = 2;

export function makeSystem(configuration: Configuration, rows: readonly PageTransition[]): System {
  const machine = new Machine(configuration, rows);
  const add = (name: string, write: (program: Program) => void): void => {
    const program = new Program(machine.layout, name);
    write(program);
    program.finish();
    machine.programs.push(program);
  };
  configuration.mutators.forEach((operations, i) => add(`mutator ${i}`, (p) => writeMutator(machine, p, i, operations)));
  for (let i = 0; i < configuration.workers; i++) add(`worker ${i}`, (p) => writeWorker(machine, p, FIRST_WORKER + i));
  if (configuration.mode === 'thread') add('fault thread', (p) => writeFaultThread(machine, p));
  for (let i = 0; i < (configuration.drops ?? 0); i++) add(`kernel ${i}`, (p) => writeDrop(machine, p));
  add('control', (p) => writeControl(machine, p));
  return {
    layout: machine.layout,
    programs: machine.programs,
    check: (state) => machine.check(state),
    isEnd: (state) => machine.isEnd(state),
  };
}

function writeMutator(m: Machine, p: Program, index: number, operations: readonly Operation[]): void {
  const builder = new Builder(m, p, FIRST_WORKER + m.configuration.workers + index);
  const service = new FaultService(builder);
  const page = p.variable('touches');
  const running = m.running + index;
  const readOrFault = (): void => {
    const again = p.label();
    const through = p.label();
    p.mark(again);
    if (m.configuration.mode === 'thread') {
      const asleep = m.asleepIn + index;
      p.step('touch', (s) => {
        if (m.isVisible(s, s[page]!)) return through;
        s[asleep] = s[page]! + 1;
        s[m.message + index] = 1;
        return undefined;
      });
      p.step('asleep in the fault', (s) => (s[asleep] === 0 ? again : BLOCKED));
    } else {
      p.step('touch', (s) => (m.isVisible(s, s[page]!) ? through : undefined));
      service.serve(page);
      p.goto(again);
    }
    // Machine.check, which runs in every state, verifies that the page was up to date.
    p.mark(through);
    p.local((s) => void (s[page] = 0));
  };
  for (const operation of operations) {
    const next = p.label();
    writePoll(m, p, running);
    if ('touch' in operation) {
      p.local((s) => void (s[page] = operation.touch[s[m.cycle]!]!));
      readOrFault();
      continue;
    }
    const own = 'allocate' in operation ? operation.allocate : operation.announce;
    const ordinary = p.label();
    // Once a cycle; in a cycle that builds the page, it is not free.
    p.local((s) => (m.needsBuilding(s, own) || m.stateOf(s, own) !== 0 ? next : undefined));
    p.step('armed?', (s) => {
      s[page] = own;
      const isArmed =
        s[m.armed] !== 0 && (!m.isLeft(s, own) || m.makes('a page that is left in the view is handed out as one that is armed'));
      return isArmed ? undefined : ordinary;
    });
    if ('allocate' in operation) writePublishFresh(m, p, builder, own);
    else writeAnnounceFresh(m, p, builder, page);
    p.mark(ordinary);
    readOrFault();
    p.mark(next);
  }
  p.step('park for good', (s) => void (s[running] = 0));
}

/** A safepoint. */
function writePoll(m: Machine, p: Program, running: number): void {
  const goOn = p.label();
  if (m.makes('the flip does not wait for the mutators')) return;
  p.step('poll', (s) => {
    if (s[m.stopRequested] === 0) return goOn;
    s[running] = 0;
    return undefined;
  });
  p.step('parked', (s) => {
    if (s[m.stopRequested] !== 0) return BLOCKED;
    s[running] = 1;
    return undefined;
  });
  p.mark(goOn);
}

/** PageService::PublishFresh. */
function writePublishFresh(m: Machine, p: Program, builder: Builder, own: number): void {
  p.step('hand out', (s) => builder.note('hand out', s, own));
  const unit = m.unitPages;
  const first = Math.floor(own / unit) * unit;
  const end = Math.min(first + unit, m.configuration.pages);
  if (unit > 1) {
    const each = p.variable('neighbour');
    const closed = p.label();
    p.step('gate: enter', (s) => {
      if (s[m.gateOpen] === 0) return closed;
      s[m.gateCount]!++;
      return undefined;
    });
    p.forEach(
      each,
      () => first,
      () => end,
      (next) => {
        p.local((s) => (m.needsBuilding(s, s[each]!) ? undefined : next));
        builder.ensureBuilt(each);
      },
    );
    p.step('gate: leave', (s) => void s[m.gateCount]!--);
    p.mark(closed);
  }
  builder.show(
    () => first,
    () => end,
  );
}

/** PageService::AnnounceFresh: the page is not shown; a touch does that. The caller has found that it was not left in the view. */
function writeAnnounceFresh(m: Machine, p: Program, builder: Builder, page: number): void {
  p.step('claim: CAS', (s) => {
    if (m.stateOf(s, s[page]!) !== m.word.from('claim')) throw new Violation('O', `page ${s[page]} was not free`);
    s[m.words + s[page]!] = m.word.after('claim', s[m.cycle]!);
  });
  p.step('publish: exchange', (s) => void (s[m.words + s[page]!] = m.word.after('publish', s[m.cycle]!)));
  p.step('note mapped', (s) => builder.note('note mapped', s, s[page]!));
}

/** CompactionJob::Run. */
function writeJob(m: Machine, p: Program, builder: Builder): void {
  const chunk = p.variable('chunk');
  const pages = m.configuration.chunkPages ?? 1;
  const again = p.label();
  const out = p.label();
  p.mark(again);
  p.step('take a chunk', (s) => {
    if (s[m.cursor]! >= chunksOf(m)) return out;
    s[chunk] = s[m.cursor]!++;
    return undefined;
  });
  builder.buildRange(
    (s) => s[chunk]! * pages,
    (s) => (s[chunk]! + 1) * pages,
  );
  p.local((s) => {
    s[chunk] = 0;
    return again;
  });
  p.mark(out);
}

function chunksOf(m: Machine): number {
  return Math.ceil(m.configuration.pages / (m.configuration.chunkPages ?? 1));
}

/** Gang::Serve. */
function writeWorker(m: Machine, p: Program, number: number): void {
  const builder = new Builder(m, p, number);
  const seen = p.variable('generation');
  const again = p.label();
  const leave = p.label();
  p.mark(again);
  p.step('wait for a job', (s) => {
    if (s[m.generation] !== s[seen]) {
      s[seen] = s[m.generation]!;
      return undefined;
    }
    return s[m.closing] !== 0 ? p.end : BLOCKED;
  });
  p.step('join', (s) => void s[m.helpers]!++);
  p.step('load the job', (s) => (s[m.job] === 0 ? leave : undefined));
  writeJob(m, p, builder);
  p.mark(leave);
  p.step('leave', (s) => {
    s[m.helpers]!--;
    return again;
  });
}

/** ThreadFaultMode::Serve. This thread is not a mutator: no pause waits for it, so whole cycles may pass between its steps. */
function writeFaultThread(m: Machine, p: Program): void {
  const builder = new Builder(m, p, FAULT_THREAD);
  const service = new FaultService(builder);
  const mutators = m.configuration.mutators.length;
  const fault = p.variable('fault');
  const batch = p.variable('served');
  const pages = m.layout.cells('fault thread.batch', mutators);
  const count = p.variable('read');
  const again = p.label();
  const waiting = (s: Uint8Array): number[] => [...Array(mutators).keys()].filter((i) => s[m.message + i] === 1);
  p.mark(again);
  p.step(
    'read',
    (s, choice) => {
      const found = waiting(s);
      if (found.length === 0) return s[m.closing] !== 0 ? p.end : BLOCKED;
      // One message, or several.
      for (const mutator of found.slice(0, choice + 1)) {
        s[pages + s[count]!++] = s[m.asleepIn + mutator]!;
        s[m.message + mutator] = 2;
      }
      return undefined;
    },
    (s) => Math.max(1, waiting(s).length),
  );
  p.forEach(
    batch,
    () => 0,
    (s) => s[count]!,
    () => {
      p.local((s) => {
        s[fault] = s[pages + s[batch]!]! - 1;
        s[pages + s[batch]!] = 0;
      });
      service.serve(fault);
      p.local((s) => {
        for (let i = 0; i < mutators; i++) {
          if (s[m.asleepIn + i] === s[fault]! + 1 && s[m.message + i] === 2) {
            throw new Violation('W', `mutator ${i} sleeps on page ${s[fault]}, whose fault has been served`);
          }
        }
        s[fault] = 0;
      });
    },
  );
  p.local((s) => {
    s[count] = 0;
    return again;
  });
}

/** The kernel drops the entry of some page at some time, or of none. The page's content stays in the file. */
function writeDrop(m: Machine, p: Program): void {
  const { pages } = m.configuration;
  p.step(
    'drop an entry',
    (s, choice) => {
      if (choice === pages) return undefined;
      if (s[m.armedView] === 0 || s[m.shown + choice] === 0) return BLOCKED;
      s[m.shown + choice] = 0;
      return undefined;
    },
    () => pages + 1,
  );
}

function writeControl(m: Machine, p: Program): void {
  const builder = new Builder(m, p, CONTROL);
  const { build, mode, pages, workers, mutators } = m.configuration;
  for (let cycle = 1; cycle <= build.length; cycle++) {
    writeFlip(m, p, mutators.length, cycle);
    p.step('post the job', (s) => {
      s[m.cursor] = 0;
      s[m.job] = 1;
      s[m.generation]!++;
    });
    if (workers === 0) writeJob(m, p, builder);
    else p.step('job exhausted?', (s) => (s[m.cursor]! >= chunksOf(m) ? undefined : BLOCKED));
    p.step('retire the job', (s) => void (s[m.job] = 0));
    if (!m.makes('the cycle ends while workers are in the job')) {
      p.step('helpers gone?', (s) => (s[m.helpers] === 0 ? undefined : BLOCKED));
    }
    const close = (): void => {
      p.step('gate: close', (s) => void (s[m.gateOpen] = 0));
      if (m.makes('the gate is closed without waiting for those inside')) return;
      p.step('gate: empty?', (s) => (s[m.gateCount] === 0 ? undefined : BLOCKED));
    };
    const wakeAll = (): void => {
      if (mode !== 'thread') return;
      p.step('WAKE', (s) => {
        for (let page = 0; page < pages; page++) m.wake(s, page);
      });
    };
    const early = m.makes('the view is disarmed before the gate is closed');
    if (!early) close();
    if (m.makes('waiters are woken before the view is unregistered')) {
      wakeAll();
      p.step('UNREGISTER', (s) => void (s[m.armedView] = 0));
    } else {
      p.step(mode === 'sigsegv' ? 'mprotect everything' : 'UNREGISTER', (s) => void (s[m.armedView] = 0));
      wakeAll();
    }
    if (early) close();
    p.step('armed = false', (s) => {
      for (let i = 0; i < mutators.length; i++) {
        if (s[m.asleepIn + i] !== 0) throw new Violation('W', `mutator ${i} still sleeps in a fault of ordinary memory`);
      }
      s[m.armed] = 0;
    });
  }
  p.step('close', (s) => void (s[m.closing] = 1));
}

/** Collector::FlipPause. */
function writeFlip(m: Machine, p: Program, mutators: number, cycle: number): void {
  p.step('request a stop', (s) => void (s[m.stopRequested] = 1));
  p.step('all stopped?', (s) => {
    const waits = !m.makes('the flip does not wait for the mutators');
    for (let i = 0; i < mutators && waits; i++) if (s[m.running + i] !== 0) return BLOCKED;
    s[m.worldStopped] = 1;
    return undefined;
  });
  p.step('next cycle number, freeze', (s) => {
    s[m.cycle] = cycle;
    for (let page = 0; page < m.configuration.pages; page++) {
      if (m.needsBuilding(s, page)) continue;
      if (s[m.builder + page] !== 0) throw new Violation('C', `page ${page} is still being built in the next cycle`);
      s[m.content + page] = cycle;
    }
  });
  p.step('take the view away', (s) => {
    for (let page = 0; page < m.configuration.pages; page++) s[m.shown + page] = 0;
    if (m.configuration.mode === 'sigsegv') s[m.armedView] = 1;
  });
  if (m.configuration.mode !== 'sigsegv') p.step('REGISTER', (s) => void (s[m.armedView] = 1));
  p.step('gate: open', (s) => void (s[m.gateOpen] = 1));
  p.step('armed = true', (s) => void (s[m.armed] = 1));
  p.step('resume', (s) => {
    s[m.worldStopped] = 0;
    s[m.stopRequested] = 0;
  });
}
