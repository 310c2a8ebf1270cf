/**
 * Exploration: visits every state that a system of programs can reach, breadth first, so that the first mistake found has the
 * shortest trace.
 *
 * It finds two kinds of mistakes. A step, or the check of a state, may find a law broken. And from every state there must be a path to an
 * end where every thread has done its work: a state without one is a deadlock, a lost wake-up or a livelock. The models leave out the
 * time limits of real waits on purpose: a wait that only a time limit ends counts as a lost wake-up.
 */
import { BLOCKED, type Layout, type Program, type State } from './program.ts';

/** A broken law. Thrown by steps. */
export class Violation extends Error {
  readonly law: string;

  constructor(law: string, what: string) {
    super(`(${law}) ${what}`);
    this.law = law;
  }
}

export interface System {
  readonly layout: Layout;
  readonly programs: readonly Program[];
  /** Checks each state; throws a Violation. */
  readonly check: (state: State) => void;
  /** Every thread has done its work. */
  readonly isEnd: (state: State) => boolean;
}

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  readonly ends: number;
  /** Length of the longest of all shortest paths, in steps. */
  readonly depth: number;
  readonly failure?: { readonly law: string; readonly what: string; readonly trace: readonly string[] };
}

/** No path leads from here to an end. */
const PROGRESS = 'progress';

export function explore(system: System, stateLimit = 3_000_000): Exploration {
  const states = new StateSet(system.layout.names.length);
  const edges = new Edges();
  const ends: number[] = [];
  const origin: { from: number[]; by: number[] } = { from: [-1], by: [-1] };
  const scratch = system.layout.initialState();
  runLocals(system, scratch);
  states.add(scratch);
  let depth = 0;
  let levelEnd = 1;

  const report = (failure?: Exploration['failure']): Exploration => ({
    states: states.count,
    transitions: edges.count,
    ends: ends.length,
    depth,
    ...(failure === undefined ? {} : { failure }),
  });
  const traceTo = (index: number, last?: string): string[] => {
    const lines: string[] = last === undefined ? [] : [last];
    for (let at = index; origin.from[at]! >= 0; at = origin.from[at]!)
      lines.unshift(stepName(system, states.get(origin.from[at]!), origin.by[at]!));
    return [...lines.map((line, i) => `${String(i + 1).padStart(3)}  ${line}`), `     ${system.layout.describe(states.get(index))}`];
  };

  for (let index = 0; index < states.count; index++) {
    if (index === levelEnd) {
      depth++;
      levelEnd = states.count;
    }
    const state = states.get(index);
    try {
      system.check(state);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return report({ law: error.law, what: error.message, trace: traceTo(index) });
    }
    if (system.isEnd(state)) ends.push(index);
    for (const [number, program] of system.programs.entries()) {
      const step = program.steps[state[program.pcCell]!]!;
      const choices = step.choices(state);
      for (let choice = 0; choice < choices; choice++) {
        scratch.set(states.get(index));
        try {
          if (!take(program, scratch, choice)) continue;
        } catch (error) {
          if (!(error instanceof Violation)) throw error;
          return report({ law: error.law, what: error.message, trace: traceTo(index, `${program.name}: ${step.name}`) });
        }
        const before = states.count;
        const target = states.add(scratch);
        if (target === before) {
          origin.from.push(index);
          origin.by.push(number);
        }
        edges.add(index, target);
      }
    }
    if (states.count > stateLimit) throw new Error(`more than ${stateLimit} states`);
  }
  const lost = edges.firstThatReachesNone(states.count, ends);
  if (lost >= 0) return report({ law: PROGRESS, what: `(${PROGRESS}) from here no way leads to an end`, trace: traceTo(lost) });
  return report();
}

function stepName(system: System, state: State, number: number): string {
  const program = system.programs[number]!;
  return `${program.name}: ${program.steps[state[program.pcCell]!]!.name}`;
}

