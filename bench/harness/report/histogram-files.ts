/** Latencies of each row as `.hgrm` files, for the plotters that read them. */
import type { InvocationRecord } from '../records.ts';
import { hgrmText } from '../statistics/histogram.ts';
import { keyOf, labelOf } from '../point.ts';
import { sumOf } from './rows.ts';

const KINDS = ['simple', 'metered', 'meteredFull'] as const;

/** File names and contents; values in ms. */
export function* histogramFiles(records: readonly InvocationRecord[]): Generator<readonly [name: string, text: string]> {
  const byKey = new Map<string, InvocationRecord[]>();
  for (const record of records) {
    if (record.result.ok && record.result.latencies !== undefined)
      byKey.set(keyOf(record.point), [...(byKey.get(keyOf(record.point)) ?? []), record]);
  }
  for (const all of byKey.values()) {
    const stem = labelOf(all[0]!.point)
      .replaceAll('×', 'x')
      .replaceAll(/[^\w.]+/g, '-');
    const latencies = all.flatMap(({ result }) => (result.ok && result.latencies !== undefined ? [result.latencies] : []));
    for (const kind of KINDS) yield [`${stem}-${kind}.hgrm`, hgrmText(sumOf(latencies.map((each) => each[kind])))];
  }
}
