/**
 * replay: the object graph of a real program, read from a V8 heap snapshot and changed as `faultline run` does it: the same sizes and
 * contents of objects (src/cli/run/object-layout.ts), the same kinds of change (src/cli/run/graph-mutator.ts), with these departures, so
 * that a seed has one outcome: each mutator has the graph for itself, and nothing is dropped because memory is short.
 *
 *     walk       from a random node along random slots; every object is checked (with each operation)
 *     replace    along a walk: each object's successor is copied, and the slot and the directory are swung to the copy
 *     keep       a copy of a path, from a root of its own; dropped later, as a whole
 *     revisit    walks from a kept path, which is dropped half of the time
 *     litter     data that is soon garbage
 *     reconcile  slot after slot is swung to the object that the directory leads to, so that copies do not pile up
 */
import { inlineWords, payloadAt, payloadElements, snapshots } from './command.ts';
import { Random } from './random.ts';
import { HeapReplay, KEPT_PATHS, LITTER_PLACES, PlainReplay, type ReplayMemory } from './replay-memory.ts';
import { knob, type Material, type Parameters, Work, type Workload } from './workload.ts';

const WALK_OBJECTS = 64;
const LONGEST_PATH = 16;
const RECONCILED_SLOTS = 256;
const MOST_LITTER_WORDS = 128;
/** Nodes with more references are walked over, but not copied. */
const BIG_REFERENCES = 2048;

class Replay extends Work {
  readonly #memory: ReplayMemory;
  readonly #random: Random;
  readonly #graph: Material;
  readonly #nodes: number;
  readonly #kept = new Int32Array(KEPT_PATHS).fill(-1);
  #reconciledNode = 0;
  #reconciledSlot = 0;

  constructor(memory: ReplayMemory, graph: Material | undefined, seed: number) {
    super();
    if (graph === undefined) throw new TypeError('replay needs a graph');
    this.#memory = memory;
    this.#random = new Random(seed);
    this.#graph = graph;
    this.#nodes = graph.selfBytes.length;
  }

