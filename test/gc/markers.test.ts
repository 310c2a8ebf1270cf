/**
 * Markers: which one a heap uses, and that each of them keeps everything alive that a program can still reach.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Probe } from '../../src/binding.ts';
import { bestMarker, judgeMarkers } from '../../src/gc/markers.ts';
import { binding, Heap } from '../support/faultline.ts';
import { countdown, LinkedList, makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { MARKERS, MODES, rounds } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';
import { ShadowProgram } from '../support/shadow-program.mjs';

const ENOTTY = 25;
const probe = binding().probe();
const withoutTracking: Probe = { ...probe, writeTracking: { errno: ENOTTY, syscall: 'ioctl(PAGEMAP_SCAN)' } };

afterEach(() => {
  binding().forgetNotices();
  binding().armRefusal('pagemap-scan', 0, 0, 0);
});

describe('a machine', () => {
  it.each<[string, Probe, boolean, string, string]>([
    ['with write tracking marks without a barrier', { ...probe, writeTracking: { errno: 0, syscall: '' } }, false, 'x64', 'barrier-free'],
    ['without it stops threads for marking', withoutTracking, false, 'x64', 'stopped'],
    ['without it takes the write barrier that the program promises', withoutTracking, true, 'x64', 'satb'],
    ['whose stores are not ordered does too', { ...probe, writeTracking: { errno: 0, syscall: '' } }, true, 'arm64', 'satb'],
    ['whose stores are not ordered stops threads for marking', probe, false, 'arm64', 'stopped'],
  ])('%s', (_what, machine, barrieredStores, arch, expected) => {
    expect(bestMarker(judgeMarkers(machine, barrieredStores, arch))).toBe(expected);
  });

  it('is told why it has no better marker', () => {
    const remarks = judgeMarkers(withoutTracking, false, 'x64').map(({ remark }) => remark);
    expect(remarks[0]).toMatch(/ENOTTY.*6\.7/);
    expect(remarks[1]).toContain('barrieredStores');
    expect(judgeMarkers(probe, false, 'arm64')[0]!.remark).toContain('arm64');
  });
});

describe('a heap', () => {
  it.each(MARKERS)('with marker %s says so', (marker) => {
    expect(makeHeap({ capacityBytes: '2M', marker }).capabilities.marker).toBe(marker);
  });

  it('uses the best marker of the machine', () => {
    expect(makeHeap({ capacityBytes: '2M' }).capabilities.marker).toBe(bestMarker(judgeMarkers(probe, false)));
  });

  it('whose kernel refuses to track writes stops threads for marking, and says so once', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    binding().armRefusal('pagemap-scan', ENOTTY, 0, 1_000);
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: MODES[0]! });
    expect(heap.capabilities.marker).toBe('stopped');
    expect(heap.capabilities.reasons.join()).toContain('ENOTTY');
    expect(warn).toHaveBeenCalledOnce();
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('marker'), { code: 'FAULTLINE_DEGRADED' });
    warn.mockRestore();
    const list = new LinkedList(heap, mutator);
    for (let i = 0; i <= 1000; i++) list.push(i);
    await heap.collect({ kind: 'full' });
    expect(list.values()).toEqual(countdown(1000));
  });

  it('that is to mark without a barrier throws ERR_MARKER where that is impossible', () => {
    binding().armRefusal('pagemap-scan', ENOTTY, 0, 1_000);
    expect(() => Heap.create({ capacityBytes: '2M', marker: 'barrier-free' })).toThrow(expect.objectContaining({ code: 'ERR_MARKER' }));
  });

  it('that is to use the write barrier throws ERR_MARKER when the program does not promise to', () => {
    expect(() => Heap.create({ capacityBytes: '2M', marker: 'satb', barrieredStores: false })).toThrow(
      expect.objectContaining({ code: 'ERR_MARKER' }),
    );
  });
});

describe.each(MARKERS)('the marker %s', (marker) => {
  it.each([
    { stressEvery: 5, steps: rounds(3_000, 600) },
    { stressEvery: 97, steps: rounds(15_000, 4_000) },
  ])('keeps the graph of a random program with a collection at every $stressEvery. allocation', ({ stressEvery, steps }) => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', marker, stressEvery, delaySeed: seed });
    new ShadowProgram(heap, mutator, { seed, liveWordsLimit: 200_000 }).run(steps);
    expect(heap.statistics().cycles.compacting).toBeGreaterThan(0);
  });

  it('keeps the graph of a program that runs all the while, with large objects', async () => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '24M', marker, delaySeed: seed });
    const program = new ShadowProgram(heap, mutator, { seed, liveWordsLimit: 700_000, largeWords: 70_000 });
    for (let i = 0; i < rounds(30, 8); i++) {
      const collected = heap.collect({ kind: i % 4 === 3 ? 'full' : 'compact' });
      program.run(600, 300);
      await collected;
    }
    expect(heap.statistics().cycles.compacting).toBeGreaterThan(0);
  });
});
