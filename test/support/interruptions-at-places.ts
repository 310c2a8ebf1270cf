/**
 * Interruptions at places: at each place of the {@link interruptibleLibrary} that a step reaches, runs of the step are ended, by an
 * exception like that of a full stack, or by a time limit, after which no `finally` runs. A place counts once for each place from which it
 * is reached.
 */
import vm from 'node:vm';
import { type AtPlace, setAtPlace } from './interruptible-library.ts';
import type { Interruption } from './interruptions.ts';

/** So many steps in a row without a new place are enough: subjects do different things in turn. */
const STEPS_WITHOUT = 40;

/** Answers whether to interrupt here: a few times for each place. */
function choice(times: number): (place: string) => boolean {
  const taken = new Map<string, number>();
  let last = '';
  return (place) => {
    const way = `${last} ${place}`;
    last = place;
    const count = taken.get(way) ?? 0;
    if (count >= times) return false;
    taken.set(way, count + 1);
    return true;
  };
}

/** Runs `step` with the hook, and nothing else. */
function hooked(atPlace: AtPlace, step: () => void): void {
  setAtPlace(atPlace);
  try {
    step();
  } finally {
    setAtPlace(undefined);
  }
}

const exceptionAtPlaces: Interruption = {
  name: 'an exception at each place',
  run(step, look) {
    const isNext = choice(2);
    let interrupted = 0;
    for (let without = 0; without < STEPS_WITHOUT; without++) {
      let thrown: RangeError | undefined;
      const atPlace: AtPlace = (place, afterNative) => {
        // A native call that comes back has not met the end of the stack.
        if (thrown !== undefined || afterNative || !isNext(place)) return;
        thrown = new RangeError(`Maximum call stack size exceeded, at ${place}`);
        throw thrown;
      };
      let threw = false;
      try {
        hooked(atPlace, step);
      } catch (error) {
        if (error !== thrown) throw error;
        threw = true;
      }
      if (thrown !== undefined) {
        interrupted++;
        without = 0;
      }
      lookAt(thrown?.message, () => look(threw ? 'threw' : 'ended'));
    }
    return interrupted;
  },
};

const LEAST_LIMIT_MS = 1;

const timeLimitAtPlaces: Interruption = {
  name: 'a time limit at each place',
  run(step, look) {
    const isNext = choice(1);
    const context = vm.createContext({ step });
    const script = new vm.Script(`for (let i = 0; i < ${STEPS_WITHOUT}; i++) step()`);
    let interrupted = 0;
    // Until it comes to its end, which where other programs run too takes a longer time.
    for (let ended = false, limitMs = LEAST_LIMIT_MS; !ended; ) {
      let at: string | undefined;
      const atPlace: AtPlace = (place, afterNative) => {
        if (!isNext(afterNative ? `${place} comes back` : place)) return;
        at = place;
        for (;;);
      };
      try {
        hooked(atPlace, () => script.runInContext(context, { timeout: limitMs }));
        ended = true;
      } catch (error) {
        if ((error as { code?: string }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
        interrupted++;
      }
      limitMs = at === undefined ? 2 * limitMs : LEAST_LIMIT_MS;
      lookAt(at, () => look('cut'));
    }
    return interrupted;
  },
};

/** Says of what goes wrong where the interruption was. */
function lookAt(place: string | undefined, look: () => void): void {
  try {
    look();
  } catch (error) {
    throw new Error(`after an interruption at ${place ?? 'no place'}: ${(error as Error).message}`, { cause: error });
  }
}

export const AT_PLACES: readonly Interruption[] = [exceptionAtPlaces, timeLimitAtPlaces];
