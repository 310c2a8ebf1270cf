/**
 * Life: what one mutator does in a soak round, in slices of some milliseconds. A slice that ends has found everything that it compared
 * in agreement with its model; the first difference is an exception.
 *
 * A full heap, and refused memory if the round provokes it, are not differences: the life makes room and goes on.
 */
import { makeRandom } from '../../test/support/random.mjs';
import { ShadowProgram } from '../../test/support/shadow-program.mjs';
import { exchange } from '../../test/support/shared-structures.mjs';
import { objectRound, SharedContainers } from './object-rounds.mjs';
import { Giants, rangeRound, stormRound } from './side-structures.mjs';
import { finalizerRound, weakRound } from './weak-rounds.mjs';

const SHADOW_WORDS_LIMIT = 1_000_000;
const ALLOCATIONS_UNDER_STRESS = 200;

export class Life {
  constructor(heap, { seed, thread, threads, load, capacityBytes, stressEvery }) {
    this.heap = heap;
    this.thread = thread;
    this.threads = threads;
    this.load = load;
    this.random = makeRandom(seed);
    this.shareBytes = (load.fill * capacityBytes) / threads;
    this.giantBytes = load.giants * capacityBytes;
    // Where every few allocations wait for a collection, with the other threads in turn, thousands of them would take minutes.
    this.most = stressEvery > 0 ? ALLOCATIONS_UNDER_STRESS * stressEvery : Infinity;
    this.figures = { operations: 0, comparisons: 0, exhausted: 0, noMemory: 0 };
    this.begin();
  }

  begin() {
    this.mutator = this.heap.attachMutator();
    this.program = undefined;
    this.giants = new Giants(this.heap, this.mutator, this.random);
    this.containers = new SharedContainers(this.heap, this.mutator, this.random);
    this.slices = 0;
  }

  /** A piece of work. */
  slice() {
    this.slices++;
    try {
      this.program ??= this.makeProgram();
      this.activity();
    } catch (error) {
      this.makeRoom(error);
    }
  }

  makeProgram() {
    return new ShadowProgram(this.heap, this.mutator, {
      seed: this.random.next(),
      liveWordsLimit: Math.min(SHADOW_WORDS_LIMIT, this.shareBytes / 8 / (this.giantBytes > 0 ? 2 : 1)),
      largeWords: this.load.largeWords,
      idBase: this.thread << 24,
    });
  }

  activity() {
    const { random, load, mutator, program, heap } = this;
    switch (random.below(20)) {
      case 0:
        if (load.handleStorms) this.figures.operations += stormRound(heap, mutator, random, this.most);
        return;
      case 1:
        if (load.rootRanges) this.figures.operations += rangeRound(heap, mutator, random, this.most);
        return;
      case 2:
        if (load.sharedTable) {
          let left = 300;
          const running = () => left-- > 0;
          this.figures.operations += exchange(heap, mutator, {
            thread: this.thread,
            threads: this.threads,
            seed: random.next(),
            running,
          }).written;
        }
        return;
      case 3:
        if (load.collections && random.chance(1, 4)) mutator.collect({ kind: random.pick(['compact', 'full']) });
        return;
      case 4:
        mutator.parked(() => {});
        if (load.trackUtilization) mutator.utilization(10);
        return;
      case 5:
        if (load.rebirths && random.chance(1, 4)) {
          this.compare();
          if (load.sharedContainers) this.containers.finish();
          mutator.detach();
          this.begin();
        }
        return;
      case 6:
      case 7:
        if (this.giantBytes > 0) this.figures.operations += this.giants.round(this.giantBytes, this.shareBytes / 2);
        return;
      case 8:
        if (load.weakStructures)
          this.figures.operations += weakRound(heap, mutator, random, this.most, load.collections && random.chance(1, 8));
        return;
      case 9:
        if (load.finalizers) this.figures.operations += finalizerRound(heap, mutator, random, this.most);
        return;
      case 10:
        if (load.objects) this.figures.operations += objectRound(heap, mutator, random, this.most);
        return;
      case 11:
        if (load.sharedContainers) this.figures.operations += this.containers.round();
        return;
      default:
        for (let i = 0; i < 150; i++) program.step();
        this.figures.operations += 150;
        if (load.sabotage === 'corruption' && this.slices > 20) this.corrupt();
        if (this.slices % 20 === 0) program.shrink(this.compare().words);
    }
  }

  corrupt() {
    const trunk = this.program.trunks[0];
    this.mutator.u32[this.program.getRoot(trunk) * 2 + trunk.model.shape.field('id').offset]++;
  }

  compare() {
    this.figures.comparisons++;
    this.giants.compare();
    return this.program?.compare() ?? { words: 0, objects: 0 };
  }

  makeRoom(error) {
    if (error?.code === 'ERR_HEAP_EXHAUSTED') this.figures.exhausted++;
    else if (error?.code === 'ERR_NO_MEMORY' && this.load.refusals) this.figures.noMemory++;
    else throw error;
    if (this.program === undefined) {
      // Its constructor did not come to its end: what it took goes with the mutator.
      this.mutator.detach();
      this.begin();
      return;
    }
    this.giants.releaseHalf();
    this.program.shrink(Infinity);
    this.compare();
  }

  /** The last comparison; the mutator is gone afterwards. */
  finish() {
    this.compare();
    if (this.load.sharedContainers) this.containers.finish();
    this.mutator.detach();
    return this.figures;
  }
}
