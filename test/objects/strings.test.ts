/**
 * Strings: what JavaScript's strings can hold, in and out of the heap, and one object for each interned text.
 */
import { describe, expect, it } from 'vitest';
import type { HeapString } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { MODES, rounds } from '../support/modes.ts';
import { Threads } from '../support/threads.ts';
import { code } from './support.ts';

const TEXTS = [
  '',
  'a',
  'plain text',
  '\0',
  '\u00ff',
  '\u0100',
  'naïve',
  '日本語',
  '😀',
  '\ud800',
  '\udc00\ud800',
  'x\ud800y',
  '\ufffe\uffff',
  'a'.repeat(23),
  'a'.repeat(24),
  'é'.repeat(25),
  '☃'.repeat(24),
  '☃'.repeat(25),
  'z'.repeat(4_095),
  '字'.repeat(2_049),
  'large'.repeat(150_000),
];

describe.each(MODES)('a string (fault mode %s)', (fault) => {
  it('comes out as it went in, unit by unit, before and after it has moved', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault });
    const Holder = heap.defineShape({ name: 'holder', fields: { text: 'string', any: 'ref' } });
    const strings = TEXTS.map((text) => heap.string(text));
    const holders = TEXTS.map((text, i) => heap.create(Holder, { text, any: strings[i]! }));
    for (const collect of [false, true]) {
      if (collect) mutator.collect({ kind: 'full' });
      for (const [i, text] of TEXTS.entries()) {
        const string = strings[i]!;
        expect(string.toString() === text, `text ${i}`).toBe(true);
        expect(string.length).toBe(text.length);
        expect(holders[i]!.text === text).toBe(true);
        expect((holders[i]!.any as HeapString).equals(text)).toBe(true);
        expect(string.equals(strings[(i + 1) % TEXTS.length]!)).toBe(false);
        expect(string.equals(string)).toBe(true);
        for (const at of [0, 1, text.length - 1]) if (at >= 0 && at < text.length) expect(string.charCodeAt(at)).toBe(text.charCodeAt(at));
        expect(() => string.charCodeAt(text.length)).toThrow(code('ERR_OPTION'));
      }
    }
  });

  it('that is interned is one object for each text, and stays it while it moves', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault });
    const count = rounds(3_000, 600);
    const keep = mutator.createRootRange(count);
    for (let i = 0; i < count; i++) {
      mutator.scope(() => {
        keep.slots[i] = heap.intern(`text ${i}`).ref;
        keep.used = i + 1;
      });
      if (i % 300 === 0) mutator.collect();
    }
    mutator.collect({ kind: 'full' });
    let wrong = 0;
    for (let i = 0; i < count; i++) mutator.scope(() => (wrong += heap.intern(`text ${i}`).ref === keep.slots[i] ? 0 : 1));
    expect(wrong).toBe(0);
    expect(new Set(keep.slots.subarray(0, count)).size).toBe(count);
    for (const text of TEXTS) expect(heap.intern(text).isSame(heap.intern(text))).toBe(true);
    expect(heap.intern('a').isSame(heap.string('a'))).toBe(false);
  });

  it('that is interned lives until it is dropped, and is another one afterwards', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    mutator.scope(() => heap.intern('warm up'));
    await heap.collect({ kind: 'full' });
    const before = await heap.verify();
    mutator.scope(() => heap.intern('alone'));
    await heap.collect({ kind: 'full' });
    expect(await heap.verify()).toBeGreaterThan(before);
    const held = heap.intern('alone');
    expect(heap.dropInterned('alone')).toBe(true);
    expect(heap.dropInterned('alone')).toBe(false);
    expect(heap.dropInterned('never there')).toBe(false);
    expect(held.toString()).toBe('alone');
    expect(heap.intern('alone').isSame(held)).toBe(false);
    heap.dropInterned('alone');
    held.release();
  });

  it('that several threads intern at once is one object for all of them', async () => {
    const heap = makeHeap({ capacityBytes: '16M', fault });
    const threads = new Threads();
    const texts = rounds(2_000, 300);
    for (let thread = 0; thread < 3; thread++) threads.start(heap.token, 'intern', { texts, thread });
    await threads.ready();
    for (let i = 0; i < 4; i++) await heap.collect({ kind: 'full' });
    const results = await threads.finish<{ wrong: number; rounds: number }>();
    for (const { wrong, rounds: done } of results) expect([wrong, done > 0]).toEqual([0, true]);
    // What the threads wrote into one object is what this one finds.
    const mutator = heap.attachMutator();
    const Table = heap.defineShape({ name: 'interned', elements: 'ref' });
    const table = heap.cursor(Table, heap.roots.slots[0]!);
    let wrong = 0;
    for (let i = 0; i < texts; i++) mutator.scope(() => (wrong += heap.intern(`shared ${i}`).isSame(table.elements.get(i)) ? 0 : 1));
    expect(wrong).toBe(0);
  });
});

describe('the intern table', () => {
  it('is the same for texts whose hashes begin alike: it grows deeper, and every text is found', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '32M', fault: 'stw' });
    const handles = new Map<string, number>();
    const make = (text: string): unknown => mutator.scope(() => handles.set(text, mutator.handle(heap.intern(text).ref)));
    for (let i = 0; i < 20_000; i++) make(String(i));
    mutator.collect({ kind: 'full' });
    let wrong = 0;
    for (const [text, handle] of handles) mutator.scope(() => (wrong += heap.intern(text).ref === mutator.get(handle) ? 0 : 1));
    expect(wrong).toBe(0);
    for (const text of handles.keys()) if (!heap.dropInterned(text)) wrong++;
    for (const [text, handle] of handles) mutator.scope(() => (wrong += heap.intern(text).ref === mutator.get(handle) ? 1 : 0));
    expect(wrong).toBe(0);
  });

  it('leaves the program all of its 1,024 shared root slots', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    heap.intern('text');
    expect(heap.roots.slots.length).toBe(1024);
    expect(heap.roots.slots.every((ref) => ref === 0)).toBe(true);
  });
});
