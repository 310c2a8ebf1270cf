/**
 * When the barrier-free marker runs another precleaning round, and when its last pause becomes another round. `precleaning-cases.txt` has
 * the answers for many series; native/test/precleaning_rules_test.cc checks the native twin against the same file.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { anotherRound, mostPagesInPause } from '../../src/gc/policy/precleaning.ts';

describe('another round of precleaning', () => {
  it.each<[string, number[], boolean]>([
    ['is worth it at first', [], true],
    ['is worth it while rounds find less and less', [5000, 1200, 400], true],
    ['is not worth it for a few pages', [5000, 64], false],
    ['is not worth it when the program writes as fast as rounds look', [5000, 4900], false],
    ['is worth it after one that found many more than those before', [5000, 400, 30_000], true],
    ['is not worth it once that is made up for', [5000, 400, 30_000, 420], false],
    [
      'is not worth it when the program writes faster and faster',
      [400, 500, 650, 800, 900, 1000, 1200, 1500, 1600, 1700, 1800, 1900],
      false,
    ],
    ['is not worth it for ever', Array.from({ length: 12 }, (_, round) => 100_000 / 2 ** round + 100), false],
  ])('%s', (_what, writtenPages, expected) => expect(anotherRound(writtenPages)).toBe(expected));
});

describe('the last pause', () => {
  const UNBOUNDED = 0xffff_ffff;
  const limitsAfter = (pagesOfEach: number) =>
    Array.from({ length: 30 }, (_, count) => mostPagesInPause(Array.from({ length: count }, () => pagesOfEach)));

  it('becomes another round when it finds many pages, but not for ever', () => {
    const limits = limitsAfter(500);
    expect(limits[0]).toBeLessThan(1000);
    expect(limits.indexOf(UNBOUNDED)).toBeGreaterThan(0);
    expect(limits.at(-1)).toBe(UNBOUNDED);
    expect(limits).toEqual(limits.toSorted((a, b) => a - b));
  });

  it('gives up sooner when the program writes as fast as that looks', () => {
    expect(limitsAfter(50_000).indexOf(UNBOUNDED)).toBeGreaterThan(0);
    expect(limitsAfter(50_000).indexOf(UNBOUNDED)).toBeLessThan(limitsAfter(500).indexOf(UNBOUNDED));
    expect(limitsAfter(500).indexOf(UNBOUNDED)).toBeLessThan(limitsAfter(200).indexOf(UNBOUNDED));
  });
});

describe('the cases that native programs are held against', () => {
  const lines = readFileSync(new URL('precleaning-cases.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

  it.each(lines)('%s', (line) => {
    const [rule, series, answer] = /^(round|pause)((?: \d+)*) = (\w+)$/.exec(line)!.slice(1) as [string, string, string];
    const pages = series.trim() === '' ? [] : series.trim().split(' ').map(Number);
    expect(rule === 'round' ? (anotherRound(pages) ? 'yes' : 'no') : String(mostPagesInPause(pages))).toBe(answer);
  });

  it('have every answer', () => {
    for (const answer of ['yes', 'no', '128', '256', '4294967295']) {
      expect(lines.filter((line) => line.endsWith(` = ${answer}`)).length).toBeGreaterThan(5);
    }
  });
});
