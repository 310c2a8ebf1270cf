/** How nodes become objects: sizes on both sides of every boundary, against a plain count of bytes. */
import { describe, expect, it } from 'vitest';
import { inlineWords, payloadAt, payloadElements } from '../../src/cli/run/object-layout.ts';
import { Random } from '../../src/cli/run/random.ts';
import { Random as WorkloadRandom } from '../../bench/workloads/random.ts';

const HEADER = 8;
const IDENTITY_AND_PAYLOAD_REFERENCE = 8;
const roundUp = (bytes: number): number => Math.ceil(bytes / 8) * 8;

function bytesOf(selfBytes: number, references: number): number {
  const elements = payloadElements(selfBytes, references);
  const payload = elements === 0 ? 0 : HEADER + roundUp(4 * elements);
  return HEADER + IDENTITY_AND_PAYLOAD_REFERENCE + 8 * inlineWords(selfBytes, references) + roundUp(4 * references) + payload;
}

describe('an object', () => {
  it.each([0, 1, 2, 3, 31, 100])('with %i references has the bytes of its node, unless its references alone are more', (references) => {
    const least = 16 + roundUp(4 * references);
    for (let selfBytes = 0; selfBytes < 600; selfBytes++) {
      expect(bytesOf(selfBytes, references)).toBe(Math.max(least, Math.floor(selfBytes / 8) * 8));
    }
  });

  it('of 4 GiB is laid out as well', () => {
    expect(bytesOf(2 ** 32 - 8, 3)).toBe(2 ** 32 - 8);
  });

  it('has payload inline up to 16 words, and beyond that in an object of its own', () => {
    expect([inlineWords(16 + 128, 0), payloadElements(16 + 128, 0)]).toEqual([16, 0]);
    expect([inlineWords(16 + 136, 0), payloadElements(16 + 136, 0)]).toEqual([0, 32]);
  });
});

it('payload differs between neighbours', () => {
  const seen = new Set<number>();
  for (let node = 0; node < 100; node++) for (let index = 0; index < 100; index++) seen.add(payloadAt(node, index));
  expect(seen.size).toBe(10_000);
});

it('random numbers are the same for the same seed, and cover their range', () => {
  const [one, same, other] = [new Random(1), new Random(1), new Random(2)];
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const number = one.below(10);
    expect(same.below(10)).toBe(number);
    counts[number]!++;
  }
  expect(Math.min(...counts)).toBeGreaterThan(800);
  expect(other.next()).not.toBe(new Random(1).next());
});

it("random numbers are those of the benchmarks' workloads", () => {
  for (const seed of [0, 1, 2, 2 ** 31, 2 ** 32 - 1, -7]) {
    const [own, workloads] = [new Random(seed), new WorkloadRandom(seed)];
    for (let i = 0; i < 1_000; i++) expect(own.next()).toBe(workloads.next());
    for (let i = 0; i < 1_000; i++) expect(own.below(1_000)).toBe(workloads.below(1_000));
  }
});
