/**
 * Pinned memory: system calls read and write it while everything around it moves, and a late access touches nothing of the
 * heap.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, read as readLater, readFileSync, readSync, write as writeLater, writeSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { binding, type Heap, type Mutator, type Pin, type Shape, type View } from '../support/faultline.ts';
import { LinkedList, makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { MARKERS, MODES, rounds } from '../support/modes.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';
import { Threads } from '../support/threads.ts';

setFlagsFromString('--expose-gc');
const collectJavaScript = runInNewContext('gc') as () => void;

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'faultline-pins-'))));
afterAll(async () => rm(folder, { recursive: true }));
afterEach(() => {
  for (const systemCall of ['mmap', 'populate']) binding().armRefusal(systemCall, 0, 0, 0);
});

const BYTES = { name: 'bytes', elements: 'u8' } as const;

function randomBytes(seed: number, length: number): Buffer {
  const random = makeRandom(seed);
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

/** The bytes as the object's view has them, through the mutator view. */
function throughTheHeap(view: View<typeof BYTES>): Buffer {
  return Buffer.from(Uint8Array.from(view.elements as unknown as ArrayLike<number>));
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'no error';
}

/** Resolves when there are so many pins, as V8's finalizers run; the limit of the test ends it otherwise. */
async function untilPins(heap: Heap, count: number): Promise<void> {
  while (heap.statistics().pins.count !== count) {
    collectJavaScript();
    await wait(5);
  }
}

describe.each(MODES)('pinned memory (fault mode %s)', (fault) => {
  it('is read and written by system calls while other threads move objects, and stays where it is', async () => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '48M', fault });
    const shape = heap.defineShape(BYTES);
    const list = new LinkedList(heap, mutator, 20);
    const threads = new Threads();
    threads.start(heap.token, 'shadow', { seed, objects: 500 });
    threads.start(heap.token, 'allocate', { seed });
    await threads.ready();

    const lengths = [1, 4083, 4096, 4097, 70_000, 2 ** 20 + 13];
    const buffers = lengths.map((length) => {
      const view = heap.createPinnable(shape, length);
      return { length, view, pin: heap.pin(view), ref: view.ref };
    });
    const addresses = buffers.map(({ pin }) => pin.address);
    const path = join(folder, `content ${fault}`);
    for (let round = 0; round < rounds(20, 6); round++) {
      for (let i = 0; i < 2_000; i++) {
        list.push(i);
        list.garbage();
      }
      list.keepEach(3);
      const moving = heap.collect({ kind: round % 4 === 0 ? 'full' : 'compact' });
      for (const [at, { pin, length, view }] of buffers.entries()) {
        const content = randomBytes(seed + round * 100 + at, length);
        const file = openSync(path, 'w+');
        if (round % 2 === 0) {
          writeSync(file, content);
          expect(readSync(file, pin.bytes, 0, length, 0)).toBe(length);
        } else {
          await promisify(writeLater)(file, content, 0, length, 0);
          expect((await promisify(readLater)(file, pin.bytes, 0, length, 0)).bytesRead).toBe(length);
        }
        expect(throughTheHeap(view).equals(content)).toBe(true);
        // And back, changed through the heap.
        view.elements.set(length - 1, round);
        content[length - 1] = round;
        if (round % 2 === 0) writeSync(file, pin.bytes, 0, length, 0);
        else await promisify(writeLater)(file, pin.bytes, 0, length, 0);
        fsyncSync(file);
        closeSync(file);
        expect(readFileSync(path).equals(content)).toBe(true);
      }
      await moving;
      expect(buffers.map(({ pin, view }) => [pin.address, view.ref])).toEqual(buffers.map(({ ref }, i) => [addresses[i], ref]));
    }
    await threads.finish();
    expect(heap.statistics().cycles.compacting).toBeGreaterThan(0);
    expect(heap.statistics().pins).toEqual({ count: lengths.length, bytes: lengths.reduce((sum, length) => sum + length) });
    await heap.verify();
  }, 120_000);

  it('is alive without any reference to it, and dies after its pin', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    const shape = heap.defineShape(BYTES);
    const free = heap.statistics().regions.free;
    const view = heap.createPinnable(shape, 10_000);
    const pin = heap.pin(view);
    pin.bytes.fill(7);
    view.release();
    const list = new LinkedList(heap, mutator);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 100_000; i++) list.garbage();
      await heap.collect({ kind: 'full' });
      expect(pin.bytes.every((byte) => byte === 7)).toBe(true);
    }
    expect(await heap.verify()).toBe(1);
    pin.release();
    await heap.collect({ kind: 'full' });
    expect(await heap.verify()).toBe(0);
    // But for the allocation buffer of this thread.
    expect(heap.statistics().regions.free).toBeGreaterThanOrEqual(free - 1);
  });

  it('outlives a storm of pins and releases by several threads', async () => {
    const seed = seedOfTest();
    const random = makeRandom(seed);
    const { heap } = makeHeapWithMutator({ capacityBytes: '64M', fault });
    const shape = heap.defineShape(BYTES);
    const threads = new Threads();
    threads.start(heap.token, 'shadow', { seed, objects: 300 });
    threads.start(heap.token, 'pins', { pins: 5 });
    await threads.ready();
    const held: { pin: Pin; view: View<typeof BYTES>; tag: number }[] = [];
    for (let step = 0; step < rounds(400, 80); step++) {
      const tag = random.below(256);
      if (held.length < 12 && random.chance(2, 3)) {
        const view = heap.createPinnable(shape, 1 + random.below(20_000));
        const pin = heap.pin(view);
        expect(pin.bytes.every((byte) => byte === 0)).toBe(true);
        pin.bytes.fill(tag);
        held.push({ pin, view, tag });
      } else if (held.length > 0) {
        const [{ pin, view, tag: filled }] = held.splice(random.below(held.length), 1) as [(typeof held)[0]];
        expect(pin.bytes.every((byte) => byte === filled)).toBe(true);
        expect(view.elements.get(0)).toBe(filled);
        pin.release();
        view.release();
      }
      if (step % 20 === 0) await heap.collect({ kind: random.pick(['mark', 'compact', 'full']) });
    }
    expect(heap.statistics().pins.count).toBe(held.length + 5);
    await heap.verify();
    await threads.finish();
    for (const { pin } of held) pin.release();
    expect(heap.statistics().pins).toEqual({ count: 0, bytes: 0 });
  }, 60_000);
});

