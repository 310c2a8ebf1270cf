/**
 * The trees and the index of the workload documents as plain objects.
 */
import { type Documents, otherWord } from './heap-documents.ts';

interface PlainLeaf {
  readonly number: number;
  readonly text: number[];
}

interface PlainSection {
  readonly number: number;
  readonly leaves: (PlainLeaf | null)[];
}

interface PlainRoot {
  readonly sections: (PlainSection | null)[];
}

interface PlainPosting {
  next: PlainPosting | null;
  readonly root: PlainRoot;
  readonly number: number;
}

export class PlainDocuments implements Documents {
  #table: (PlainRoot | null)[] = [];
  #index: (PlainPosting | null)[] = [];
  #document: PlainRoot = { sections: [] };
  #section: PlainSection = { number: 0, leaves: [] };
  #text: number[] = [];
  #walk: PlainPosting | null = null;

  build(count: number, vocabulary: number): void {
    this.#table = new Array<PlainRoot | null>(count).fill(null);
    this.#index = new Array<PlainPosting | null>(vocabulary).fill(null);
  }

  beginDocument(sections: number): void {
    this.#document = { sections: new Array<PlainSection | null>(sections).fill(null) };
  }

  beginSection(number: number, leaves: number): void {
    this.#section = { number, leaves: new Array<PlainLeaf | null>(leaves).fill(null) };
    this.#document.sections[number] = this.#section;
  }

  beginText(number: number, words: number): void {
    this.#text = new Array<number>(words).fill(0);
    this.#section.leaves[number] = { number, text: this.#text };
  }

  setWord(index: number, word: number): void {
    this.#text[index] = word;
  }

  put(document: number): void {
    this.#table[document] = this.#document;
  }

  addPostings(document: number): void {
    this.#forEachWord(document, (word) => {
      const first = this.#index[word]!;
      if (first !== null && first.number === document) return;
      this.#index[word] = { next: first, root: this.#document, number: document };
    });
  }

  removePostings(document: number): void {
    this.#forEachWord(document, (word) => {
      let before: PlainPosting | null = null;
      for (let posting = this.#index[word]!; posting !== null; posting = posting.next!) {
        if (posting.number === document) {
          if (before === null) this.#index[word] = posting.next;
          else before.next = posting.next;
          return;
        }
        before = posting;
      }
    });
  }

  sections(document: number): number {
    return this.#table[document]!.sections.length;
  }

  leaves(document: number, section: number): number {
    return this.#table[document]!.sections[section]!.leaves.length;
  }

  words(document: number, section: number, leaf: number): number {
    return this.#table[document]!.sections[section]!.leaves[leaf]!.text.length;
  }

  word(document: number, section: number, leaf: number, index: number): number {
    return this.#table[document]!.sections[section]!.leaves[leaf]!.text[index]!;
  }

  firstOf(word: number): number {
    this.#walk = this.#index[word]!;
    return this.#walk?.number ?? -1;
  }

  nextOf(): number {
    this.#walk = this.#walk!.next;
    return this.#walk?.number ?? -1;
  }

  postingHas(word: number): boolean {
    const { sections } = this.#walk!.root;
    for (let section = sections.length - 1; section >= 0; section--) {
      for (const leaf of sections[section]!.leaves) if (leaf!.text.includes(word)) return true;
    }
    return false;
  }

  chainLength(word: number): number {
    let length = 0;
    for (let posting = this.#index[word]!; posting !== null; posting = posting.next!) length++;
    return length;
  }

  spoil(document: number): void {
    const { text } = this.#table[document]!.sections[0]!.leaves[0]!;
    text[0] = otherWord(text[0]!);
  }

  #forEachWord(document: number, visit: (word: number) => void): void {
    for (const section of this.#table[document]!.sections) {
      for (const leaf of section!.leaves) for (const word of leaf!.text) visit(word);
    }
  }
}