  build(): void {
    this.#memory.makeDirectory(this.#nodes);
    for (let node = 0; node < this.#nodes; node++) this.#memory.makeNode(node, this.#references(node), this.#graph.selfBytes[node]!);
    for (let node = 0; node < this.#nodes; node++) {
      const first = this.#graph.firstEdge[node]!;
      const references = this.#references(node);
      for (let slot = 0; slot < references; slot++) this.#memory.reconcile(node, slot, this.#graph.edgeTarget[first + slot]!);
      this.#memory.poll();
    }
  }

  step(_index: number): void {
    const start = this.#random.below(this.#nodes);
    this.#memory.walkFrom(start);
    this.#walk(start);
    const dice = this.#random.below(32);
    if (dice < 14) this.#replace();
    else if (dice < 17) this.#keep();
    else if (dice < 20) this.#revisit();
    else if (dice < 26) this.#memory.makeLitter(this.#random.below(LITTER_PLACES), 1 + this.#random.below(MOST_LITTER_WORDS));
    else this.#reconcile();
  }

  verify(): void {
    for (let node = 0; node < this.#nodes; node++) {
      const first = this.#graph.firstEdge[node]!;
      const references = this.#references(node);
      this.#memory.walkFrom(node);
      this.#checkObject(node);
      for (let slot = 0; slot < references; slot++) {
        this.#memory.walkFrom(node);
        this.#memory.follow(slot);
        this.check(this.#memory.identity() === this.#graph.edgeTarget[first + slot]);
      }
    }
    for (const node of this.#kept) this.add(node);
  }

  corrupt(): void {
    for (let node = 0; node < this.#nodes; node++) this.#memory.spoil(node);
  }

  #references(node: number): number {
    return this.#graph.firstEdge[node + 1]! - this.#graph.firstEdge[node]!;
  }

  /** From where the memory is, which is an object of that node. */
  #walk(start: number): void {
    let node = start;
    for (let steps = 0; steps < WALK_OBJECTS; steps++) {
      this.#checkObject(node);
      const references = this.#references(node);
      if (references === 0) break;
      const slot = this.#random.below(references);
      this.#memory.follow(slot);
      node = this.#graph.edgeTarget[this.#graph.firstEdge[node]! + slot]!;
    }
    this.add(node);
  }

  #checkObject(node: number): void {
    const references = this.#references(node);
    this.check(this.#memory.identity() === node);
    this.check(this.#memory.references() === references);
    const selfBytes = this.#graph.selfBytes[node]!;
    const inline = inlineWords(selfBytes, references) * 2;
    if (inline > 0) {
      const index = this.#random.below(inline);
      this.check(this.#memory.inline(index) === payloadAt(node, index));
      return;
    }
    const payload = payloadElements(selfBytes, references) >>> 1;
    if (payload === 0) return;
    const index = this.#random.below(payload);
    this.check(this.#memory.payload(index) === payloadAt(node, index));
  }

  #replace(): void {
    const node = this.#random.below(this.#nodes);
    this.#memory.ownFrom(node);
    this.#copyPath(node, 1 + this.#random.below(LONGEST_PATH), true);
  }

  #keep(): void {
    const kept = this.#random.below(KEPT_PATHS);
    const node = this.#random.below(this.#nodes);
    this.#drop(kept);
    if (this.#references(node) > BIG_REFERENCES) return;
    this.#memory.keep(kept, node);
    this.#kept[kept] = node;
    this.#copyPath(node, this.#random.below(LONGEST_PATH), false);
  }

  #revisit(): void {
    const kept = this.#random.below(KEPT_PATHS);
    const node = this.#kept[kept]!;
    if (node < 0) return;
    this.#memory.walkFromKept(kept);
    this.#walk(node);
    if (this.#random.below(2) === 0) this.#drop(kept);
  }

  #drop(kept: number): void {
    this.#memory.drop(kept);
    this.#kept[kept] = -1;
  }

  /** From the owner that the memory has, which is an object of that node. */
  #copyPath(start: number, length: number, everywhere: boolean): void {
    let node = start;
    for (let copied = 0; copied < length; copied++) {
      const references = this.#references(node);
      if (references === 0) break;
      const slot = this.#random.below(references);
      node = this.#graph.edgeTarget[this.#graph.firstEdge[node]! + slot]!;
      if (this.#references(node) > BIG_REFERENCES) this.#memory.ownNext(slot);
      else this.#memory.copyNext(slot, everywhere ? node : -1);
    }
    this.#memory.disown();
  }

  #reconcile(): void {
    for (let budget = RECONCILED_SLOTS; budget > 0; ) {
      const node = this.#reconciledNode;
      const first = this.#graph.firstEdge[node]!;
      const references = this.#references(node);
      for (; this.#reconciledSlot < references && budget > 0; budget--) {
        this.#memory.reconcile(node, this.#reconciledSlot, this.#graph.edgeTarget[first + this.#reconciledSlot]!);
        this.#reconciledSlot++;
      }
      if (this.#reconciledSlot < references) return;
      budget--;
      this.#reconciledSlot = 0;
      this.#reconciledNode = (node + 1) % this.#nodes;
    }
  }
}

/** Where `snapshot` names no file, the one that `faultline run` takes of a sample program is used. */
async function readGraph(path: string | undefined): Promise<Material> {
  const { defaultSnapshot, readSnapshot } = await snapshots();
  const { firstEdge, edgeTarget, selfBytes } = await readSnapshot(path ?? (await defaultSnapshot()));
  return { firstEdge, edgeTarget, selfBytes };
}

export const replay: Workload = {
  name: 'replay',
  quick: { warmUpOperations: 1000, operations: 10_000 },
  unit: 'walks with a change',
  hasRequests: true,
  defaults: { warmUpOperations: 20_000, operations: 200_000 },
  texts: ['snapshot'],
  prepare: ({ snapshot }) => readGraph(snapshot),
  plan: (parameters: Parameters) => ({ warmUp: knob(parameters, 'warmUpOperations'), operations: knob(parameters, 'operations') }),
  onHeap: (memory, _parameters, seed, graph) => new Replay(new HeapReplay(memory), graph, seed),
  plain: (_parameters, seed, graph) => new Replay(new PlainReplay(), graph, seed),
};
