/**
 * The memory of the workload replay: objects that stand for a snapshot's nodes, on a heap and as plain objects.
 */
import type { Ref } from 'faultline';
import type { BenchMutator, BenchShape } from './bench-mutator.ts';
import { inlineWords, MAX_INLINE_WORDS, payloadAt, payloadElements } from './command.ts';
import { RootTable } from './root-table.ts';

export const KEPT_PATHS = 64;
export const LITTER_PLACES = 64;

/**
 * Objects by way of a directory, which has one for each node. A walk has a place (no safepoint until its end); what copies has an
 * owner, whose slots are changed.
 */
export interface ReplayMemory {
  /** The two are safepoints. */
  makeDirectory(count: number): void;
  makeNode(node: number, references: number, selfBytes: number): void;
  /** Swings a slot of the node's object to the object that the directory has for the target. */
  reconcile(node: number, slot: number, target: number): void;
  walkFrom(node: number): void;
  walkFromKept(kept: number): void;
  follow(slot: number): void;
  /** Of the walk's place. */
  identity(): number;
  references(): number;
  inline(index: number): number;
  payload(index: number): number;
  ownFrom(node: number): void;
  /** The owner's successor is the next owner. */
  ownNext(slot: number): void;
  /** A copy of the owner's successor takes its place, also in the directory if a node is given, and is the next owner. A safepoint. */
  copyNext(slot: number, node: number): void;
  disown(): void;
  /** Keeps a copy of the node's object, which is the next owner. A safepoint. */
  keep(kept: number, node: number): void;
  drop(kept: number): void;
  /** In the place of what was made there before. A safepoint. */
  makeLitter(place: number, words: number): void;
  poll(): void;
  spoil(node: number): void;
}

const DIRECTORY = 0;
const OWNER = 1;
const SOURCE = 2;
const COPY = 3;
const FIRST_KEPT = 4;
const FIRST_LITTER = FIRST_KEPT + KEPT_PATHS;

/** u32 slots from an object's start, as in object-layout.ts. */
const PAYLOAD = 2;
const IDENTITY = 3;
const INLINE = 4;

export class HeapReplay implements ReplayMemory {
  readonly #memory: BenchMutator;
  readonly #roots: Uint32Array;
  readonly #u32: Uint32Array;
  readonly #directory: RootTable;
  readonly #doubles: BenchShape;
  /** By inline words, and by shape id. */
  readonly #shapes: BenchShape[] = [];
  readonly #byId: BenchShape[] = [];
  #place: Ref = 0;

  constructor(memory: BenchMutator) {
    this.#memory = memory;
    this.#roots = memory.roots;
    this.#u32 = memory.u32;
    this.#directory = new RootTable(memory, DIRECTORY);
    this.#doubles = memory.defineArray('bench.doubles', 0, false);
    for (let words = 0; words <= MAX_INLINE_WORDS; words++) {
      const shape = memory.defineShape(`bench.graph-node+${words * 8}`, 1, 1 + words * 2, 'references');
      this.#shapes.push(shape);
      this.#byId[shape.shape.id] = shape;
    }
  }

  makeDirectory(count: number): void {
    this.#directory.build(count);
  }

  makeNode(node: number, references: number, selfBytes: number): void {
    const words = inlineWords(selfBytes, references);
    const made = this.#memory.allocate(this.#shapes[words]!, references);
    this.#u32[made * 2 + IDENTITY] = node;
    for (let index = 0; index < words * 2; index++) this.#u32[made * 2 + INLINE + index] = payloadAt(node, index);
    this.#memory.store(this.#directory.slot(node), made);
    const elements = payloadElements(selfBytes, references) >>> 1;
    if (elements === 0) return;
    const payload = this.#memory.allocate(this.#doubles, elements);
    const first = payload + this.#doubles.elements;
    for (let index = 0; index < elements; index++) this.#memory.f64[first + index] = payloadAt(node, index);
    this.#memory.store(this.#memory.load(this.#directory.slot(node)) * 2 + PAYLOAD, payload);
  }

