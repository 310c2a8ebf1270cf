/**
 * Interruptions, at every place where one can happen: the laws of docs/interruptions.md do not depend on what the compilers make of
 * the code.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Heap, Mutator } from '../support/faultline.ts';
import { interruptibleLibrary, withPlaces } from '../support/interruptible-library.ts';
import { AT_PLACES } from '../support/interruptions-at-places.ts';
import { third } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';
import { SUBJECTS } from './interruption-subjects.ts';
import { expectLeftAsItWas } from './left-as-it-was.ts';

let copy: Awaited<ReturnType<typeof interruptibleLibrary>>;
beforeAll(async () => void (copy = await interruptibleLibrary()));
afterAll(() => copy.remove());

const heaps: Heap[] = [];
afterEach(async () => {
  for (const heap of heaps.splice(0)) await heap.close();
});

function makeHeap(capacityBytes: string): Heap {
  const heap = copy.library.Heap.create({ capacityBytes, workers: 0, verify: true });
  heaps.push(heap);
  return heap;
}

describe.each(AT_PLACES)('$name leaves everything as it was, or done:', (way) => {
  // A time limit costs a millisecond at least at each place: a third of the subjects in the short form.
  const names = Object.keys(SUBJECTS);
  it.each(way === AT_PLACES[0] ? names : third(names))('%s', async (name) => {
    expect(await expectLeftAsItWas(makeHeap('64M'), name, way, seedOfTest())).toBeGreaterThan(5);
  });
});

describe('a thread that was interrupted while it became a mutator, or ceased to be one', () => {
  it.each(AT_PLACES)('becomes one again: $name', (way) => {
    const heap = makeHeap('4M');
    const made: { mutator: Mutator | undefined } = { mutator: undefined };
    const detach = (): void => {
      made.mutator?.detach();
      made.mutator = undefined;
    };
    way.run(
      () => {
        made.mutator ??= heap.attachMutator({ handleCapacity: 4, localCapacity: 4 });
        detach();
      },
      () => {
        detach();
        heap.attachMutator().detach();
      },
      seedOfTest(),
    );
  });
});

it('places are before calls, at the entries of functions and the turns of loops, and where native calls come back', () => {
  const places = (code: string): string[] =>
    [...withPlaces(code, 'f').matchAll(/(atPlace|answer\))\?*\.*\)*\("f:1:(\d+)"/g)].map(
      ([, what, at]) => `${what![1] === 't' ? '' : 'after '}${at}`,
    );
  expect(places('f(g(1));')).toEqual(['1', '3']);
  expect(places('const f = (x) => x + 1;')).toEqual(['18']);
  expect(places('class A { get b() { return new B(); } }')).toEqual(['19', '28']);
  expect(places('for (;;) { x(); }')).toEqual(['10', '12']);
  expect(places('this.native.call(1);')).toEqual(['1', 'after 1']);
  expect(places('a?.b(1).c();')).toEqual([]);
  expect(
    new Function(
      `${withPlaces('const f = (x) => ({ y: g(x) }); function g(x) { while (x < 9) { x++; } return x; } return f(1).y;', 'f')}`,
    )(),
  ).toBe(9);
});
