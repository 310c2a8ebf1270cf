/**
 * The clusters of the workload allocation-rate: on a heap and as plain objects.
 */
import type { Ref } from 'faultline';
import type { BenchMutator, BenchShape } from './bench-mutator.ts';
import { RootTable } from './root-table.ts';

/** Objects of a cluster. */
export const CLUSTER = 8;
export const MOST_REFERENCES = 8;

/** Clusters on one kind of memory. The one that is being made has its objects at `members` 0 to {@link CLUSTER} - 1. */
export interface Clusters {
  build(holders: number): void;
  /** A new member with so many references and words; its first reference leads to the one before. A safepoint. */
  make(member: number, words: number, references: number, stamp: number): void;
  linkMember(member: number, reference: number, to: number): void;
  linkHolder(member: number, reference: number, holder: number): void;
  /** The cluster just made goes into the holder, or nowhere (-1). */
  put(holder: number): void;
  /** Swings the second reference of the object after `steps` steps to the newest one of its cluster. */
  swing(holder: number, steps: number): void;
  /** How many objects of the holder's cluster carry the right stamps, which count down from `stamp` on. */
  count(holder: number, stamp: number): number;
  spoil(holder: number): void;
}

const TABLE = 0;
const FIRST_MEMBER = 1;
const FIRST_REFERENCE = 2;

export class HeapClusters implements Clusters {
  readonly #memory: BenchMutator;
  readonly #roots: Uint32Array;
  readonly #holders: RootTable;
  readonly #holder: BenchShape;
  /** By number of references. */
  readonly #shapes: BenchShape[] = [];
  /** By shape id: where the stamp is, in words from the object's start. */
  readonly #stampOf: number[] = [];
  /** By shape id: how many references. */
  readonly #referencesOf: number[] = [];

  constructor(memory: BenchMutator) {
    this.#memory = memory;
    this.#roots = memory.roots;
    this.#holders = new RootTable(memory, TABLE);
    this.#holder = memory.defineShape('bench.holder', 1, 0);
    for (let references = 1; references <= MOST_REFERENCES; references++) {
      const shape = memory.defineArray(`bench.member-${references}`, references, false);
      this.#shapes[references] = shape;
      this.#stampOf[shape.shape.id] = shape.elements;
      this.#referencesOf[shape.shape.id] = references;
    }
  }

  build(holders: number): void {
    this.#holders.build(holders);
    for (let i = 0; i < holders; i++) {
      const holder = this.#memory.allocate(this.#holder);
      this.#memory.store(this.#holders.slot(i), holder);
    }
  }

  make(member: number, words: number, references: number, stamp: number): void {
    const shape = this.#shapes[references]!;
    const object = this.#memory.allocate(shape, words - shape.fixedWords);
    this.#memory.f64[object + shape.elements] = stamp;
    if (member > 0) this.#memory.u32[object * 2 + FIRST_REFERENCE] = this.#roots[FIRST_MEMBER + member - 1]!;
    this.#roots[FIRST_MEMBER + member] = object;
  }

  linkMember(member: number, reference: number, to: number): void {
    this.#memory.u32[this.#roots[FIRST_MEMBER + member]! * 2 + FIRST_REFERENCE + reference] = this.#roots[FIRST_MEMBER + to]!;
  }

  linkHolder(member: number, reference: number, holder: number): void {
    const slot = this.#roots[FIRST_MEMBER + member]! * 2 + FIRST_REFERENCE + reference;
    this.#memory.u32[slot] = this.#memory.load(this.#holders.slot(holder));
  }

  put(holder: number): void {
    if (holder >= 0) this.#memory.store(this.#newest(holder), this.#roots[FIRST_MEMBER + CLUSTER - 1]!);
    this.#roots.fill(0, FIRST_MEMBER, FIRST_MEMBER + CLUSTER);
  }

  swing(holder: number, steps: number): void {
    const newest = this.#memory.load(this.#newest(holder));
    let object = newest;
    for (let i = 0; i < steps; i++) object = this.#memory.load(object * 2 + FIRST_REFERENCE);
    if (this.#referencesOf[this.#memory.u32[object * 2]!]! > 1) this.#memory.store(object * 2 + FIRST_REFERENCE + 1, newest);
  }

  count(holder: number, stamp: number): number {
    let right = 0;
    let wanted = stamp;
    const { f64, u32 } = this.#memory;
    for (let object: Ref = this.#memory.load(this.#newest(holder)); object !== 0; ) {
      if (f64[object + this.#stampOf[u32[object * 2]!]!] === wanted) right++;
      wanted--;
      object = this.#memory.load(object * 2 + FIRST_REFERENCE);
    }
    return right;
  }

  spoil(holder: number): void {
    const object = this.#memory.load(this.#newest(holder));
    this.#memory.f64[object + this.#stampOf[this.#memory.u32[object * 2]!]!] = -1;
  }

  #newest(holder: number): number {
    return this.#memory.load(this.#holders.slot(holder)) * 2 + FIRST_REFERENCE;
  }
}

interface PlainHolder {
  newest: Member | null;
}

/** References, then the stamp, then zeros. */
interface Member {
  readonly references: number;
  readonly slots: (Member | PlainHolder | number | null)[];
}

export class PlainClusters implements Clusters {
  #holders: PlainHolder[] = [];
  readonly #members: (Member | null)[] = new Array<Member | null>(CLUSTER).fill(null);

  build(holders: number): void {
    this.#holders = Array.from({ length: holders }, () => ({ newest: null }));
  }

  make(member: number, words: number, references: number, stamp: number): void {
    // As many slots as make the array, its elements and the object about that long in V8.
    const slots = new Array<Member | PlainHolder | number | null>(Math.max(references + 1, words - 1)).fill(null);
    slots[references] = stamp;
    if (member > 0) slots[0] = this.#members[member - 1]!;
    this.#members[member] = { references, slots };
  }

  linkMember(member: number, reference: number, to: number): void {
    this.#members[member]!.slots[reference] = this.#members[to]!;
  }

  linkHolder(member: number, reference: number, holder: number): void {
    this.#members[member]!.slots[reference] = this.#holders[holder]!;
  }

  put(holder: number): void {
    if (holder >= 0) this.#holders[holder]!.newest = this.#members[CLUSTER - 1]!;
    this.#members.fill(null);
  }

  swing(holder: number, steps: number): void {
    const newest = this.#holders[holder]!.newest!;
    let object = newest;
    for (let i = 0; i < steps; i++) object = object.slots[0] as Member;
    if (object.references > 1) object.slots[1] = newest;
  }

  count(holder: number, stamp: number): number {
    let right = 0;
    let wanted = stamp;
    for (let object = this.#holders[holder]!.newest; object !== null; object = object.slots[0] as Member | null) {
      if (object.slots[object.references] === wanted) right++;
      wanted--;
    }
    return right;
  }

  spoil(holder: number): void {
    const { slots, references } = this.#holders[holder]!.newest!;
    slots[references] = -1;
  }
}