describe('a pin', () => {
  function pinned(length = 5000): { heap: Heap; mutator: Mutator; shape: Shape<typeof BYTES>; view: View<typeof BYTES>; pin: Pin } {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M' });
    const shape = heap.defineShape(BYTES);
    const view = heap.createPinnable(shape, length);
    return { heap, mutator, shape, view, pin: heap.pin(view) };
  }

  it('has the range that was asked for', () => {
    const { heap, view } = pinned(10_000);
    for (let i = 0; i < 10_000; i++) view.elements.set(i, i & 0xff);
    for (const [byteOffset, byteLength] of [
      [0, 1],
      [4087, 2],
      [4088, 4097],
      [9_999, 1],
      [1, 9_998],
    ] as const) {
      using pin = heap.pin(view, { byteOffset, byteLength });
      expect([...pin.bytes]).toEqual(Array.from({ length: byteLength }, (_, i) => (byteOffset + i) & 0xff));
      expect(pin.address).toBeGreaterThan(0n);
    }
    expect(heap.pin(view, { byteOffset: 100 }).bytes.length).toBe(9_900);
    expect(codeOf(() => heap.pin(view, { byteOffset: 10_000 }))).toBe('ERR_OPTION');
    expect(codeOf(() => heap.pin(view, { byteOffset: -1 }))).toBe('ERR_OPTION');
    expect(codeOf(() => heap.pin(view, { byteOffset: 1, byteLength: 10_000 }))).toBe('ERR_OPTION');
    expect(codeOf(() => heap.pin(view, { byteLength: 0 }))).toBe('ERR_OPTION');
    expect(codeOf(() => heap.pin(view, { byteLength: 1.5 }))).toBe('ERR_OPTION');
    expect(codeOf(() => heap.pin(view, null as never))).toBe('ERR_OPTION');
    expect(codeOf(() => heap.pin(null as never))).toBe('ERR_OPTION');
    expect(codeOf(() => heap.pin(5 as never))).toBe('ERR_OPTION');
  });

  it('counts elements in bytes, behind the fields', () => {
    const { heap } = pinned();
    const shape = heap.defineShape({ name: 'samples', fields: { rate: 'f64' }, elements: 'f64' });
    const view = heap.createPinnable(shape, 600);
    view.rate = 4.5;
    view.elements.set(599, Math.PI);
    const { bytes } = heap.pin(view);
    expect(bytes.length).toBe(4800);
    expect(new DataView(bytes.buffer).getFloat64(4792, true)).toBe(Math.PI);
    new Float64Array(bytes.buffer)[0] = -1;
    expect([view.rate, view.elements.get(0)]).toEqual([4.5, -1]);
  });

  it('is refused to objects that may move, that have references, or nothing to pin', () => {
    const { heap, view } = pinned();
    const cell = heap.defineShape({ name: 'cell', fields: { next: 'ref' } });
    const array = heap.defineShape({ name: 'array', elements: 'ref' });
    const mixed = heap.defineShape({ name: 'mixed', fields: { next: 'ref' }, elements: 'u8' });
    const bytes = heap.shape('bytes');
    expect(codeOf(() => heap.pin(heap.create(bytes, {}, 100)))).toBe('ERR_NOT_PINNABLE');
    expect(codeOf(() => heap.pin(heap.create(cell)))).toBe('ERR_NOT_PINNABLE');
    expect(codeOf(() => heap.pin(heap.create(array, {}, 200_000)))).toBe('ERR_NOT_PINNABLE');
    expect(codeOf(() => heap.pin(heap.create(mixed, {}, 600_000)))).toBe('ERR_NOT_PINNABLE');
    expect(codeOf(() => heap.pin(heap.createPinnable(bytes, 0)))).toBe('ERR_NOT_PINNABLE');
    for (const shape of [cell, array, mixed, heap.defineShape({ name: 'weak', elements: 'weak' })]) {
      expect(
        codeOf(() => heap.createPinnable(shape as Shape, 10)),
        shape.name,
      ).toBe('ERR_OPTION');
    }
    expect(codeOf(() => heap.createPinnable(bytes, -1))).toBe('ERR_OPTION');
    // A large object of numbers can be pinned, however it was made.
    const large = heap.create(bytes, {}, 600_000) as unknown as View<typeof BYTES>;
    heap.pin(large).bytes[599_999] = 9;
    expect(large.elements.get(599_999)).toBe(9);
    view.release();
    expect(codeOf(() => heap.pin(view))).toBe('ERR_VIEW_RELEASED');
  });

  it('is refused to a parked mutator, and to a view of another heap', () => {
    const { heap, mutator, view } = pinned();
    expect(codeOf(() => mutator.parked(() => heap.pin(view)))).toBe('ERR_MUTATOR_PARKED');
    const other = makeHeapWithMutator({ capacityBytes: '4M' });
    expect(codeOf(() => other.heap.pin(view))).toBe('ERR_FOREIGN_REFERENCE');
    mutator.detach();
    expect(codeOf(() => heap.pin(view))).toBe('ERR_MUTATOR_DETACHED');
    expect(codeOf(() => heap.createPinnable(heap.shape('bytes'), 1))).toBe('ERR_MUTATOR_DETACHED');
  });

  it('says which system call was refused, and leaves nothing behind', () => {
    const { heap, view } = pinned();
    const { pins } = heap.statistics();
    for (const [systemCall, errno] of [
      ['mmap', 'ENOMEM'],
      ['populate', 'EFAULT'],
    ] as const) {
      binding().armRefusal(systemCall, constants.errno[errno], 0, 1);
      const syscall = systemCall === 'mmap' ? 'mmap' : 'madvise(POPULATE_WRITE)';
      const refused = { code: 'ERR_PIN_REFUSED', errno: constants.errno[errno], syscall };
      expect(() => heap.pin(view)).toThrow(expect.objectContaining(refused));
    }
    expect(heap.statistics().pins).toEqual(pins);
    heap.pin(view).release();
  });

  it('is over when it is released: its bytes have no elements, its object may be pinned again', () => {
    const { heap, view, pin } = pinned();
    pin.bytes[3] = 1;
    expect(pin.released).toBe(false);
    pin.release();
    expect(pin.released).toBe(true);
    expect([pin.bytes.length, pin.bytes[3], pin.bytes.byteLength]).toEqual([0, undefined, 0]);
    pin.release();
    expect(() => Buffer.from(pin.bytes.buffer)).toThrow();
    using again = heap.pin(view);
    expect(again.bytes[3]).toBe(1);
    expect(again.address).not.toBe(pin.address);
    expect(heap.statistics().pins).toEqual({ count: 1, bytes: 5000 });
  });

  it('ends with its mutator and with its heap', async () => {
    const { heap, mutator, pin, shape } = pinned();
    mutator.detach();
    expect(pin.released).toBe(true);
    expect(heap.statistics().pins.count).toBe(0);
    heap.attachMutator();
    const second = heap.pin(heap.createPinnable(shape, 100));
    await heap.close();
    expect(second.released).toBe(true);
    second.release();
  });

  it('ends with its thread, however that ends', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '32M' });
    const threads = new Threads();
    const worker = threads.start(heap.token, 'pins', { pins: 10 });
    await threads.ready();
    expect(heap.statistics().pins).toEqual({ count: 10, bytes: 1000 });
    await worker.terminate();
    expect(heap.statistics().pins.count).toBe(0);
    await heap.collect({ kind: 'full' });
    expect(await heap.verify()).toBe(0);
  });

  it('ends when nobody has it or its bytes any more, and its addresses go back to the system', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '32M' });
    const shape = heap.defineShape(BYTES);
    const view = heap.createPinnable(shape, 100_000);
    const mappings = (): number => readFileSync('/proc/self/maps', 'utf8').split('\n').length;
    const before = mappings();
    const kept = heap.pin(view).bytes;
    for (let i = 0; i < 500; i++) heap.pin(view, { byteOffset: i });
    expect(heap.statistics().pins.count).toBeGreaterThan(1);
    await untilPins(heap, 1);
    kept[99_999] = 5;
    expect(view.elements.get(99_999)).toBe(5);
    for (let i = 0; i < 500; i++) heap.pin(view, { byteOffset: i }).release();
    expect(heap.statistics().pins.count).toBe(1);
    while (mappings() > before + 50) {
      collectJavaScript();
      await wait(5);
    }
  });

  it('cannot be transferred to another thread, only copied', () => {
    const { pin } = pinned();
    pin.bytes[0] = 8;
    try {
      // Node 20 makes a copy instead; later versions throw.
      structuredClone(pin.bytes.buffer, { transfer: [pin.bytes.buffer] });
    } catch (error) {
      expect(String(error)).toMatch(/could not be cloned|transfer/);
    }
    expect([pin.bytes.length, pin.bytes[0]]).toEqual([5000, 8]);
    expect(structuredClone(pin.bytes)[0]).toBe(8);
  });

  it.runIf('transfer' in ArrayBuffer.prototype)('whose contents were moved to another ArrayBuffer ends: that one holds zeros then', () => {
    const { heap, view, pin } = pinned();
    const moved = new Uint8Array((pin.bytes.buffer as unknown as { transfer(): ArrayBuffer }).transfer());
    moved[7] = 1;
    expect(view.elements.get(7)).toBe(1);
    pin.release();
    expect(heap.statistics().pins.count).toBe(0);
    moved[7] = 2;
    expect(view.elements.get(7)).toBe(1);
  });

  it('that ends while a read is under way saves the heap from it: the read fails', async () => {
    const { heap, shape, view, pin } = pinned();
    const path = join(folder, 'fifo');
    execFileSync('mkfifo', [path]);
    const fifo = await open(path, 'r+');
    const late = promisify(readLater)(fifo.fd, pin.bytes, 0, 5000, null).catch((error: unknown) => error);
    await wait(20);
    pin.release();
    view.release();
    await heap.collect({ kind: 'full' });
    // Whoever has the memory now.
    const views = [1, 2, 3, 4].map(() => heap.createPinnable(shape, 5000));
    await fifo.write(Buffer.alloc(5000, 1));
    expect(await late).toMatchObject({ code: 'EFAULT' });
    for (const other of views) expect(throughTheHeap(other).every((byte) => byte === 0)).toBe(true);
    await fifo.close();
  });

  it.each(MARKERS)('works in a checked heap under stress (marker %s)', async (marker) => {
    const heap = makeHeap({ capacityBytes: '32M', checked: true, stressEvery: 7, marker, barrieredStores: true });
    const mutator = heap.attachMutator();
    const shape = heap.defineShape(BYTES);
    const stale = mutator.allocatePinnable(shape, 10);
    const pins = Array.from({ length: 20 }, (_, i) => {
      const view = heap.createPinnable(shape, 50 + i);
      const pin = heap.pin(view);
      pin.bytes.fill(i);
      if (i % 2 === 0) pin.release();
      return { view, i };
    });
    expect(codeOf(() => mutator.handle(stale))).toBe('ERR_STALE_REFERENCE');
    for (const { view, i } of pins) expect(throughTheHeap(view).every((byte) => byte === i)).toBe(true);
    expect(codeOf(() => mutator.parked(() => mutator.allocatePinnable(shape, 1)))).toBe('ERR_MUTATOR_PARKED');
    await heap.verify();
  });
});
