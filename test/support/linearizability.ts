/**
 * Linearizability: whether there is an order of concurrent calls that respects real time (a call that returned before another began comes
 * first) and in which a sequential model gives each call the answer it got. A search over all such orders, for short histories (Wing &
 * Gong, "Testing and verifying concurrent objects", 1993), which remembers what it has tried (Lowe, "Testing for linearizability", 2017).
 */

/** One call; `begin` and `end` are ticks of one clock for all threads. */
export interface Call {
  readonly begin: number;
  readonly end: number;
  readonly name: string;
  readonly parameters: readonly unknown[];
  readonly answer: unknown;
}

/** What the calls would do one after the other: the answer, and the state that it leaves in `state`. */
export type Model<S> = { readonly initial: () => S; readonly apply: (state: S, call: Call) => unknown };

export function isLinearizable<S>(calls: readonly Call[], { initial, apply }: Model<S>): boolean {
  const tried = new Set<string>();
  const from = (state: S, done: number): boolean => {
    if (done === 2 ** calls.length - 1) return true;
    const key = `${done} ${JSON.stringify(state)}`;
    if (tried.has(key)) return false;
    tried.add(key);
    const left = calls.filter((_, i) => (done & (1 << i)) === 0);
    const firstEnd = Math.min(...left.map(({ end }) => end));
    return calls.some((call, i) => {
      if ((done & (1 << i)) !== 0 || call.begin > firstEnd) return false;
      const next = structuredClone(state);
      const answer = apply(next, call);
      return JSON.stringify(answer ?? null) === JSON.stringify(call.answer ?? null) && from(next, done | (1 << i));
    });
  };
  return from(initial(), 0);
}
