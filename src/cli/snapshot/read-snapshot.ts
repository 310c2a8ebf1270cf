/**
 * Reads a V8 heap snapshot as a stream: `readSnapshot(path)` gives an ObjectGraph.
 *
 * Memory is bounded by the counts in the file's head (see object-graph.ts), not by its length: the text is processed in pieces of 16 KiB
 * and not kept. The tokenizer is that of stream-json. Of two maintained streaming parsers it was the faster one on a snapshot of 91 MB with
 * 20 million numbers (Node 20.20, 2 virtual CPUs): 46 MB/s, where @streamparser/json reached 29 MB/s, and a loop that only adds up the
 * digits 397 MB/s. Pieces larger than 16 KiB are slower (22 MB/s at 256 KiB), because a piece's tokens then outlive the young generation.
 *
 * The name of a failure depends on how far the file was read. Until its head was read, nothing shows that it is meant to be a snapshot: it
 * is "not a snapshot". After that, text that ends early is "truncated", and anything else is "malformed".
 */
import { StringDecoder } from 'node:string_decoder';

import { jsonParser, type Token } from 'stream-json/core/parser.js';

import type { HeapError } from '../../errors.ts';
import { ColumnError } from './columns.ts';
import { fewestBytes, type SnapshotHead } from './head.ts';
import type { ObjectGraph } from './object-graph.ts';
import { ForeignJson, Sections } from './sections.ts';
import { malformed, notASnapshot, tooLarge, truncated } from './snapshot-error.ts';
import { openSource, type Source } from './source.ts';

export interface ReadOptions {
  /** Called after each block read, with bytes of the file. `totalBytes` is 0 for a pipe, whose length is not known. */
  readonly onProgress?: (bytesRead: number, totalBytes: number) => void;
  /** Ends the reading: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Bytes read from the file at once; tests choose 1 to put a boundary at every byte. */
  readonly blockBytes?: number;
}

/** Bytes given to the tokenizer at once; see the file comment. */
const PIECE_BYTES = 16 * 1024;

/**
 * The most white space, or digits of one number, without a token: the tokenizer keeps the digits until the number ends. V8 writes one line
 * end at a time, and no number of more than 20 digits.
 */
const MOST_CHARACTERS_WITHOUT_TOKEN = 1_000_000;

/**
 * The beginning is processed in smaller pieces: a piece in which the tokenizer finds an error gives no tokens at all, and the name of the
 * error depends on whether the key "snapshot" came before it.
 */
const OPENING_BYTES = 1024;
const OPENING_PIECE_BYTES = 16;

/** Bytes read at once: each read is one turn of the event loop, with about 6 ms of tokenizing. */
const BLOCK_BYTES = 256 * 1024;

/**
 * Reads the heap snapshot at `path`: a file or a pipe, or standard input for `-`, compressed with gzip or not.
 *
 * @throws HeapError ERR_SNAPSHOT_NOT_FOUND, _NOT_A_SNAPSHOT, _TRUNCATED, _MALFORMED or _TOO_LARGE.
 */
export async function readSnapshot(path: string, options: ReadOptions = {}): Promise<ObjectGraph> {
  const { signal, onProgress = () => {}, blockBytes = BLOCK_BYTES } = options;
  signal?.throwIfAborted();
  const source = await openSource(path, { blockBytes, onRead: onProgress, signal });
  const reading = new Reading(source);
  try {
    for await (const block of source.blocks) {
      signal?.throwIfAborted();
      reading.write(block);
    }
    return reading.finish();
  } catch (error) {
    throw reading.explained(error);
  } finally {
    await source.close();
  }
}

/** One pass over a text: bytes in, an ObjectGraph or the right error out. */
class Reading {
  readonly #source: Source;
  #bytesRead = 0;
  #charactersWithoutToken = 0;
  readonly #decoder = new StringDecoder('utf8');
  readonly #tokenize = jsonParser({ streamValues: false, packKeys: false, packStrings: false });
  readonly #sections = new Sections((head) => this.#checkLength(head));

  constructor(source: Source) {
    this.#source = source;
  }

  write(block: Buffer): void {
    for (let at = 0; at < block.length; ) {
      const end = at + (this.#bytesRead < OPENING_BYTES ? OPENING_PIECE_BYTES : PIECE_BYTES);
      this.#writePiece(block.subarray(at, end));
      at = end;
    }
  }

  #writePiece(piece: Buffer): void {
    this.#bytesRead += piece.length;
    const text = this.#decoder.write(piece);
    const tokens = this.#tokens(text);
    this.#charactersWithoutToken = tokens.length === 0 && !this.#sections.ended ? this.#charactersWithoutToken + text.length : 0;
    if (this.#charactersWithoutToken > MOST_CHARACTERS_WITHOUT_TOKEN) {
      const reason = 'it has a million blanks or digits in a row';
      throw this.#sections.hasHead ? this.#wrong(reason) : notASnapshot(this.#source.name, reason);
    }
    this.#sections.consume(tokens);
  }

  finish(): ObjectGraph {
    if (!this.#sections.ended) throw this.#cutShort('in the middle');
    return this.#sections.finish().graph({ path: this.#source.name, bytes: this.#bytesRead });
  }

  #tokens(text: string): readonly Token[] {
    try {
      const tokens = this.#tokenize(text);
      return typeof tokens === 'symbol' ? [] : (tokens as { values: Token[] }).values;
    } catch (error) {
      const reason = (error as Error).message.replace(/^Parser (cannot parse input: |has )?/, '');
      throw this.#wrong(`it is not JSON${this.#sections.foreign === undefined ? ' there' : ''} (${reason})`);
    }
  }

  #cutShort(where: string): HeapError {
    const { name } = this.#source;
    const bytes = this.#bytesRead;
    if (this.#sections.foreign !== undefined && bytes > 0) return notASnapshot(name, this.#sections.foreign);
    return truncated(name, bytes === 0 && !this.#source.isPacked ? 'it is empty' : `it ends after ${bytes} bytes, ${where}`, bytes);
  }

  #wrong(reason: string): HeapError {
    const { name } = this.#source;
    return this.#sections.foreign === undefined ? malformed(name, reason, this.#bytesRead) : notASnapshot(name, reason);
  }

  /** The data may be wrong before anything was unpacked; then only the first bytes show whether this is gzip at all. */
  #wronglyPacked(message: string): HeapError {
    const reason = `it is not gzip there (${message})`;
    const isGzip = !/header|method/.test(message);
    return this.#bytesRead === 0 && isGzip ? malformed(this.#source.name, reason, 0) : this.#wrong(reason);
  }

  /** Turns an error of any of the parts into the one for the caller. */
  explained(error: unknown): unknown {
    const { name } = this.#source;
    if (error instanceof ForeignJson) return notASnapshot(name, error.message);
    if (error instanceof ColumnError) {
      return error.kind === 'large' ? tooLarge(name, error.message) : malformed(name, error.message, this.#bytesRead);
    }
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'Z_BUF_ERROR') return this.#cutShort('before its gzip does');
    if (code?.startsWith('Z_') === true) return this.#wronglyPacked((error as Error).message);
    return error;
  }

  /** Before memory for the graph is allocated, refuses a file that is too short for what its head promises. */
  #checkLength(head: SnapshotHead): void {
    const needed = fewestBytes(head);
    const { name, textBytes } = this.#source;
    if (textBytes === 0 || textBytes >= needed) return;
    const promise = `${head.nodeCount} nodes and ${head.edgeCount} edges`;
    throw truncated(name, `it promises ${promise}, which take ${needed} bytes or more, and has ${textBytes}`, textBytes);
  }
}
