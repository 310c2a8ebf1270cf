/**
 * Disturbances: what happens to the heaps of a round from outside their mutators: collections requested for no reason, refused system
 * calls, terminated threads, other heaps that come and go.
 */
import { constants } from 'node:os';
import { binding } from '../../dist/binding.js';
import { Heap } from '../../dist/index.js';

const { ENOMEM, EINVAL, ENOSPC, EAGAIN, EFAULT } = constants.errno;

/** Refusals that a running heap survives. The answers of CONTINUE are those that are asked for again. */
const REFUSALS = [
  ['mremap', ENOMEM],
  ['register', EINVAL],
  ['register', ENOMEM],
  ['populate', ENOMEM],
  ['punch-hole', ENOSPC],
  ['mprotect', ENOMEM],
  ['continue', EAGAIN],
  ['continue', EFAULT],
  ['continue', ENOMEM],
  ['mmap', ENOMEM],
  ['memfd_create', ENOMEM],
  ['ftruncate', ENOSPC],
];
const NAMES = [...new Set(REFUSALS.map(([name]) => name))];
/** How making another heap may end while system calls are refused. */
const CREATION_REFUSED = new Set(['ERR_HEAP_CREATE', 'ERR_FAULT_MODE', 'ERR_UFFD_UNAVAILABLE', 'ERR_UFFD_NO_MINOR_FAULTS']);

/** No refusal any more. */
export function calm() {
  for (const name of NAMES) binding().armRefusal(name, 0, 0, 0);
}

export class Disturbances {
  figures = { disturbances: 0, refusals: 0, collections: 0, otherHeaps: 0 };
  #next = 0;
  #creators;

  constructor({ random, load, options, heaps, replaceThread, fail }) {
    Object.assign(this, { random, load, options, heaps, replaceThread, fail });
    this.#creators = heaps.map(({ creator }) => creator).filter((creator) => creator !== undefined);
    this.kinds = [
      () => this.collect(),
      () => this.look(),
      ...(load.refusals ? [() => this.refuse(), () => this.refuse()] : []),
      ...(load.deaths ? [() => this.replaceThread()] : []),
      ...(load.controlDeath ? [() => this.killCreator()] : []),
      ...(load.otherHeaps ? [() => this.otherHeap()] : []),
    ];
  }

  async maybe() {
    const now = performance.now();
    if (now < this.#next) return;
    this.#next = now + 5 + this.random.below(150);
    this.figures.disturbances++;
    await this.random.pick(this.kinds)();
  }

  /** Not waited for. */
  collect() {
    const { heap } = this.random.pick(this.heaps);
    this.figures.collections++;
    heap.collect({ kind: this.random.pick(['compact', 'full']) }).catch((error) => error.code === 'ERR_HEAP_CLOSED' || this.fail(error));
  }

  look() {
    const { heap } = this.random.pick(this.heaps);
    heap.statistics();
    if (this.random.chance(1, 4)) heap.verify().catch((error) => error.code === 'ERR_HEAP_CLOSED' || this.fail(error));
    if (this.random.chance(1, 8)) this.#unlessRefused(() => heap.measureBareFault(20));
  }

  /** What makes mappings of its own may be refused where the round asks for that. */
  #unlessRefused(action) {
    try {
      action();
    } catch (error) {
      if (!this.load.refusals || !CREATION_REFUSED.has(error.code)) throw error;
    }
  }

  refuse() {
    const [name, errno] = this.random.pick(REFUSALS);
    this.figures.refusals++;
    binding().armRefusal(name, errno, this.random.below(4), 1 + this.random.below(this.random.chance(1, 4) ? 200 : 3));
  }

  async killCreator() {
    // Late in the round, so that there is something to lose; once.
    if (!this.random.chance(1, 4)) return;
    await this.#creators.pop()?.terminate();
  }

  async otherHeap() {
    try {
      const heap = Heap.create({ capacityBytes: '2M', fault: this.options.fault, workers: this.random.below(2) });
      const mutator = heap.attachMutator();
      const shape = heap.defineShape({ name: 'bytes', elements: 'u8' });
      for (let i = 0; i < 2_000; i++) mutator.allocate(shape, this.random.below(2_000));
      if (this.random.chance(1, 2)) await heap.collect({ kind: 'full' });
      await heap.close();
      this.figures.otherHeaps++;
    } catch (error) {
      const expected = CREATION_REFUSED.has(error.code) || error.code === 'ERR_NO_MEMORY' || error.code === 'ERR_HEAP_EXHAUSTED';
      if (!this.load.refusals || !expected) throw error;
    }
  }
}
