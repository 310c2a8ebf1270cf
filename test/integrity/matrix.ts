/**
 * The integrity matrix: every public operation, in every state in which a program can call it. Each operation declares its outcome in
 * each state; anything else is a failure: a crash, a hang, an error without one of the documented codes.
 */
import { expect } from 'vitest';
import { HeapError } from '../support/faultline.ts';
import { read } from '../docs/markdown.ts';
import type { Subject } from './subject.ts';

export type Outcome = 'works' | `ERR_${string}`;

export interface Operation {
  /** `other` is the subject itself, or one of a foreign heap. */
  readonly run: (subject: Subject, other: Subject) => unknown;
  /** Of a closed heap. */
  readonly closed: Outcome;
  /** Of an open heap whose mutator is detached. */
  readonly detached: Outcome;
  /** In a checked heap, with the mutator parked. */
  readonly parked: Outcome;
  /** When every view has been released. */
  readonly released: Outcome;
  /** A plain load or store in a heap that is not checked: reads and writes nothing that matters there, whatever the state. */
  readonly unchecked: boolean;
  /** With `other` of another heap; `works` when the operation takes nothing from elsewhere. */
  readonly foreign: Outcome;
}
export type Operations = Readonly<Record<string, Operation>>;
type Run = Operation['run'];

export const CLOSED = 'ERR_HEAP_CLOSED';
const DETACHED = 'ERR_MUTATOR_DETACHED';
const PARKED = 'ERR_MUTATOR_PARKED';
export const RELEASED = 'ERR_VIEW_RELEASED';
export const FOREIGN = 'ERR_FOREIGN_REFERENCE';

/** What is there whatever happens. */
export const always = (run: Run): Operation => ({
  run,
  closed: 'works',
  detached: 'works',
  parked: 'works',
  released: 'works',
  foreign: 'works',
  unchecked: false,
});
/** Of the heap, in any thread. */
export const ofHeap = (run: Run): Operation => ({ ...always(run), closed: CLOSED });
/** Of the mutator, running or parked. */
export const ofMutator = (run: Run): Operation => ({ ...always(run), closed: DETACHED, detached: DETACHED });
/** Of the mutator while it runs. */
export const ofRunning = (run: Run): Operation => ({ ...ofMutator(run), parked: PARKED });
/** The same by a plain load or store, which nothing looks at unless the heap is checked. */
export const raw = (run: Run): Operation => ({ ...ofRunning(run), unchecked: true });
/** Of the heap, for this thread's mutator while it runs. */
export const ofObjects = (run: Run): Operation => ({ ...ofRunning(run), closed: CLOSED });
/** Of a view. */
export const ofView = (run: Run): Operation => ({ ...ofRunning(run), released: RELEASED });
/** Of a view, with another view as argument. */
export const taking = (run: Run): Operation => ({ ...ofView(run), foreign: FOREIGN });

const documented: ReadonlySet<string> = new Set([...read('docs/errors.md').matchAll(/^### `(ERR_\w+)`$/gm)].map(([, code]) => code!));

/** `works`, the documented code of the error, or what else came of it, which is wrong wherever it is compared. */
export async function outcomeOf(run: () => unknown): Promise<string> {
  try {
    await run();
    return 'works';
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === undefined || !documented.has(code)) return `${String(error)} (${(error as Error).stack ?? 'no stack'})`;
    // Codes of arguments are those of JavaScript's own classes, everything else of ours.
    expect(code === 'ERR_OPTION' ? error instanceof TypeError || error instanceof RangeError : error instanceof HeapError, code).toBe(true);
    return code;
  }
}

/** Runs every operation, in order, and expects of each what `wanted` says. */
export async function expectOutcomes(
  operations: Operations,
  subject: Subject,
  wanted: (operation: Operation) => Outcome,
  other = subject,
): Promise<void> {
  const wrong: string[] = [];
  for (const [name, operation] of Object.entries(operations)) {
    const outcome = await outcomeOf(() => operation.run(subject, other));
    if (outcome !== wanted(operation)) wrong.push(`${name}: ${outcome}, not ${wanted(operation)}`);
  }
  expect(wrong).toEqual([]);
}
