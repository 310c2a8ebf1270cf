/**
 * Interruptions: the three ways in which JavaScript is cut short on a thread that lives on, each at every place where it can happen.
 *
 *     a full stack     the operation is called at one depth after another, down to where it cannot even be entered
 *     a time limit     a script of `vm` that does nothing else is ended again and again: no `finally` runs
 *     a native call    the n-th one of the operation throws, before or after it has done its work, for each n
 */
import vm from 'node:vm';
import { makeRandom } from './random.mjs';

/**
 * What an operation may have come to. What threw because a native call did so after its work, as none does by itself, may have had its
 * effect; so may what was cut for good.
 */
export type Outcome = 'ended' | 'threw' | 'threw late' | 'cut';

export interface Interruption {
  readonly name: string;
  /** Runs `step` many times; after each, or after each that was interrupted, `look`. How many were interrupted. */
  run(step: () => void, look: (outcome: Outcome) => void, seed: number): number;
}

const ROOM = 60;
/** Words of the stack that are taken besides, so that the end is met at other words than those where a frame begins. */
const FILLERS = [0, 5].map((words) => Array.from<undefined>({ length: words }));

let reached = 0;
function descend(left: number, body: () => void): number {
  reached++;
  if (left === 0) {
    body();
    return 0;
  }
  return descend(left - 1, body) + 1;
}

function deepest(): number {
  reached = 0;
  try {
    descend(Infinity, () => {});
  } catch {
    // Here.
  }
  return reached;
}

const fullStack: Interruption = {
  name: 'a full stack',
  run(step, look) {
    let interrupted = 0;
    for (let i = ROOM * FILLERS.length; i >= -2; i--) {
      const depth = deepest() - Math.floor(i / FILLERS.length);
      const filler = FILLERS[Math.abs(i % FILLERS.length)]!;
      let outcome: Outcome = 'ended';
      try {
        descend(depth, () => Reflect.apply(step, undefined, filler));
      } catch (error) {
        if (!(error instanceof RangeError) || !/call stack/.test(error.message)) throw error;
        outcome = 'threw';
        interrupted++;
      }
      look(outcome);
    }
    return interrupted;
  },
};

const timeLimit: Interruption = {
  name: 'a time limit',
  run(step, look, seed) {
    const random = makeRandom(seed);
    const context = vm.createContext({ step });
    const script = new vm.Script('for (;;) step()');
    let interrupted = 0;
    for (let round = 0; round < 60; round++) {
      try {
        script.runInContext(context, { timeout: 1 + random.below(2) });
      } catch (error) {
        if ((error as { code?: string }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
        interrupted++;
      }
      look('cut');
    }
    return interrupted;
  },
};

class Injected extends Error {}

/** `native` is the addon: all of its functions are replaced while a step runs. */
function nativeCall(native: Record<string, (...words: unknown[]) => unknown>, after: boolean): Interruption {
  return {
    name: `a native call that throws ${after ? 'after' : 'before'} its work`,
    run(step, look) {
      let interrupted = 0;
      for (let n = 1; n <= 200; n++) {
        let left = n;
        const originals = Object.entries(native).filter(([, value]) => typeof value === 'function');
        for (const [name, original] of originals) {
          native[name] = (...words) => {
            if (--left !== 0) return original(...words);
            if (after) original(...words);
            throw new Injected(name);
          };
        }
        let outcome: Outcome = 'ended';
        try {
          step();
        } catch (error) {
          if (!(error instanceof Injected)) throw error;
          outcome = after ? 'threw late' : 'threw';
          interrupted++;
        } finally {
          for (const [name, original] of originals) native[name] = original;
        }
        look(outcome);
        if (left > 0) return interrupted;
      }
      return interrupted;
    },
  };
}

export const interruptions = (native: Record<string, (...words: unknown[]) => unknown>): readonly Interruption[] => [
  fullStack,
  timeLimit,
  nativeCall(native, false),
  nativeCall(native, true),
];
