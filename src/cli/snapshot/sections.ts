/**
 * The top level of a snapshot file, as the JSON tokens of stream-json come in:
 *
 *     { "snapshot": {…}, "nodes": [ numbers ], "edges": [ numbers ], …, "locations": [ numbers ], "strings": [ strings ] }
 *       ^ assembled       ^ to Columns          ^ to Columns          ^ tokens are counted for their depth and forgotten
 *
 * The order of the first three is fixed, because there is only one pass: the head tells what the numbers mean, and the edge counts in the
 * nodes tell where an edge starts. What follows may be anything in any order, but is read to its end: only then is it known that the file
 * was not truncated.
 *
 * No text is ever kept whole outside the head: the tokenizer delivers keys and strings in pieces. Nesting may be deep ("trace_tree" grows
 * by one level with each frame of a call stack); it costs one entry per level in the tokenizer.
 */
import Assembler from 'stream-json/core/assembler.js';
import type { Token } from 'stream-json/core/parser.js';

import { Columns, ColumnError } from './columns.ts';
import { readHead, type SnapshotHead } from './head.ts';

/** The file is JSON, but of another kind. */
export class ForeignJson extends Error {}

/** Bounds the tokenizer's stack (8 bytes per level) for a file of brackets; the deepest call stack that V8 records has 64 frames. */
const MAX_DEPTH = 1_000_000;

/** A head has about 150 tokens and 2,000 characters. */
const MAX_HEAD_TOKENS = 20_000;
const MAX_HEAD_CHARACTERS = 1_000_000;

/** How many characters of a key are kept: enough to tell the keys of a snapshot from all others, and to quote one. */
const KEY_CHARACTERS = 40;

/** What may come before "snapshot" in a file that another tool has rewritten. */
const SECTION_KEYS: ReadonlySet<string> = new Set(['trace_function_infos', 'trace_tree', 'samples', 'locations', 'strings']);

type Section = 'start' | 'key' | 'head' | 'number array' | 'skipped' | 'end';

export class Sections {
  readonly #onHead: (head: SnapshotHead) => void;
  #section: Section = 'start';
  #key = '';
  #firstKey = '';
  #depth = 0;
  /** The next token has to open the array of `nodes` or `edges`. */
  #awaitsArray = false;
  #assembler = new Assembler();
  #headTokens = 0;
  #headCharacters = 0;
  #text = '';
  #columns: Columns | undefined;
  #nodesEnded = false;
  #edgesEnded = false;

  /** `onHead` is called before memory is allocated for what the head promises; it may throw. */
  constructor(onHead: (head: SnapshotHead) => void) {
    this.#onHead = onHead;
  }

  /** The top-level object is complete. */
  get ended(): boolean {
    return this.#section === 'end';
  }

