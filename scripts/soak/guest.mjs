/**
 * Guest: a second, third … mutator of a soak thread, in another thread's heap: the pauses and waits of the two heaps must never
 * make two threads wait for each other. Keeps almost nothing alive. Now and then a `vm` time limit or a full stack interrupts it at
 * any place.
 */
import vm from 'node:vm';

const KEPT = 64;
const RUNNING = 1;
const EXPECTED = new Set(['ERR_HEAP_EXHAUSTED', 'ERR_NO_MEMORY']);

export class Guest {
  constructor(heap, random) {
    this.heap = heap;
    this.random = random;
    this.mutator = heap.attachMutator();
    this.shape = heap.defineShape({ name: 'guest', fields: { next: 'ref', number: 'u32' } });
    this.head = this.mutator.handle(0);
    this.never = new Int32Array(new SharedArrayBuffer(4));
    this.context = vm.createContext({ run: () => this.work() });
    this.script = new vm.Script('for (;;) run();');
    this.cuts = 0;
  }

  slice(cuts) {
    try {
      if (cuts && this.random.chance(1, 3)) this.cut();
      // biome-ignore lint/suspicious/noDuplicateElseIf: a choice that is drawn again is another one.
      else if (cuts && this.random.chance(1, 3)) this.overflow();
      else this.work();
      if (this.random.chance(1, 20)) this.renew();
    } catch (error) {
      if (!EXPECTED.has(error.code)) throw error;
    }
  }

  work() {
    const { mutator, random, never } = this;
    switch (random.below(8)) {
      case 0:
        mutator.parked(() => Atomics.wait(never, 0, 0, 0.2));
        return;
      case 1:
        mutator.parkAll(() => Atomics.wait(never, 0, 0, 0.2));
        return;
      case 2:
        if (random.chance(1, 30)) mutator.collect();
        return;
      case 3:
        mutator.park();
        mutator.createRootRange(4).release();
        mutator.unpark();
        return;
      default:
        for (let i = 0; i < 300; i++) mutator.allocate(this.shape);
        mutator.poll();
    }
  }

  /** The list that is kept is right, and is made anew. */
  renew() {
    const { mutator, shape, head } = this;
    const { next, number } = shape.offsets;
    let expected = -1;
    for (let ref = mutator.get(head); ref !== 0; ref = mutator.getReference(ref * 2 + next)) {
      const found = mutator.u32[ref * 2 + number];
      if (expected >= 0 && found !== expected) throw new Error(`a guest's node ${expected} is ${found}`);
      expected = found - 1;
    }
    mutator.set(head, 0);
    for (let i = 0; i < KEPT; i++) {
      const ref = mutator.allocate(shape);
      mutator.u32[ref * 2 + number] = i;
      mutator.setReference(ref * 2 + next, mutator.get(head));
      mutator.set(head, ref);
    }
  }

  cut() {
    try {
      this.script.runInContext(this.context, { timeout: 1 + this.random.below(8) });
    } catch (error) {
      if (error.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      this.wasCut();
    }
  }

  /** Works where the stack has next to no room left, and with a frame more each time, until that is enough. */
  overflow() {
    const descend = () => {
      try {
        descend();
        return;
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      this.wasCut();
      this.work();
    };
    descend();
  }

  /** Between park and unpark, which are two calls, it is the program that has parked it. */
  wasCut() {
    const { control } = this.mutator.allocationBuffer;
    if ((control[0] & RUNNING) === 0) this.mutator.unpark();
    this.cuts++;
  }

  finish() {
    this.renew();
    this.mutator.detach();
  }
}
