/**
 * documents: documents like JSON trees, with an index of their words; our counterpart of lusearch.
 *
 *     documents ─▶ root ─▶ list ─▶ section ─▶ list ─▶ leaf ─▶ text (word numbers)
 *     index ─▶ posting ─▶ posting ─▶ …        one chain a word, newest first; a posting leads to the root of its document
 *
 * A request either replaces a document by its next version (its postings are taken out of their chains, a tree is built, postings are
 * added), or asks for two words: the newest documents that have the first one are searched for the second. Some words are in many
 * documents. What a document must contain follows from its number and version, and one is checked in each search.
 */
import { type Documents, HeapDocuments } from './heap-documents.ts';
import { PlainDocuments } from './plain-documents.ts';
import { mixed, Random } from './random.ts';
import { knob, type Parameters, Work, type Workload } from './workload.ts';

/** The newest documents of a word that a search looks at. */
const SEARCHED = 20;
const LEAST_SECTIONS = 2;
const LEAST_LEAVES = 2;
const LEAST_WORDS = 3;
/** So many more, at random, less one. */
const MORE_SECTIONS = 4;
const MORE_LEAVES = 5;
const MORE_WORDS = 10;

class DocumentWork extends Work {
  readonly #documents: Documents;
  readonly #random: Random;
  readonly #count: number;
  readonly #vocabulary: number;
  readonly #updatePercent: number;
  readonly #seed: number;
  readonly #versions: Uint32Array;

  constructor(documents: Documents, parameters: Parameters, seed: number) {
    super();
    this.#documents = documents;
    this.#random = new Random(seed);
    this.#seed = seed;
    this.#count = knob(parameters, 'documents');
    this.#vocabulary = knob(parameters, 'vocabulary');
    this.#updatePercent = knob(parameters, 'updatePercent');
    this.#versions = new Uint32Array(this.#count);
  }

  build(): void {
    this.#documents.build(this.#count, this.#vocabulary);
    for (let document = 0; document < this.#count; document++) this.#make(document);
  }

  step(_index: number): void {
    if (this.#random.below(100) < this.#updatePercent) {
      const document = this.#random.below(this.#count);
      this.#documents.removePostings(document);
      this.#versions[document]!++;
      this.#make(document);
    } else {
      const first = this.#random.squared(this.#vocabulary);
      this.#search(first, this.#random.squared(this.#vocabulary));
    }
  }

  verify(): void {
    for (let document = 0; document < this.#count; document++) {
      this.#checkDocument(document);
      this.add(this.#versions[document]!);
    }
    for (let word = 0; word < this.#vocabulary; word++) this.add(this.#documents.chainLength(word));
  }

  corrupt(): void {
    for (let document = 0; document < this.#count; document++) this.#documents.spoil(document);
  }

  #contents(document: number): Random {
    return new Random(mixed(this.#seed ^ mixed(document) ^ Math.imul(this.#versions[document]!, 0x9e3779b1)));
  }

  /** Builds the tree and its postings. A safepoint. */
  #make(document: number): void {
    const random = this.#contents(document);
    const sections = LEAST_SECTIONS + random.below(MORE_SECTIONS);
    this.#documents.beginDocument(sections);
    for (let section = 0; section < sections; section++) {
      const leaves = LEAST_LEAVES + random.below(MORE_LEAVES);
      this.#documents.beginSection(section, leaves);
      for (let leaf = 0; leaf < leaves; leaf++) {
        const words = LEAST_WORDS + random.below(MORE_WORDS);
        this.#documents.beginText(leaf, words);
        for (let word = 0; word < words; word++) this.#documents.setWord(word, random.squared(this.#vocabulary));
      }
    }
    this.#documents.put(document);
    this.#documents.addPostings(document);
  }

  #search(first: number, second: number): void {
    const documents = this.#documents;
    let searched = 0;
    let found = 0;
    let sample = -1;
    for (let document = documents.firstOf(first); document >= 0 && searched < SEARCHED; document = documents.nextOf()) {
      searched++;
      this.check(documents.postingHas(first));
      if (documents.postingHas(second)) found++;
      sample = document;
    }
    this.add(found);
    if (sample >= 0) this.#checkDocument(sample);
  }

  #checkDocument(document: number): void {
    const random = this.#contents(document);
    const sections = LEAST_SECTIONS + random.below(MORE_SECTIONS);
    let right = this.#documents.sections(document) === sections;
    for (let section = 0; section < sections && right; section++) {
      const leaves = LEAST_LEAVES + random.below(MORE_LEAVES);
      right = this.#documents.leaves(document, section) === leaves;
      for (let leaf = 0; leaf < leaves && right; leaf++) {
        const words = LEAST_WORDS + random.below(MORE_WORDS);
        right = this.#documents.words(document, section, leaf) === words;
        for (let word = 0; word < words && right; word++) {
          right = this.#documents.word(document, section, leaf, word) === random.squared(this.#vocabulary);
          this.check(right);
        }
      }
    }
    this.check(right);
  }
}

export const documents: Workload = {
  name: 'documents',
  quick: { documents: 1000, vocabulary: 4000, warmUpRequests: 1000, requests: 10_000 },
  unit: 'requests',
  hasRequests: true,
  defaults: {
    documents: 10_000,
    vocabulary: 200_000,
    updatePercent: 30,
    warmUpRequests: 5_000,
    requests: 40_000,
  },
  plan: (parameters) => ({ warmUp: knob(parameters, 'warmUpRequests'), operations: knob(parameters, 'requests') }),
  onHeap: (memory, parameters, seed) => new DocumentWork(new HeapDocuments(memory), parameters, seed),
  plain: (parameters, seed) => new DocumentWork(new PlainDocuments(), parameters, seed),
};
