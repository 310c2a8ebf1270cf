/**
 * Thread states: threads that are mutators of several heaps, as in native/heap/thread_state.h and native/heap/handshake.h. Each heap
 * has a control thread, which stops its mutators a few times. There are no futexes: a sleeping thread is blocked until there is a reason
 * to wake.
 */
import { type System, Violation } from './exploration.ts';
import { BLOCKED, type Label, Layout, Program, type State } from './program.ts';

/** What a thread does, one operation after the other; then it ends. */
type ThreadOperation =
  /** A safepoint, by the mutator of that heap. */
  | { readonly poll: number }
  /** Waits until the heap has had that many collections. */
  | { readonly memory: number; readonly collections: number };

export type ThreadMistake =
  | 'a wait parks the mutator of its own heap only'
  | 'coming back keeps what it has while it waits for the rest'
  | 'coming back does not look for a request'
  | 'a poll looks at its own heap only';

export interface ThreadConfiguration {
  readonly heaps: number;
  readonly collections: number;
  readonly threads: readonly (readonly ThreadOperation[])[];
  readonly mistake?: ThreadMistake;
}

export function makeThreadSystem(configuration: ThreadConfiguration): System {
  const { heaps, threads, collections, mistake } = configuration;
  const layout = new Layout();
  const words = threads.length * heaps;
  const running = layout.cells('running', words, 1);
  const requested = layout.cells('stop requested', words);
  const stopped = layout.cells('stopped', heaps);
  const ended = layout.cells('collections', heaps);
  const waits = layout.cells('waits', threads.length);
  const makes = (name: ThreadMistake): boolean => mistake === name;
  const all = Array.from({ length: heaps }, (_, heap) => heap);

  const control = (heap: number): Program => {
    const p = new Program(layout, `control ${heap}`);
    for (let i = 0; i < collections; i++) {
      for (const thread of threads.keys()) p.step('request', (s) => void (s[requested + thread * heaps + heap] = 1));
      p.step('all stopped?', (s) => {
        for (const thread of threads.keys()) if (s[running + thread * heaps + heap] !== 0) return BLOCKED;
        s[stopped + heap] = 1;
        return undefined;
      });
      p.step('resume', (s) => {
        s[stopped + heap] = 0;
        s[ended + heap]!++;
        for (const thread of threads.keys()) s[requested + thread * heaps + heap] = 0;
      });
    }
    p.finish();
    return p;
  };

  const mutator = (thread: number, operations: readonly ThreadOperation[]): Program => {
    const p = new Program(layout, `thread ${thread}`);
    const own = layout.cells(`thread ${thread}.to return`, heaps);
    const word = (cells: number, heap: number): number => cells + thread * heaps + heap;

    const comeBack = (concerned: readonly number[]): void => {
      const again = p.label();
      const refused = p.label();
      const done = p.label();
      p.mark(again);
      p.step('asleep', (s) => {
        if (makes('coming back does not look for a request')) return undefined;
        for (const heap of concerned) if (s[own + heap] !== 0 && s[word(requested, heap)] !== 0) return BLOCKED;
        return undefined;
      });
      // From here on it does not sleep.
      p.local((s) => void (s[waits + thread] = 0));
      for (const heap of concerned) {
        p.step('take', (s) => {
          if (s[own + heap] === 0) return undefined;
          if (s[word(requested, heap)] !== 0 && !makes('coming back does not look for a request')) return refused;
          s[word(running, heap)] = 1;
          return undefined;
        });
      }
      p.goto(done);
      p.mark(refused);
      if (!makes('coming back keeps what it has while it waits for the rest')) {
        for (const heap of concerned) p.step('give back', (s) => void (s[own + heap] !== 0 && (s[word(running, heap)] = 0)));
      }
      p.local((s) => {
        s[waits + thread] = 1;
        return again;
      });
      p.mark(done);
      p.local((s) => void s.fill(0, own, own + heaps));
    };
    const wait = (heap: number, reason: (state: State) => boolean): void => {
      const concerned = makes('a wait parks the mutator of its own heap only') ? [heap] : all;
      for (const each of concerned) {
        p.step('park', (s) => {
          s[own + each] = s[word(running, each)]!;
          s[word(running, each)] = 0;
        });
      }
      p.local((s) => void (s[waits + thread] = 1));
      p.step('waits', (s) => (reason(s) ? undefined : BLOCKED));
      comeBack(concerned);
    };
    const touch = (): void => {
      p.step('touch', (s) => {
        for (const heap of all) {
          if (s[word(running, heap)] !== 0 && s[stopped + heap] !== 0)
            throw new Violation('C', `thread ${thread} runs in the pause of heap ${heap}`);
        }
      });
    };
    const poll = (heap: number): void => {
      const quiet: Label = p.label();
      const looked = makes('a poll looks at its own heap only') || makes('a wait parks the mutator of its own heap only') ? [heap] : all;
      p.step('poll', (s) => (looked.some((each) => s[word(requested, each)] !== 0) ? undefined : quiet));
      wait(heap, () => true);
      p.mark(quiet);
    };
    for (const operation of operations) {
      touch();
      if ('poll' in operation) {
        // Polls again and again, as a program does, until no control thread needs it to.
        const top = p.label();
        p.mark(top);
        poll(operation.poll);
        touch();
        p.step('more to do?', (s) => (all.every((heap) => s[ended + heap] === collections) ? undefined : top));
      } else {
        wait(operation.memory, (s) => s[ended + operation.memory]! >= operation.collections);
      }
    }
    touch();
    for (const heap of all) p.step('detach', (s) => void (s[word(running, heap)] = 0));
    p.finish();
    return p;
  };

  const programs = [...all.map(control), ...threads.map((operations, thread) => mutator(thread, operations))];
  return {
    layout,
    programs,
    check(state) {
      for (const thread of threads.keys()) {
        if (state[waits + thread] === 0) continue;
        for (const heap of all) {
          if (state[running + thread * heaps + heap] !== 0) throw new Violation('H', `thread ${thread} waits, and runs in heap ${heap}`);
        }
      }
      for (const heap of all) {
        for (const thread of threads.keys()) {
          if (state[stopped + heap] !== 0 && state[running + thread * heaps + heap] !== 0) {
            throw new Violation('C', `thread ${thread} runs in the pause of heap ${heap}`);
          }
        }
      }
    },
    isEnd: (state) => programs.every((program) => program.hasEnded(state)),
  };
}
