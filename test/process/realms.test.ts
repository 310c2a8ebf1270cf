/**
 * Realms: what comes from another vm context (Jest and Vitest run modules in some) is taken for what it is.
 */
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { MessageChannel, moveMessagePortToContext } from 'node:worker_threads';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Heap, type HeapToken, type ShapeDefinition } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { leastProcessorMs } from '../support/processor-time.ts';

const context = createContext({ port: undefined, received: undefined });

/** The value of an expression of another realm. */
const foreign = <T>(expression: string): T => runInContext(expression, context) as T;

/** What a message becomes that another realm receives. */
async function received<T>(message: unknown): Promise<T> {
  const { port1, port2 } = new MessageChannel();
  context['port'] = moveMessagePortToContext(port2, context);
  const arrived = foreign<Promise<T>>('new Promise((done) => { port.onmessage = (it) => done(it.data ?? it); port.start(); })');
  port1.postMessage(message);
  const data = await arrived;
  port1.close();
  return data;
}

describe('from another realm', () => {
  it('a token names the heap', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const token = await received<HeapToken>(heap.token);
    expect(token.view instanceof SharedArrayBuffer).toBe(false);
    const attached = Heap.attach(token);
    heap.defineShape({ name: 'one of this heap' });
    expect(attached.shape('one of this heap').name).toBe('one of this heap');
    await attached.close();
  });

  it('a definition, values, arrays and a handle token are as good as our own', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const definition = foreign<ShapeDefinition>(
      "({ name: 'point', fields: { at: { array: 'f64', length: 2 }, next: 'self' }, elements: 'u8' })",
    );
    const shape = heap.defineShape(definition as never);
    const point = heap.create(shape as never, foreign('({ at: [1, 2] })'), foreign('[3, 4, 5]')) as any;
    expect([[...point.at], [...point.elements]]).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    point.elements.copyFrom(foreign('new Uint8Array([6, 7, 8])'));
    const bytes = foreign<Uint8Array>('new Uint8Array(3)');
    expect([point.elements.copyTo(bytes), [...bytes]]).toEqual([3, [6, 7, 8]]);
    const token = await received<ReturnType<Heap['offer']>>(heap.offer(point));
    expect(heap.redeem(token).isSame(point)).toBe(true);
  });

  it('a typed array of the same kind is copied as fast as our own, and one of another kind is converted', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '8M', fault: 'stw' });
    const numbers = heap.create(heap.defineShape({ name: 'numbers', elements: 'u8' }), {}, 2 ** 20).elements;
    const [own, other] = [new Uint8Array(2 ** 20).fill(1), foreign<Uint8Array>('new Uint8Array(2 ** 20).fill(2)')];
    expect(other instanceof Uint8Array).toBe(false);
    expect(leastProcessorMs(() => numbers.copyFrom(other))).toBeLessThan(5 + 8 * leastProcessorMs(() => numbers.copyFrom(own)));
    expect(leastProcessorMs(() => numbers.copyTo(other))).toBeLessThan(5 + 8 * leastProcessorMs(() => numbers.copyTo(own)));
    expect([other[0], other[2 ** 20 - 1]]).toEqual([1, 1]);
    numbers.copyFrom(foreign('new Int8Array([-1, 1])'));
    expect([numbers.get(0), numbers.get(1), numbers.get(2)]).toEqual([255, 1, 1]);
  });

  it('a file URL is the path of a snapshot', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const folder = mkdtempSync(join(tmpdir(), 'faultline-realm-'));
    try {
      const path = join(folder, 'it.heapsnapshot');
      const url = { href: pathToFileURL(path).href, protocol: 'file:', pathname: path, hostname: '' };
      await heap.writeSnapshot(url as unknown as URL);
      expect(statSync(path).size).toBeGreaterThan(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