  reconcile(node: number, slot: number, target: number): void {
    const at = this.#slot(this.#memory.load(this.#directory.slot(node)), slot);
    const best = this.#memory.load(this.#directory.slot(target));
    if (this.#memory.load(at) !== best) this.#memory.store(at, best);
  }

  walkFrom(node: number): void {
    this.#place = this.#memory.load(this.#directory.slot(node));
  }

  walkFromKept(kept: number): void {
    this.#place = this.#roots[FIRST_KEPT + kept]!;
  }

  follow(slot: number): void {
    this.#place = this.#memory.load(this.#slot(this.#place, slot));
  }

  identity(): number {
    return this.#u32[this.#place * 2 + IDENTITY]!;
  }

  references(): number {
    return this.#memory.count(this.#place);
  }

  inline(index: number): number {
    return this.#u32[this.#place * 2 + INLINE + index]!;
  }

  payload(index: number): number {
    return this.#memory.f64[this.#memory.load(this.#place * 2 + PAYLOAD) + this.#doubles.elements + index]!;
  }

  ownFrom(node: number): void {
    this.#roots[OWNER] = this.#memory.load(this.#directory.slot(node));
  }

  ownNext(slot: number): void {
    this.#roots[OWNER] = this.#memory.load(this.#slot(this.#roots[OWNER]!, slot));
  }

  copyNext(slot: number, node: number): void {
    const copy = this.#copy(this.#memory.load(this.#slot(this.#roots[OWNER]!, slot)));
    this.#memory.store(this.#slot(this.#roots[OWNER]!, slot), copy);
    if (node >= 0) this.#memory.store(this.#directory.slot(node), copy);
    this.#roots[OWNER] = copy;
  }

  disown(): void {
    this.#roots[OWNER] = 0;
  }

  keep(kept: number, node: number): void {
    const copy = this.#copy(this.#memory.load(this.#directory.slot(node)));
    this.#roots[FIRST_KEPT + kept] = copy;
    this.#roots[OWNER] = copy;
  }

  drop(kept: number): void {
    this.#roots[FIRST_KEPT + kept] = 0;
  }

  makeLitter(place: number, words: number): void {
    this.#roots[FIRST_LITTER + place] = this.#memory.allocate(this.#doubles, words);
  }

  poll(): void {
    this.#memory.poll();
  }

  spoil(node: number): void {
    this.#u32[this.#memory.load(this.#directory.slot(node)) * 2 + IDENTITY]! ^= 1;
  }

  /** A safepoint, after which only the answer is valid. */
  #copy(original: Ref): Ref {
    const { f64 } = this.#memory;
    this.#roots[SOURCE] = original;
    const shape = this.#byId[this.#u32[original * 2]!]!;
    const references = this.#memory.count(original);
    this.#roots[COPY] = this.#memory.allocate(shape, references);
    const oldPayload = this.#memory.load(this.#roots[SOURCE]! * 2 + PAYLOAD);
    if (oldPayload !== 0) {
      const words = this.#memory.count(oldPayload);
      const payload = this.#memory.allocate(this.#doubles, words);
      const from = this.#memory.load(this.#roots[SOURCE]! * 2 + PAYLOAD) + this.#doubles.elements;
      for (let i = 0; i < words; i++) f64[payload + this.#doubles.elements + i] = f64[from + i]!;
      this.#memory.store(this.#roots[COPY]! * 2 + PAYLOAD, payload);
    }
    const copy = this.#roots[COPY]!;
    const source = this.#roots[SOURCE]!;
    for (let slot = IDENTITY; slot < shape.elements; slot++) this.#u32[copy * 2 + slot] = this.#u32[source * 2 + slot]!;
    for (let slot = 0; slot < references; slot++) {
      this.#memory.store(copy * 2 + shape.elements + slot, this.#memory.load(source * 2 + shape.elements + slot));
    }
    this.#roots[SOURCE] = this.#roots[COPY] = 0;
    return copy;
  }

  #slot(object: Ref, slot: number): number {
    return object * 2 + this.#byId[this.#u32[object * 2]!]!.elements + slot;
  }
}

interface PlainObject {
  identity: number;
  readonly inline: readonly number[] | null;
  readonly payload: readonly number[] | null;
  readonly slots: (PlainObject | null)[];
}

export class PlainReplay implements ReplayMemory {
  #directory: (PlainObject | null)[] = [];
  readonly #kept: (PlainObject | null)[] = new Array<PlainObject | null>(KEPT_PATHS).fill(null);
  readonly #litter: number[][] = [];
  #place: PlainObject = { identity: -1, inline: null, payload: null, slots: [] };
  #owner: PlainObject | null = null;

  makeDirectory(count: number): void {
    this.#directory = new Array<PlainObject | null>(count).fill(null);
  }

  makeNode(node: number, references: number, selfBytes: number): void {
    const numbers = (count: number): number[] | null => (count === 0 ? null : Array.from({ length: count }, (_, i) => payloadAt(node, i)));
    this.#directory[node] = {
      identity: node,
      inline: numbers(inlineWords(selfBytes, references) * 2),
      payload: numbers(payloadElements(selfBytes, references) >>> 1),
      slots: new Array<PlainObject | null>(references).fill(null),
    };
  }

  reconcile(node: number, slot: number, target: number): void {
    this.#directory[node]!.slots[slot] = this.#directory[target]!;
  }

  walkFrom(node: number): void {
    this.#place = this.#directory[node]!;
  }

  walkFromKept(kept: number): void {
    this.#place = this.#kept[kept]!;
  }

  follow(slot: number): void {
    this.#place = this.#place.slots[slot]!;
  }

  identity(): number {
    return this.#place.identity;
  }

  references(): number {
    return this.#place.slots.length;
  }

  inline(index: number): number {
    return this.#place.inline![index]!;
  }

  payload(index: number): number {
    return this.#place.payload![index]!;
  }

  ownFrom(node: number): void {
    this.#owner = this.#directory[node]!;
  }

  ownNext(slot: number): void {
    this.#owner = this.#owner!.slots[slot]!;
  }

  copyNext(slot: number, node: number): void {
    const copy = copyOf(this.#owner!.slots[slot]!);
    this.#owner!.slots[slot] = copy;
    if (node >= 0) this.#directory[node] = copy;
    this.#owner = copy;
  }

  disown(): void {
    this.#owner = null;
  }

  keep(kept: number, node: number): void {
    this.#owner = this.#kept[kept] = copyOf(this.#directory[node]!);
  }

  drop(kept: number): void {
    this.#kept[kept] = null;
  }

  makeLitter(place: number, words: number): void {
    this.#litter[place] = new Array<number>(words).fill(0);
  }

  poll(): void {}

  spoil(node: number): void {
    this.#directory[node]!.identity ^= 1;
  }
}

function copyOf({ identity, inline, payload, slots }: PlainObject): PlainObject {
  const copied = (numbers: readonly number[] | null): number[] | null => (numbers === null ? null : numbers.slice());
  return { identity, inline: copied(inline), payload: copied(payload), slots: slots.slice() };
}
