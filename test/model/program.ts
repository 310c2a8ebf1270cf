/**
 * Program: what one thread of a model does, as a list of atomic steps.
 *
 * A *step* is one shared-memory operation or one system call of the real code; between two of them other threads may do anything.
 * A step that touches only the thread's own variables is *local*: it belongs to the step before it. All variables, shared and
 * local, are bytes of one array, so that a state of the whole system is a short byte array.
 *
 * There are no calls: a routine is a function that writes its steps where it is used.
 */

/** A state of the whole system. */
export type State = Uint8Array;

/** The step cannot run now. */
export const BLOCKED = Symbol('blocked');

/** A place in a program. */
export interface Label {
  pc: number;
}

/** Where to go: to the next step, to a label, or nowhere yet. `choice` is below the step's number of choices. */
// biome-ignore lint/suspicious/noConfusingVoidType: most steps end without saying where to go.
export type Run = (state: State, choice: number) => void | Label | typeof BLOCKED;

export interface Step {
  readonly name: string;
  readonly run: Run;
  readonly local: boolean;
  /** The number of the step's outcomes; each is explored. */
  readonly choices: (state: State) => number;
}

/** Names and places of all variables. */
export class Layout {
  readonly names: string[] = [];
  readonly #initial: number[] = [];

  /** `count` bytes in a row; the index of the first. */
  cells(name: string, count: number, initial = 0): number {
    const first = this.names.length;
    for (let i = 0; i < count; i++) {
      this.names.push(count === 1 ? name : `${name}[${i}]`);
      this.#initial.push(initial);
    }
    return first;
  }

  cell(name: string, initial = 0): number {
    return this.cells(name, 1, initial);
  }

  initialState(): State {
    return Uint8Array.from(this.#initial);
  }

  /** All variables that are not zero, as text. */
  describe(state: State): string {
    return this.names.flatMap((name, cell) => (state[cell] === 0 ? [] : [`${name}=${state[cell]}`])).join(' ');
  }
}

const ONE = (): number => 1;

export class Program {
  readonly steps: Step[] = [];
  readonly name: string;
  readonly pcCell: number;
  readonly #layout: Layout;

  constructor(layout: Layout, name: string) {
    this.#layout = layout;
    this.name = name;
    this.pcCell = layout.cell(`${name} at`);
  }

  /** A variable of this thread. */
  variable(name: string): number {
    return this.#layout.cell(`${this.name}.${name}`);
  }

  label(): Label {
    return { pc: -1 };
  }

  mark(label: Label): void {
    label.pc = this.steps.length;
  }

  step(name: string, run: Run, choices: (state: State) => number = ONE): void {
    this.steps.push({ name, run, choices, local: false });
  }

  local(run: Run): void {
    this.steps.push({ name: '', run, choices: ONE, local: true });
  }

  goto(label: Label): void {
    this.local(() => label);
  }

  /** `variable` runs from `first` to the value of `end`, not included. Both are evaluated each time. */
  forEach(variable: number, first: (state: State) => number, end: (state: State) => number, body: (next: Label) => void): void {
    const top = this.label();
    const next = this.label();
    const out = this.label();
    this.local((state) => void (state[variable] = first(state)));
    this.mark(top);
    this.local((state) => (state[variable]! < end(state) ? undefined : out));
    body(next);
    this.mark(next);
    this.local((state) => {
      state[variable]!++;
      return top;
    });
    this.mark(out);
    // A dead variable must not turn one state into two.
    this.local((state) => void (state[variable] = 0));
  }

  /** A thread that is here has ended. */
  readonly end: Label = { pc: -1 };

  finish(): void {
    this.mark(this.end);
    this.step('ended', () => BLOCKED);
    if (this.steps.length > 255) throw new Error(`${this.name} has ${this.steps.length} steps; a place is one byte`);
  }

  hasEnded(state: State): boolean {
    return state[this.pcCell] === this.end.pc;
  }
}
