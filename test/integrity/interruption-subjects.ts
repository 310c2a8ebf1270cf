/**
 * Subjects of interruptions: each a heap whose contents are changed step by step, beside a model of them. docs/interruptions.md
 * has the sequences that make up the steps.
 */
import { expect } from 'vitest';
import type { AnyView, Heap, HeapError, Mutator } from '../support/faultline.ts';
import { CONTAINER_SUBJECTS, type Subjects } from './interruption-container-subjects.ts';

const TLAB_TOP = 1;
const TLAB_START = 5;

/** Looks, from where it has looked last, whether each word that was taken from the buffer belongs to an object with a header. */
function bufferWalk(heap: Heap, mutator: Mutator): () => void {
  const { control } = mutator.allocationBuffer;
  const { u32 } = mutator;
  let start = 0;
  let at = 0;
  return () => {
    if (control[TLAB_START] !== start) start = at = control[TLAB_START]!;
    while (at < control[TLAB_TOP]!) at += heap.shape(u32[at * 2]!).words(u32[at * 2 + 1]!);
    expect(at).toBe(control[TLAB_TOP]);
  };
}

export const SUBJECTS: Subjects = {
  ...CONTAINER_SUBJECTS,

  'objects of all sizes, and what is younger than a marking'(heap, mutator) {
    const Node = heap.defineShape({ name: 'node', fields: { next: 'ref', number: 'u32' }, elements: 'u8' });
    const { next, number } = Node.offsets;
    const old = mutator.createRootRange(2000);
    const young = mutator.createRootRange(2000);
    const { u32 } = mutator;
    for (; old.used < 2000; old.used++) {
      mutator.allocate(Node, 50);
      const ref = mutator.allocate(Node);
      u32[ref * 2 + number] = old.used;
      old.slots[old.used] = ref;
    }
    // In the buffer, where a few of them fill it; in pages of their own; in regions of their own.
    const sizes = [0, 12_000, 0, 30_000, 0, 3, 12_000, 100, 0, 12_000, 0, 600_000];
    let at = 0;
    const walk = bufferWalk(heap, mutator);
    const check = (): void => {
      for (let i = 0; i < young.used; i++) expect(u32[u32[young.slots[i]! * 2 + next]! * 2 + number]).toBe(i);
    };
    return {
      step: () => void mutator.allocate(Node, sizes[at++ % sizes.length]!),
      look() {
        walk();
        if (young.used === 2000) young.used = 0;
        const ref = mutator.allocate(Node);
        u32[ref * 2 + next] = old.slots[young.used]!;
        young.slots[young.used] = ref;
        young.used++;
        if (young.used % 100 === 0) {
          mutator.collect({ kind: 'full' });
          check();
        }
      },
      atEnd() {
        mutator.collect({ kind: 'full' });
        check();
        young.used = old.used = 0;
        mutator.collect({ kind: 'full' });
        mutator.collect({ kind: 'full' });
        expect(heap.statistics().usedBytes).toBeLessThanOrEqual(2 ** 20);
      },
    };
  },

  'a weak map'(heap, mutator) {
    const Key = heap.defineShape({ name: 'key', fields: { number: 'u32' } });
    const keys = mutator.createRootRange(100);
    const map = mutator.handle(mutator.weakMaps.allocate());
    const values: number[] = [];
    let n = 0;
    for (; keys.used < 100; keys.used++) keys.slots[keys.used] = mutator.allocate(Key);
    const ofSmall = (value: number): number => (value | 0x8000_0000) >>> 0;
    return {
      step() {
        mutator.weakMaps.set(mutator.get(map), keys.slots[n % 100]!, ofSmall(n));
        values[n % 100] = ofSmall(n);
        n++;
      },
      look() {
        const found = mutator.weakMaps.get(mutator.get(map), keys.slots[n % 100]!);
        if (found === ofSmall(n)) values[n % 100] = found;
        for (let i = 0; i < 100; i++) expect(mutator.weakMaps.get(mutator.get(map), keys.slots[i]!)).toBe(values[i] ?? 0);
        n++;
      },
      atEnd: () => keys.release(),
    };
  },

  'interned texts'(heap, mutator) {
    // New ones again and again, so that some come to where others are. Known by their references as long as they have a place here.
    const count = 200;
    const strings = mutator.createRootRange(count);
    strings.used = count;
    const texts = new Array<string | undefined>(count).fill(undefined);
    let n = 0;
    const replace = (): void => {
      const at = n++ % count;
      const old = texts[at];
      texts[at] = undefined;
      if (old !== undefined) heap.dropInterned(old);
      const text = `text ${n}`;
      mutator.scope(() => void (strings.slots[at] = heap.intern(text).ref));
      texts[at] = text;
    };
    return {
      step() {
        for (let i = 0; i < 8; i++) replace();
      },
      look() {
        for (const [at, text] of texts.entries()) {
          const ref = text !== undefined && mutator.scope(() => heap.intern(text).ref);
          if (ref !== false && ref !== strings.slots[at]) throw new Error(`${text} is another string`);
        }
      },
      atEnd: () => strings.release(),
    };
  },

  'scopes, locals and views'(heap, mutator) {
    const Leaf = heap.defineShape({ name: 'leaf', fields: { number: 'u32' } });
    // Within reach: what is kept and has nobody any more lasts until V8 collects it.
    const made: { view: AnyView | undefined } = { view: undefined };
    return {
      step: () =>
        mutator.scope(() => {
          mutator.local(mutator.allocate(Leaf));
          mutator.scope(() => mutator.local(heap.create(Leaf, { number: 1 }).ref));
          made.view ??= heap.create(Leaf) as AnyView;
          made.view.keep().release();
          made.view = undefined;
        }),
      look: () => mutator.scope(() => heap.create(Leaf)),
      atEnd: () => made.view?.release(),
    };
  },

  'handles and root ranges'(heap, mutator) {
    const Leaf = heap.defineShape({ name: 'leaf', fields: { number: 'u32' } });
    const made = { handle: 0, range: undefined as ReturnType<Mutator['createRootRange']> | undefined };
    const letGo = (): void => {
      if (made.handle !== 0) mutator.release(made.handle);
      made.handle = 0;
      made.range?.release();
      made.range = undefined;
    };
    return {
      step() {
        made.handle = mutator.handle(mutator.allocate(Leaf));
        mutator.release(made.handle);
        made.handle = 0;
        if (made.range === undefined) made.range = mutator.createRootRange(8);
        made.range.used = 8;
        made.range.slots[7] = mutator.allocate(Leaf);
        made.range.release();
        made.range = undefined;
      },
      look() {
        // Not released, then.
        if (made.handle !== 0) expect(mutator.get(made.handle)).toBeGreaterThan(0);
        letGo();
      },
      atEnd() {
        letGo();
        mutator.collect({ kind: 'full' });
        mutator.collect({ kind: 'full' });
        expect(heap.statistics().liveBytes).toBe(0);
      },
    };
  },

  'a lock'(heap) {
    const lock = heap.createLock();
    return {
      step: () => lock.run(() => expect(lock.owned).toBe(true)),
      look(outcome) {
        // A time limit skips the end of `run`, as it skips every `finally`.
        if (outcome === 'cut' && lock.owned) lock.unlock();
        expect(lock.lock(0)).toBe(true);
        lock.unlock();
      },
    };
  },

  'handle tokens'(heap, mutator) {
    const Leaf = heap.defineShape({ name: 'leaf', fields: { number: 'u32' } });
    const leaf = heap.create(Leaf, { number: 5 });
    const made: { token: ReturnType<Heap['offer']> | undefined } = { token: undefined };
    return {
      step() {
        if (made.token === undefined) made.token = heap.offer(leaf);
        mutator.scope(() => heap.redeem(made.token!));
        made.token = undefined;
      },
      look() {
        if (made.token !== undefined) heap.withdraw(made.token);
        made.token = undefined;
      },
      atEnd() {
        const tokens: ReturnType<Heap['offer']>[] = [];
        let count = 0;
        while (count === 0) {
          try {
            tokens.push(heap.offer(leaf));
          } catch (error) {
            count = (error as HeapError).figures!['count']!;
          }
        }
        expect(tokens.length).toBe(count);
        for (const token of tokens) expect(heap.withdraw(token)).toBe(true);
        leaf.release();
      },
    };
  },

  'pinnable objects'(heap, mutator) {
    const Bytes = heap.defineShape({ name: 'bytes', elements: 'u8' });
    return {
      step: () =>
        mutator.scope(() => {
          for (const bytes of [10_000, 600_000]) heap.pin(heap.createPinnable(Bytes, bytes)).release();
        }),
      look: () => mutator.scope(() => heap.create(Bytes, {}, 10)),
    };
  },

  finalizers(heap, mutator) {
    const Leaf = heap.defineShape({ name: 'leaf', fields: { number: 'u32' } });
    return {
      step: () => mutator.finalizeLater(mutator.allocate(Leaf), 1),
      look: () => mutator.finalizeLater(mutator.allocate(Leaf), 2),
    };
  },

  'waits and collections'(heap, mutator) {
    const condition = heap.createCondition();
    const lock = heap.createLock();
    let n = 0;
    return {
      step() {
        if (n++ % 8 === 0) mutator.collect();
        mutator.parked(() => {});
        if (!lock.owned) lock.lock();
        condition.wait(lock, 0);
      },
      look() {
        if (lock.owned) lock.unlock();
        expect(lock.lock(0)).toBe(true);
        lock.unlock();
      },
    };
  },
};
