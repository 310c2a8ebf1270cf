/**
 * Metrics: the text that Prometheus reads has every figure of the statistics, in its format and its units.
 */
import { describe, expect, it } from 'vitest';
import { type HeapStatistics, prometheusText } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';

function figures(): HeapStatistics {
  const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M' });
  for (let i = 0; i < 100; i++) mutator.allocate(heap.defineShape({ name: 'one', fields: { next: 'ref' } }));
  mutator.collect({ kind: 'full' });
  return heap.statistics();
}

/** All numbers in it, by where they are. */
function numbersIn(value: object, path: string[] = []): [string, number][] {
  return Object.entries(value).flatMap(([name, each]): [string, number][] =>
    typeof each === 'object' && each !== null
      ? numbersIn(each as object, [...path, name])
      : typeof each === 'number'
        ? [[[...path, name].join('.'), each]]
        : [],
  );
}

describe('the text for Prometheus', () => {
  const sample = /^faultline_[a-z0-9_]+(\{([a-z0-9_]+="(\\[\\"n]|[^"\\\n])*",?)+\})? (\d+(\.\d+)?(e-?\d+)?|NaN)$/;

  it('is in its format: each family once, with its kind before its samples', () => {
    const text = prometheusText(figures(), { heap: 'a "b"\n\\', number: 5 });
    expect(text.endsWith('\n')).toBe(true);
    const kinds = new Map<string, string>();
    let family = '';
    for (const line of text.trimEnd().split('\n')) {
      const [, type, kind] = /^# TYPE (\S+) (gauge|counter|summary)$/.exec(line) ?? [];
      if (type !== undefined) {
        expect(kinds.has(type)).toBe(false);
        kinds.set(type, kind!);
        expect(kind === 'counter').toBe(type.endsWith('_total'));
        family = type;
      } else if (line.startsWith('# HELP ')) expect(line).toMatch(/^# HELP \S+ \S.*\.$/);
      else {
        expect(line).toMatch(sample);
        expect([family, `${family}_sum`, `${family}_count`]).toContain(/^\w+/.exec(line)![0]);
        expect(line).toContain('heap="a \\"b\\"\\n\\\\",number="5"');
      }
    }
    expect(kinds.size).toBeGreaterThan(40);
  });

  it('has every figure of the statistics', () => {
    const statistics = figures();
    // Told apart by their values: none occurs twice.
    const counted = numbersIn(statistics).filter(([path]) => !/fault\.|maxUs$|collections\.count/.test(path));
    let next = 1_000;
    const marks = new Map(counted.map(([path]) => [path, (next += 7)]));
    const marked = structuredClone(statistics) as unknown as Record<string, any>;
    for (const [path, mark] of marks) {
      const parts = path.split('.');
      const last = parts.pop()!;
      let at = marked;
      for (const part of parts) at = at[part] as Record<string, any>;
      at[last] = mark;
    }
    const values = new Set(
      prometheusText(marked as unknown as HeapStatistics)
        .split('\n')
        .map((line) => Number(line.split(' ').at(-1))),
    );
    expect([...marks].filter(([path, mark]) => !values.has(path.endsWith('Us') ? mark / 1e6 : mark))).toEqual([]);
    expect(prometheusText(statistics)).toContain('\nfaultline_capacity_bytes 4194304\n');
    expect(prometheusText(statistics)).toContain('\nfaultline_collections_total{reason="explicit"} 1\n');
  });
});