  /** Why the text so far does not look like the beginning of a snapshot; `undefined` if it does. */
  get foreign(): string | undefined {
    if (this.#columns !== undefined || this.#key === 'snapshot') return undefined;
    if (this.#section === 'start') return 'it does not begin with {';
    return this.#key === '' || SECTION_KEYS.has(this.#firstKey) ? undefined : `it begins with the key "${this.#firstKey}"`;
  }

  /** The meaning of the numbers is known: from here on the file counts as a snapshot, valid or not. */
  get hasHead(): boolean {
    return this.#columns !== undefined;
  }

  consume(tokens: readonly Token[]): void {
    let next = 0;
    while (next < tokens.length) {
      next = this.#section === 'number array' ? this.#numbers(tokens, next) : this.#single(tokens[next] as Token, next);
    }
  }

  /** The columns, filled, when the tokens have ended where a snapshot may end. */
  finish(): Columns {
    if (this.#columns === undefined) throw new ForeignJson('it is JSON without the key "snapshot"');
    if (!this.#nodesEnded || !this.#edgesEnded) {
      throw new ColumnError('malformed', `it has no "${this.#nodesEnded ? 'edges' : 'nodes'}"`);
    }
    return this.#columns;
  }

  /** For `nodes` and `edges`, where nearly all tokens are. Returns the index after the last token used. */
  #numbers(tokens: readonly Token[], from: number): number {
    const columns = this.#columns as Columns;
    const nodes = this.#key === 'nodes';
    for (let index = from; index < tokens.length; index++) {
      const token = tokens[index] as Token;
      if (token.name === 'numberValue') {
        if (nodes) columns.nodeNumber(token.value);
        else columns.edgeNumber(token.value);
      } else if (token.name === 'endArray') {
        this.#endNumbers(columns, nodes);
        return index + 1;
      } else {
        throw new ColumnError('malformed', `"${this.#key}" holds something that is not a number`);
      }
    }
    return tokens.length;
  }

  #endNumbers(columns: Columns, nodes: boolean): void {
    if (nodes) {
      columns.endNodes();
      this.#nodesEnded = true;
    } else {
      columns.endEdges();
      this.#edgesEnded = true;
    }
    this.#section = 'key';
  }

  #single(token: Token, index: number): number {
    switch (this.#section) {
      case 'start':
        if (token.name !== 'startObject') throw new ForeignJson('it is JSON, but not an object');
        this.#section = 'key';
        break;
      case 'key':
        this.#keyToken(token);
        break;
      case 'head':
        this.#headToken(token);
        break;
      case 'skipped':
        if (this.#endsValue(token)) this.#section = 'key';
        break;
      default:
        throw new ColumnError('malformed', 'text follows the end');
    }
    return index + 1;
  }

  #keyToken(token: Token): void {
    if (token.name === 'endObject') this.#section = 'end';
    else if (token.name === 'startKey') this.#text = '';
    else if (token.name === 'endKey') this.#startValue(this.#text);
    else if (token.name === 'stringChunk' && this.#text.length <= KEY_CHARACTERS) {
      this.#text += token.value;
      // A key that is too long is foreign, even before it ends.
      if (this.#text.length > KEY_CHARACTERS) this.#key = this.#firstKey ||= `${this.#text.slice(0, KEY_CHARACTERS)}…`;
    }
  }

  #startValue(key: string): void {
    this.#key = key.length > KEY_CHARACTERS ? `${key.slice(0, KEY_CHARACTERS)}…` : key;
    this.#firstKey ||= this.#key;
    this.#section = 'skipped';
    if (key === 'snapshot') {
      if (this.#columns !== undefined) throw new ColumnError('malformed', '"snapshot" comes twice');
      this.#section = 'head';
    } else if (key === 'nodes' || key === 'edges') {
      this.#startNumbers(key);
    }
  }

  #startNumbers(key: 'nodes' | 'edges'): void {
    if (this.#columns === undefined) throw new ForeignJson(`it has "${key}", but no "snapshot" before it`);
    if (key === 'nodes' ? this.#nodesEnded : this.#edgesEnded) throw new ColumnError('malformed', `"${key}" comes twice`);
    if (key === 'edges' && !this.#nodesEnded) throw new ColumnError('malformed', '"edges" comes before "nodes"');
    this.#awaitsArray = true;
  }

  /** Follows the nesting of a value of the top-level object; true with the token that ends it. */
  #endsValue(token: Token): boolean {
    if (this.#awaitsArray) {
      this.#awaitsArray = false;
      if (token.name !== 'startArray') throw new ColumnError('malformed', `"${this.#key}" is not an array`);
      this.#section = 'number array';
      return false;
    }
    switch (token.name) {
      case 'startObject':
      case 'startArray':
        if (++this.#depth > MAX_DEPTH) throw this.#tooMuch(`is nested more than ${MAX_DEPTH} deep`);
        return false;
      case 'endObject':
      case 'endArray':
        return --this.#depth === 0;
      case 'endString':
      case 'numberValue':
      case 'nullValue':
      case 'trueValue':
      case 'falseValue':
        return this.#depth === 0;
      default:
        return false;
    }
  }

  /** The error for too much input: the file is foreign if no head was read yet, and damaged after that. */
  #tooMuch(what: string): Error {
    const reason = `"${this.#key}" ${what}`;
    return this.#columns === undefined ? new ForeignJson(`its ${reason}`) : new ColumnError('malformed', reason);
  }

  /** Keys and strings come in pieces (see the file comment); the assembler wants them whole. */
  #whole(token: Token): Token {
    if (token.name === 'startString' || token.name === 'startKey') this.#text = '';
    else if (token.name === 'stringChunk') this.#text += token.value;
    else if (token.name === 'endString') return { name: 'stringValue', value: this.#text };
    else if (token.name === 'endKey') return { name: 'keyValue', value: this.#text };
    return token;
  }

  #headToken(token: Token): void {
    if (token.name === 'stringChunk') this.#headCharacters += token.value.length;
    if (++this.#headTokens > MAX_HEAD_TOKENS || this.#headCharacters > MAX_HEAD_CHARACTERS) {
      throw new ForeignJson('its "snapshot" is far longer than that of a heap snapshot');
    }
    const whole = this.#whole(token);
    const ended = this.#endsValue(token);
    if (ended && token.name !== 'endObject') throw new ForeignJson('its "snapshot" is not an object');
    this.#assembler.consume(whole);
    if (!ended) return;
    const head = readHead(this.#assembler.current);
    if ('kind' in head) {
      if (head.kind === 'foreign') throw new ForeignJson(head.reason);
      throw new ColumnError(head.kind, head.reason);
    }
    this.#onHead(head);
    this.#columns = new Columns(head);
    this.#section = 'key';
  }
}
