/**
 * Handle tokens: roots passed from thread to thread, and what a thread that has ended leaves behind.
 */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { HandleToken, Heap } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { MODES } from '../support/modes.ts';
import { Threads } from '../support/threads.ts';
import { code, LEAF } from './support.ts';

async function objects(heap: Heap): Promise<number> {
  await heap.collect({ kind: 'full' });
  return heap.verify();
}

async function offeredBy(
  heap: Heap,
  threads: Threads,
  data: Record<string, unknown>,
): Promise<{ tokens: HandleToken[]; ended: Promise<unknown> }> {
  const worker = threads.start(heap.token, 'offer', data);
  const ended = once(worker, 'exit');
  const tokens = await new Promise<HandleToken[]>((resolve) => {
    worker.on('message', ({ offered }: { offered?: HandleToken[] }) => {
      if (offered !== undefined) resolve(offered);
    });
  });
  return { tokens, ended };
}

describe.each(MODES)('a handle token (fault mode %s)', (fault) => {
  it('brings an object to another thread, which moved in between, also when the thread that offered it has ended', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    heap.defineShape(LEAF);
    const threads = new Threads();
    const { tokens, ended } = await offeredBy(heap, threads, { count: 50, first: 100, end: true });
    await ended;
    expect(await objects(heap)).toBe(50);
    const numbers = tokens.map((token) => (heap.redeem(token) as unknown as { number: number }).number);
    expect(numbers).toEqual(Array.from({ length: 50 }, (_, i) => 100 + i));
    for (const token of tokens) expect(() => heap.redeem(token)).toThrow(code('ERR_TOKEN_SPENT'));
  });

  it('that is not redeemed keeps its object until it is withdrawn', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault });
    const view = heap.create(heap.defineShape(LEAF));
    const token = heap.offer(view);
    view.release();
    expect(await objects(heap)).toBe(1);
    expect(heap.withdraw(token)).toBe(true);
    expect(heap.withdraw(token)).toBe(false);
    expect(() => heap.redeem(token)).toThrow(code('ERR_TOKEN_SPENT'));
    expect(await objects(heap)).toBe(0);
  });
});

describe('a handle token', () => {
  it('is plain data', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    const token = heap.offer(heap.create(heap.defineShape(LEAF), { number: 4 }));
    const copy = structuredClone(token);
    expect(copy).toEqual(token);
    expect((heap.redeem(copy) as unknown as { number: number }).number).toBe(4);
  });

  it('of a slot that has been used since is spent', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    const view = heap.create(heap.defineShape(LEAF), { number: 4 });
    const seen: HandleToken[] = [];
    for (let i = 0; i < 3_000; i++) {
      const token = heap.offer(view);
      if (i < 2_900) heap.withdraw(token);
      seen.push(token);
    }
    for (const token of seen.slice(0, 2_900)) expect(heap.withdraw(token)).toBe(false);
    for (const token of seen.slice(2_900)) expect(heap.withdraw(token)).toBe(true);
  });

  it('cannot be had when all are under way, until one is back', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    const view = heap.create(heap.defineShape(LEAF));
    const tokens: HandleToken[] = [];
    expect(() => {
      for (;;) tokens.push(heap.offer(view));
    }).toThrow(code('ERR_TOKENS_EXHAUSTED'));
    expect(tokens.length).toBe(1023);
    heap.withdraw(tokens[500]!);
    expect(heap.redeem(heap.offer(view)).isSame(view)).toBe(true);
  });

  it('stands when it is redeemed by a thread without a free handle', () => {
    const heap = makeHeap({ capacityBytes: '1M', fault: 'stw' });
    heap.attachMutator({ handleCapacity: 1 });
    const view = heap.create(heap.defineShape(LEAF), { number: 3 });
    const token = heap.offer(view);
    expect(() => heap.redeem(token)).toThrow(code('ERR_HANDLES_EXHAUSTED'));
    view.release();
    expect((heap.redeem(token) as unknown as { number: number }).number).toBe(3);
  });

  it('is not made for nothing, nor taken from another heap, nor forged', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    const other = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' }).heap;
    const view = heap.create(heap.defineShape(LEAF));
    const token = heap.offer(view);
    expect(() => other.redeem(token)).toThrow(code('ERR_FOREIGN_REFERENCE'));
    expect(() => other.offer(view)).toThrow(code('ERR_FOREIGN_REFERENCE'));
    expect(() => heap.offer(null as never)).toThrow(code('ERR_OPTION'));
    expect(() => heap.offer(heap.cursor(view.shape))).toThrow(code('ERR_OPTION'));
    for (const forged of [null, 7, {}, { heap: token.heap }, { ...token, slot: 0.5 }]) {
      expect(() => heap.redeem(forged as never)).toThrow(code('ERR_OPTION'));
    }
    for (const forged of [
      { ...token, slot: -1 },
      { ...token, slot: 5_000 },
      { ...token, stamp: token.stamp + 1 },
      { ...token, stamp: 2 ** 31 },
    ]) {
      expect(() => heap.redeem(forged)).toThrow(code('ERR_TOKEN_SPENT'));
    }
    expect(heap.redeem(token).isSame(view)).toBe(true);
  });
});

describe('a thread that ends', () => {
  it.each([
    ['by itself', { end: true }],
    ['by being terminated', { end: false }],
  ])('%s takes its views along and leaves what it offered', async (_how, how) => {
    const heap = makeHeap({ capacityBytes: '4M' });
    const threads = new Threads();
    const { ended } = await offeredBy(heap, threads, { count: 3, first: 0, ...how });
    await threads.ready();
    if (!how.end) await threads.workers[0]!.terminate();
    await ended;
    expect(heap.statistics().mutators).toBe(0);
    expect(await objects(heap)).toBe(3);
  });
});