/** One step and the local ones after it; false if it is blocked. */
function take(program: Program, state: State, choice: number): boolean {
  const { steps, pcCell } = program;
  const outcome = steps[state[pcCell]!]!.run(state, choice);
  if (outcome === BLOCKED) return false;
  state[pcCell] = outcome === undefined ? state[pcCell]! + 1 : outcome.pc;
  runLocalsOf(program, state);
  return true;
}

function runLocalsOf({ steps, pcCell }: Program, state: State): void {
  for (let step = steps[state[pcCell]!]!; step.local; step = steps[state[pcCell]!]!) {
    const outcome = step.run(state, 0);
    state[pcCell] = outcome === undefined ? state[pcCell]! + 1 : (outcome as { pc: number }).pc;
  }
}

function runLocals(system: System, state: State): void {
  for (const program of system.programs) runLocalsOf(program, state);
}

/** Numbered distinct states. Open addressing over one large byte array. */
class StateSet {
  count = 0;
  readonly #width: number;
  #bytes: Uint8Array;
  #table = new Int32Array(1 << 16).fill(-1);

  constructor(width: number) {
    this.#width = width;
    this.#bytes = new Uint8Array(width << 12);
  }

  get(index: number): State {
    return this.#bytes.subarray(index * this.#width, (index + 1) * this.#width);
  }

  /** The state's number; for a new state the value that `count` had before. */
  add(state: State): number {
    if (this.count * 2 > this.#table.length) this.#rehash();
    const mask = this.#table.length - 1;
    for (let at = hash(state, 0, this.#width) & mask; ; at = (at + 1) & mask) {
      const index = this.#table[at]!;
      if (index < 0) {
        this.#table[at] = this.count;
        return this.#append(state);
      }
      if (this.#equals(index, state)) return index;
    }
  }

  #append(state: State): number {
    const at = this.count * this.#width;
    if (at + this.#width > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(state, at);
    return this.count++;
  }

  #equals(index: number, state: State): boolean {
    const start = index * this.#width;
    for (let i = 0; i < this.#width; i++) if (this.#bytes[start + i] !== state[i]) return false;
    return true;
  }

  #rehash(): void {
    this.#table = new Int32Array(this.#table.length * 4).fill(-1);
    const mask = this.#table.length - 1;
    for (let index = 0; index < this.count; index++) {
      let at = hash(this.#bytes, index * this.#width, this.#width) & mask;
      while (this.#table[at]! >= 0) at = (at + 1) & mask;
      this.#table[at] = index;
    }
  }
}

/** FNV-1a, with the last bits mixed once more. */
function hash(bytes: Uint8Array, start: number, width: number): number {
  let value = 0x811c9dc5;
  for (let i = start; i < start + width; i++) value = Math.imul(value ^ bytes[i]!, 0x01000193);
  value ^= value >>> 15;
  return Math.imul(value, 0x2c1b3c6d) >>> 7;
}

/** The steps between states, for walking backwards. */
class Edges {
  count = 0;
  #from = new Int32Array(1 << 14);
  #to = new Int32Array(1 << 14);

  add(from: number, to: number): void {
    if (this.count === this.#from.length) {
      this.#from = doubled(this.#from);
      this.#to = doubled(this.#to);
    }
    this.#from[this.count] = from;
    this.#to[this.count++] = to;
  }

  /** The first state from which no state of `ends` can be reached, or -1. */
  firstThatReachesNone(states: number, ends: readonly number[]): number {
    const first = new Int32Array(states + 1);
    for (let i = 0; i < this.count; i++) first[this.#to[i]! + 1]!++;
    for (let i = 0; i < states; i++) first[i + 1]! += first[i]!;
    const fill = first.slice(0, states);
    const sources = new Int32Array(this.count);
    for (let i = 0; i < this.count; i++) sources[fill[this.#to[i]!]!++] = this.#from[i]!;
    const reaches = new Uint8Array(states);
    const pending = [...ends];
    for (const end of ends) reaches[end] = 1;
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      for (let i = first[at]!; i < first[at + 1]!; i++) {
        const source = sources[i]!;
        if (reaches[source] === 1) continue;
        reaches[source] = 1;
        pending.push(source);
      }
    }
    return reaches.indexOf(0);
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
