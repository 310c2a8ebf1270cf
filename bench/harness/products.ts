/** Products: every combination of values, the first list varying slowest. */

/** Every choice of one value for each name; a name without a list is left out. */
export function choices<T>(lists: Readonly<Record<string, readonly T[] | undefined>> = {}): Record<string, T>[] {
  return Object.entries(lists).reduce<Record<string, T>[]>(
    (all, [name, values]) => (values === undefined ? all : all.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value })))),
    [{}],
  );
}
