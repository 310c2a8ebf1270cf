/**
 * Options: which values are accepted, and the error for each that is not.
 */
import { describe, expect, it } from 'vitest';
import { parseBytes } from '../../src/option-kinds.ts';
import { resolveOptions } from '../../src/options.ts';
import { Heap, type HeapOptions } from '../support/faultline.ts';
import { makeHeap } from '../support/heaps.ts';
import { MODES } from '../support/modes.ts';

const MIB = 2 ** 20;

describe('options', () => {
  it.each<[string, unknown, new () => Error]>([
    ['nothing at all', undefined, TypeError],
    ['null', null, TypeError],
    ['no capacity', {}, TypeError],
    ['a capacity that is true', { capacityBytes: true }, TypeError],
    ['a capacity of 0', { capacityBytes: 0 }, RangeError],
    ['a negative capacity', { capacityBytes: -1 }, RangeError],
    ['a capacity that is not a number', { capacityBytes: Number.NaN }, RangeError],
    ['an endless capacity', { capacityBytes: Number.POSITIVE_INFINITY }, RangeError],
    ['one byte less than 1 MiB', { capacityBytes: MIB - 1 }, RangeError],
    ['one byte more than 16 GiB', { capacityBytes: 16 * 1024 * MIB + 1 }, RangeError],
    ['text without a number', { capacityBytes: 'M' }, RangeError],
    ['text with an unknown unit', { capacityBytes: '64X' }, RangeError],
    ['text of no bytes', { capacityBytes: '0M' }, RangeError],
    ['a negative text', { capacityBytes: '-4M' }, RangeError],
    ['an unknown option', { capacityBytes: '8M', colour: 'red' }, RangeError],
    ['an unknown fault mode', { capacityBytes: '8M', fault: 'magic' }, RangeError],
    ['a fault-around of 0 pages', { capacityBytes: '8M', faultAroundPages: 0 }, RangeError],
    ['a fault-around of 3 pages', { capacityBytes: '8M', faultAroundPages: 3 }, RangeError],
    ['a fault-around of 128 pages', { capacityBytes: '8M', faultAroundPages: 128 }, RangeError],
    ['a fault-around that is text', { capacityBytes: '8M', faultAroundPages: '4' }, TypeError],
    ['-1 workers', { capacityBytes: '8M', workers: -1 }, RangeError],
    ['63 workers', { capacityBytes: '8M', workers: 63 }, RangeError],
    ['half a worker', { capacityBytes: '8M', workers: 0.5 }, RangeError],
    ['an unknown sizing', { capacityBytes: '8M', sizing: 'generous' }, RangeError],
    ['a minimum above the capacity', { capacityBytes: '8M', minBytes: '9M' }, RangeError],
    ['a minimum of 0 bytes', { capacityBytes: '8M', minBytes: 0 }, RangeError],
    ['memory for nothing', { capacityBytes: '8M', memoryPricePerMib: 0 }, RangeError],
    ['memory at a price that is text', { capacityBytes: '8M', memoryPricePerMib: '1' }, TypeError],
    ['memory returned before it was used', { capacityBytes: '8M', returnAfterMs: -1 }, RangeError],
    ['memory returned after half a millisecond', { capacityBytes: '8M', returnAfterMs: 0.5 }, RangeError],
    ['an evacuation budget of 0', { capacityBytes: '8M', evacuationBudgetBytes: '0M' }, RangeError],
    ['verify: 1', { capacityBytes: '8M', verify: 1 }, TypeError],
    ['trackUtilization: text', { capacityBytes: '8M', trackUtilization: 'yes' }, TypeError],
    ['performanceMeasures: null', { capacityBytes: '8M', performanceMeasures: {} }, TypeError],
    ['buffers of 0 bytes', { capacityBytes: '8M', tlabBytes: 0 }, RangeError],
    ['buffers above half a region', { capacityBytes: '8M', tlabBytes: MIB / 2 + 1 }, RangeError],
    ['stressEvery: -1', { capacityBytes: '8M', stressEvery: -1 }, RangeError],
    ['stressEvery: 1.5', { capacityBytes: '8M', stressEvery: 1.5 }, RangeError],
    ['delaySeed: text', { capacityBytes: '8M', delaySeed: 'x' }, TypeError],
  ])('that ask for %s are refused with ERR_OPTION and the accepted range', (_what, options, kind) => {
    let error: unknown;
    try {
      Heap.create(options as HeapOptions);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ code: 'ERR_OPTION' });
    expect((error as Error).message).toMatch(/must be .+, got /);
  });

  it.each([
    ['1', 1],
    ['512K', 512 * 1024],
    ['64M', 64 * MIB],
    ['64MiB', 64 * MIB],
    ['64 mb', 64 * MIB],
    ['1.5G', 1.5 * 1024 * MIB],
    ['1e3', undefined],
    [4096.2, 4097],
  ] as const)('read the size %j as %j bytes', (text, bytes) => {
    if (bytes === undefined) expect(() => parseBytes('size', text)).toThrow(/size/);
    else expect(parseBytes('size', text)).toBe(bytes);
  });

  it('round the capacity up to whole regions and put a reserve of an eighth, at least one, on top', () => {
    for (const [bytes, capacityRegions, reserveRegions] of [
      [MIB, 1, 1],
      [MIB + 1, 2, 1],
      [8 * MIB, 8, 1],
      [9 * MIB, 9, 2],
      [1024 * MIB, 1024, 128],
    ] as const) {
      expect(resolveOptions({ capacityBytes: bytes })).toMatchObject({ capacityRegions, reserveRegions });
    }
  });

  it('keep a heap at its capacity, unless another sizing is asked for, which starts at an eighth', () => {
    expect(resolveOptions({ capacityBytes: '64M' }).policy).toEqual({
      sizing: 'fixed',
      minBytes: 8 * MIB,
      memoryPricePerMib: 0.001,
      returnAfterMs: 300_000,
      evacuationBudgetBytes: 64 * MIB,
      movesEverything: false,
      stressFaults: false,
    });
    expect(resolveOptions({ capacityBytes: '1M', sizing: 'growable' }).policy.minBytes).toBe(MIB);
    expect(resolveOptions({ capacityBytes: '64M', sizing: 'adaptive', minBytes: '1.5M' }).policy.minBytes).toBe(2 * MIB);
  });

  it('take the reserve of the largest heap from inside: 16 GiB is all that a view reaches', () => {
    const { capacityRegions, reserveRegions } = resolveOptions({ capacityBytes: '16G' });
    expect(capacityRegions + reserveRegions).toBe(16 * 1024);
  });

  it.each([
    [MIB, 4],
    [64 * MIB, 16],
    [256 * 1024, undefined],
  ])('choose buffers of 1/64 of the capacity between one page and 16 (%j bytes: %j)', (capacityBytes, pages) => {
    if (pages === undefined) expect(() => resolveOptions({ capacityBytes })).toThrow();
    else expect(resolveOptions({ capacityBytes }).tlabPages).toBe(pages);
  });
});

describe.each(MODES)('a heap (fault mode %s)', (fault) => {
  it.each(['1M', '2M', '64M', '1G'])('of %s can be made, filled a little, collected and closed', async (capacityBytes) => {
    const heap = makeHeap({ capacityBytes, fault });
    const mutator = heap.attachMutator();
    const shape = heap.defineShape({ name: 'node', fields: { next: 'ref', value: 'u32' } });
    const handle = mutator.handle(mutator.allocate(shape));
    mutator.u32[mutator.get(handle) * 2 + 3] = 42;
    const { liveBytes } = await heap.collect({ kind: 'full' });
    expect(liveBytes).toBe(16);
    expect(mutator.u32[mutator.get(handle) * 2 + 3]).toBe(42);
    expect(heap.statistics().capacityBytes).toBe(parseBytes('capacity', capacityBytes));
  });

  it('says which mode it uses and why', () => {
    const { capabilities } = makeHeap({ capacityBytes: '1M', fault });
    expect(capabilities).toMatchObject({ faultMode: fault, requestedFaultMode: fault, reasons: [] });
    expect(capabilities.userfaultfd === 'none').toBe(fault === 'sigsegv' || fault === 'stw');
  });
});
