/**
 * What the workload documents works on, trees and an index, and this on a heap.
 */
import type { Ref } from 'faultline';
import type { BenchMutator, BenchShape } from './bench-mutator.ts';
import { RootTable } from './root-table.ts';

/** Documents by number. A document is built from `beginDocument` to `put`; sections, leaves and words are numbered from 0 on. */
export interface Documents {
  build(count: number, vocabulary: number): void;
  /** The three are safepoints. */
  beginDocument(sections: number): void;
  beginSection(section: number, leaves: number): void;
  beginText(leaf: number, words: number): void;
  /** Of the text begun last. */
  setWord(index: number, word: number): void;
  put(document: number): void;
  /** One posting for each different word. A safepoint. */
  addPostings(document: number): void;
  removePostings(document: number): void;
  sections(document: number): number;
  leaves(document: number, section: number): number;
  words(document: number, section: number, leaf: number): number;
  word(document: number, section: number, leaf: number, index: number): number;
  /** Begins to walk a word's chain: the number of its newest document, -1 when there is none. No safepoint until the walk's end. */
  firstOf(word: number): number;
  nextOf(): number;
  /** Whether the document that the walk is at has the word. */
  postingHas(word: number): boolean;
  chainLength(word: number): number;
  spoil(document: number): void;
}

/** What spoils a word. */
export function otherWord(word: number): number {
  return word === 0 ? 1 : word - 1;
}

const DOCUMENTS = 0;
const INDEX = 1;
const DOCUMENT = 2;
const SECTION = 3;
const TEXT = 4;

/** u32 slots of a node, from its start: list of children and text, then a number. */
const CHILDREN = 2;
const TEXT_SLOT = 3;
/** Of a posting: next one, root of the document, number of the document. */
const NEXT = 2;
const ROOT = 3;
const NUMBER = 4;

export class HeapDocuments implements Documents {
  readonly #memory: BenchMutator;
  readonly #roots: Uint32Array;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #documents: RootTable;
  readonly #index: RootTable;
  readonly #list: BenchShape;
  readonly #node: BenchShape;
  readonly #text: BenchShape;
  readonly #posting: BenchShape;
  #walk: Ref = 0;

  constructor(memory: BenchMutator) {
    this.#memory = memory;
    this.#roots = memory.roots;
    this.#u32 = memory.u32;
    this.#f64 = memory.f64;
    this.#documents = new RootTable(memory, DOCUMENTS);
    this.#index = new RootTable(memory, INDEX);
    this.#list = memory.defineArray('bench.table', 0, true);
    this.#node = memory.defineShape('bench.tree-node', 2, 1);
    this.#text = memory.defineArray('bench.doubles', 0, false);
    this.#posting = memory.defineShape('bench.posting', 2, 1);
  }

  build(count: number, vocabulary: number): void {
    this.#documents.build(count);
    this.#index.build(vocabulary);
  }

  beginDocument(sections: number): void {
    this.#roots[DOCUMENT] = this.#memory.allocate(this.#node);
    this.#addList(DOCUMENT, sections);
  }

  beginSection(section: number, leaves: number): void {
    this.#roots[SECTION] = this.#memory.allocate(this.#node);
    this.#u32[this.#roots[SECTION]! * 2 + NUMBER] = section;
    this.#addList(SECTION, leaves);
    this.#memory.store(this.#child(this.#roots[DOCUMENT]!, section), this.#roots[SECTION]!);
  }

  beginText(leaf: number, words: number): void {
    this.#roots[TEXT] = this.#memory.allocate(this.#text, words);
    const node = this.#memory.allocate(this.#node);
    this.#u32[node * 2 + NUMBER] = leaf;
    this.#u32[node * 2 + TEXT_SLOT] = this.#roots[TEXT]!;
    this.#memory.store(this.#child(this.#roots[SECTION]!, leaf), node);
  }

  setWord(index: number, word: number): void {
    this.#f64[this.#roots[TEXT]! + this.#text.elements + index] = word;
  }

  put(document: number): void {
    this.#memory.store(this.#documents.slot(document), this.#roots[DOCUMENT]!);
    this.#roots[SECTION] = this.#roots[TEXT] = 0;
  }

