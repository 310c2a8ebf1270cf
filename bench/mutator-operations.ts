/**
 * Operations of a mutator by raw reference: allocation, safepoints, roots, and weak structures.
 */
import { Heap } from 'faultline';
import { type Arms, compare, type OperationFigures } from './object-operations.ts';

const KEYS = 256;

export async function measureMutatorOperations(turns: number): Promise<OperationFigures[]> {
  const heap = Heap.create({ capacityBytes: '64M' });
  const mutator = heap.attachMutator();
  const { u32, weakMaps, weakReferences } = mutator;
  const Cell = heap.defineShape({ name: 'cell', fields: { next: 'ref', number: 'u32' } });
  const Bytes = heap.defineShape({ name: 'bytes', elements: 'u8' });
  const { next } = Cell.offsets;
  const kept: unknown[] = new Array(16).fill(null);
  const cell = mutator.handle(mutator.allocate(Cell));
  const plainCell = { next: null as unknown, number: 0 };
  const range = mutator.createRootRange(16);
  const weak = mutator.handle(weakReferences.allocate(mutator.get(cell)));
  const plainWeak = new WeakRef(plainCell);
  const map = mutator.handle(weakMaps.allocate());
  const plainMap = new WeakMap<object, number>();
  const keys = Array.from({ length: KEYS }, () => mutator.handle(mutator.allocate(Cell)));
  const plainKeys = keys.map((_, number) => ({ number }));
  keys.forEach((key, i) => {
    weakMaps.set(mutator.get(map), mutator.get(key), mutator.get(key));
    plainMap.set(plainKeys[i]!, i);
  });
  const stack: unknown[] = [];

  const operations: Record<string, Arms> = {
    'allocate, 2 fields': {
      heap: () => mutator.allocate(Cell),
      plain: (i) => (kept[i & 15] = { next: null, number: 0 }),
      against: 'an object literal',
    },
    'allocate, 256 bytes': {
      heap: () => mutator.allocate(Bytes, 256),
      plain: (i) => (kept[i & 15] = new Uint8Array(256)),
      against: 'a Uint8Array',
    },
    'safepoint poll': { heap: () => mutator.poll() },
    'load of a reference, raw': { heap: () => u32[mutator.get(cell) * 2 + next], plain: () => plainCell.next },
    'store of a reference, raw': {
      heap: () => mutator.setReference(mutator.get(cell) * 2 + next, 0),
      plain: () => (plainCell.next = null),
    },
    'handle and release': {
      heap: () => mutator.release(mutator.handle(0)),
      plain: () => (stack.push(plainCell), stack.pop()),
      against: 'push and pop',
    },
    'local handle': {
      heap: () => mutator.scope(() => mutator.local(0)),
      plain: () => (stack.push(plainCell), stack.pop()),
      against: 'push and pop',
    },
    'root range, push and pop': {
      heap: () => {
        range.slots[range.used++] = 0;
        range.used--;
      },
      plain: () => (stack.push(plainCell), stack.pop()),
      against: 'push and pop',
    },
    'weak reference, get': { heap: () => weakReferences.get(mutator.get(weak)), plain: () => plainWeak.deref(), against: 'WeakRef.deref' },
    'weak map, get': {
      heap: (i) => weakMaps.get(mutator.get(map), mutator.get(keys[i & (KEYS - 1)]!)),
      plain: (i) => plainMap.get(plainKeys[i & (KEYS - 1)]!),
      against: 'WeakMap.get',
    },
    'weak map, set of a known key': {
      heap: (i) => weakMaps.set(mutator.get(map), mutator.get(keys[i & (KEYS - 1)]!), 0),
      plain: (i) => plainMap.set(plainKeys[i & (KEYS - 1)]!, i),
      against: 'WeakMap.set',
    },
    'identity hash': { heap: () => mutator.identityHash(mutator.get(cell)) },
  };
  const figures = compare(mutator, operations, turns);
  mutator.detach();
  await heap.close();
  return figures;
}
