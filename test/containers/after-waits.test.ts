/**
 * Objects move while an operation waits: whatever it waited for, it continues at the objects' new places. And if a checked heap's
 * safepoint is interrupted, nothing that was taken out is lost.
 */
import { describe, expect, it, vi } from 'vitest';
import { LEAF } from '../objects/support.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { internalsOf } from '../support/internals.ts';
import { MODES } from '../support/modes.ts';

describe.each(MODES)('an operation that waited (fault mode %s)', (fault) => {
  it('goes on where its objects are then', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    const { queues, locks, conditions } = heap.containers;
    const { weakMaps } = mutator;
    const garbage = heap.defineShape(LEAF);
    const at = (handle: number): number => mutator.get(handle);
    // Behind garbage, so that they move down when that goes.
    for (let i = 0; i < 20_000; i++) mutator.allocate(garbage);
    const keys = [0, 1, 2].map(() => mutator.handle(mutator.allocate(garbage)));
    const [map, queue, full] = [weakMaps.allocate, () => queues.allocate('ref'), () => queues.allocate('ref', 1)].map((make) =>
      mutator.handle(make.call(weakMaps)),
    ) as [number, number, number];
    const [lock, condition] = [mutator.handle(locks.allocate()), mutator.handle(conditions.allocate())];
    for (const key of keys) weakMaps.set(at(map), at(key), at(key));
    queues.enqueue(at(full), at(keys[0]!));

    const handles = [...keys, map, queue, full, lock, condition];
    const stayed: string[] = [];
    /** Everything is moved while the operation is parked for the first time; then what it waits for comes. */
    const waited = <T>(name: string, come: () => void, operation: () => T): T => {
      for (let i = 0; i < 20_000; i++) mutator.allocate(garbage);
      const moved = new Set<number>();
      let parked = 0;
      const park = vi.spyOn(mutator, 'parkAll').mockImplementation(<R>(): R => {
        park.mockRestore();
        parked++;
        const before = handles.map(at);
        // With more garbage in front of them each time.
        for (let tries = 0; tries < 4 && moved.size < handles.length; tries++) {
          for (let i = 0; i < 5_000 * (tries + 1); i++) mutator.allocate(garbage);
          mutator.collect({ kind: 'full' });
          handles.forEach((handle, i) => at(handle) !== before[i] && moved.add(handle));
        }
        come();
        return undefined as R;
      });
      try {
        return operation();
      } finally {
        park.mockRestore();
        if (parked === 0) stayed.push(`${name}: did not wait`);
        if (moved.size === 0) stayed.push(`${name}: nothing moved`);
      }
    };
    const mapLock = weakMaps.shape.offsets['lock']!;
    const hold = (): void => void (mutator.u32[at(map) * 2 + mapLock] = 1);
    const free = (): void => void (mutator.u32[at(map) * 2 + mapLock] = 0);
    const wordOf = heap.shape('faultline.lock').offsets['word']!;

    hold();
    expect(waited('weakMaps.get', free, () => weakMaps.get(at(map), at(keys[1]!)))).toBe(at(keys[1]!));
    hold();
    expect(waited('weakMaps.has', free, () => weakMaps.has(at(map), at(keys[1]!)))).toBe(true);
    hold();
    waited('weakMaps.set', free, () => weakMaps.set(at(map), at(keys[0]!), at(keys[2]!)));
    expect(weakMaps.get(at(map), at(keys[0]!))).toBe(at(keys[2]!));
    hold();
    expect(waited('weakMaps.delete', free, () => weakMaps.delete(at(map), at(keys[1]!)))).toBe(true);
    expect(weakMaps.has(at(map), at(keys[1]!))).toBe(false);

    // An element that comes by one store, as another thread's would: linked behind the dummy.
    queues.enqueue(at(queue), at(keys[1]!));
    const { head, tail } = heap.shape('faultline.queue.ref').offsets;
    const next = heap.shape('faultline.queue-node.ref').offsets['next']!;
    const dummy = (): number => mutator.getReference(at(queue) * 2 + head!);
    const node = mutator.handle(mutator.getReference(dummy() * 2 + next));
    mutator.setReference(at(queue) * 2 + tail!, dummy());
    mutator.setReference(dummy() * 2 + next, 0);
    const link = (): void => mutator.setReference(dummy() * 2 + next, at(node));
    expect(waited('queues.dequeueWait', link, () => queues.dequeueWait(at(queue)))).toBe(at(keys[1]!));
    expect(
      waited(
        'queues.enqueueWait',
        () => queues.dequeue(at(full)),
        () => queues.enqueueWait(at(full), at(keys[2]!)),
      ),
    ).toBe(true);
    expect(queues.dequeue(at(full))).toBe(at(keys[2]!));

    // Of another mutator, which lives until it gives the lock back.
    mutator.u32[at(lock) * 2 + wordOf] = 0x7fff_fff0;
    const lives = vi.spyOn(internalsOf(mutator), 'isAttached').mockReturnValue(true);
    expect(
      waited(
        'locks.lock',
        () => void (mutator.u32[at(lock) * 2 + wordOf] = 0),
        () => locks.lock(at(lock)),
      ),
    ).toBe(true);
    lives.mockRestore();
    expect(locks.isOwned(at(lock))).toBe(true);
    expect(
      waited(
        'conditions.wait',
        () => conditions.notifyAll(at(condition)),
        () => conditions.wait(at(condition), at(lock)),
      ),
    ).toBe(true);
    expect(locks.isOwned(at(lock))).toBe(true);
    expect(stayed).toEqual([]);
  }, 30_000);
});

describe('taking out of a container in a checked heap', () => {
  it('takes nothing when it is interrupted at the safepoint that it counts as', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw', checked: true });
    const { arrays, queues } = heap.containers;
    const array = mutator.handle(arrays.allocate('ref'));
    const queue = mutator.handle(queues.allocate('ref'));
    arrays.push(mutator.get(array), mutator.get(queue));
    queues.enqueue(mutator.get(queue), mutator.get(array));
    const takes = {
      pop: () => arrays.pop(mutator.get(array)),
      dequeueWait: () => queues.dequeueWait(mutator.get(queue)),
    };
    for (const [name, take] of Object.entries(takes)) {
      const passed = vi.spyOn(internalsOf(mutator), 'passed').mockImplementationOnce(() => {
        throw new RangeError('interrupted');
      });
      expect(take, name).toThrow('interrupted');
      passed.mockRestore();
    }
    expect(arrays.length(mutator.get(array))).toBe(1);
    expect(queues.length(mutator.get(queue))).toBe(1);
    expect(takes.pop()).toBe(mutator.get(queue));
    expect(takes.dequeueWait()).toBe(mutator.get(array));
  });

  it('needs none of the local handles of the program', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw', checked: true });
    const { arrays } = heap.containers;
    const array = mutator.handle(arrays.allocate('ref'));
    arrays.push(mutator.get(array), mutator.get(array));
    mutator.scope(() => {
      expect(() => {
        for (;;) mutator.local(0);
      }).toThrow(/local handles/);
      expect(arrays.get(mutator.get(array), 0)).toBe(mutator.get(array));
      expect(arrays.pop(mutator.get(array))).toBe(mutator.get(array));
    });
  });
});