  addPostings(document: number): void {
    this.#forEachWord(document, (word) => {
      const first = this.#memory.load(this.#index.slot(word));
      if (first !== 0 && this.#u32[first * 2 + NUMBER] === document) return;
      const posting = this.#memory.allocate(this.#posting);
      this.#u32[posting * 2 + NUMBER] = document;
      this.#u32[posting * 2 + ROOT] = this.#roots[DOCUMENT]!;
      this.#u32[posting * 2 + NEXT] = this.#memory.load(this.#index.slot(word));
      this.#memory.store(this.#index.slot(word), posting);
    });
    this.#roots[DOCUMENT] = 0;
  }

  removePostings(document: number): void {
    this.#forEachWord(document, (word) => {
      let slot = this.#index.slot(word);
      for (let posting = this.#memory.load(slot); posting !== 0; posting = this.#memory.load(slot)) {
        if (this.#u32[posting * 2 + NUMBER] === document) {
          this.#memory.store(slot, this.#memory.load(posting * 2 + NEXT));
          return;
        }
        slot = posting * 2 + NEXT;
      }
    });
  }

  sections(document: number): number {
    return this.#childCount(this.#root(document));
  }

  leaves(document: number, section: number): number {
    return this.#childCount(this.#memory.load(this.#child(this.#root(document), section)));
  }

  words(document: number, section: number, leaf: number): number {
    return this.#memory.count(this.#textOf(this.#root(document), section, leaf));
  }

  word(document: number, section: number, leaf: number, index: number): number {
    return this.#f64[this.#textOf(this.#root(document), section, leaf) + this.#text.elements + index]!;
  }

  firstOf(word: number): number {
    this.#walk = this.#memory.load(this.#index.slot(word));
    return this.#walked();
  }

  nextOf(): number {
    this.#walk = this.#memory.load(this.#walk * 2 + NEXT);
    return this.#walked();
  }

  postingHas(word: number): boolean {
    const root = this.#memory.load(this.#walk * 2 + ROOT);
    for (let section = this.#childCount(root) - 1; section >= 0; section--) {
      const leaves = this.#childCount(this.#memory.load(this.#child(root, section)));
      for (let leaf = 0; leaf < leaves; leaf++) {
        const text = this.#textOf(root, section, leaf);
        const end = text + this.#text.elements + this.#memory.count(text);
        for (let at = text + this.#text.elements; at < end; at++) if (this.#f64[at] === word) return true;
      }
    }
    return false;
  }

  chainLength(word: number): number {
    let length = 0;
    for (let document = this.firstOf(word); document >= 0; document = this.nextOf()) length++;
    return length;
  }

  spoil(document: number): void {
    const at = this.#textOf(this.#root(document), 0, 0) + this.#text.elements;
    this.#f64[at] = otherWord(this.#f64[at]!);
  }

  /** Gives the node in that root a list of children. A safepoint. */
  #addList(root: number, length: number): void {
    const list = this.#memory.allocate(this.#list, length);
    this.#memory.store(this.#roots[root]! * 2 + CHILDREN, list);
  }

  #root(document: number): Ref {
    return this.#memory.load(this.#documents.slot(document));
  }

  #childCount(node: Ref): number {
    return this.#memory.count(this.#memory.load(node * 2 + CHILDREN));
  }

  #child(node: Ref, index: number): number {
    return this.#memory.load(node * 2 + CHILDREN) * 2 + this.#list.elements + index;
  }

  #textOf(root: Ref, section: number, leaf: number): Ref {
    const node = this.#memory.load(this.#child(this.#memory.load(this.#child(root, section)), leaf));
    return this.#memory.load(node * 2 + TEXT_SLOT);
  }

  /** `visit` may be a safepoint: the way to each word is gone anew. */
  #forEachWord(document: number, visit: (word: number) => void): void {
    const sections = this.sections(document);
    for (let section = 0; section < sections; section++) {
      const leaves = this.leaves(document, section);
      for (let leaf = 0; leaf < leaves; leaf++) {
        const words = this.words(document, section, leaf);
        for (let index = 0; index < words; index++) visit(this.word(document, section, leaf, index));
      }
    }
  }

  #walked(): number {
    return this.#walk === 0 ? -1 : this.#u32[this.#walk * 2 + NUMBER]!;
  }
}
