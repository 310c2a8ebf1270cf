/**
 * Reads a V8 heap snapshot as a stream: `readSnapshot(path)` gives an ObjectGraph.
 *
 * Memory is bounded by the counts in the file's head (see object-graph.ts), not by its length: the text goes through in pieces
 * of 16 KiB and nothing of it is kept. The tokenizer is that of stream-json. Of two kept streaming parsers it was the faster one
 * on a snapshot of 91 MB with 20 million numbers (Node 20.20, 2 virtual CPUs): 46 MB/s, where @streamparser/json did 29 MB/s,
 * and a loop that only adds up the digits 397 MB/s. Pieces larger than 16 KiB are slower (22 MB/s at 256 KiB): a piece's tokens
 * then outlive the young generation.
 *
 * What a failure is called depends on how far the file got. Until its head was read nothing shows that it means to be a
 * snapshot: it is "not a snapshot". After that, text that ends early is "truncated", and anything else is "malformed".
 */
import { open, type FileHandle } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';

import { jsonParser, type Token } from 'stream-json/core/parser.js';

import { ColumnError } from './columns.ts';
import { fewestBytes, type SnapshotHead } from './head.ts';
import type { ObjectGraph } from './object-graph.ts';
import { ForeignJson, Sections } from './sections.ts';
import { malformed, notASnapshot, notFound, tooLarge, truncated, unreadable } from './snapshot-error.ts';

export interface ReadOptions {
  /** Called after each block read. `totalBytes` is 0 for a pipe, whose length nobody knows. */
  readonly onProgress?: (bytesRead: number, totalBytes: number) => void;
  /** Ends the reading: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Bytes read from the file at once; tests choose 1 to put a boundary at every byte. */
  readonly blockBytes?: number;
}

/** Bytes given to the tokenizer at once; see the file comment. */
const PIECE_BYTES = 16 * 1024;

/** The first byte of a gzip file; no text starts with it. */
const GZIP_MAGIC = 0x1f;

/**
 * The beginning goes through in smaller pieces: a piece in which the tokenizer finds an error gives no tokens at all, and whether
 * the key "snapshot" came before the error decides what the error is called.
 */
const OPENING_BYTES = 1024;
const OPENING_PIECE_BYTES = 16;

/** Bytes read at once: each read is a turn of the event loop, about 6 ms of tokenizing. */
const BLOCK_BYTES = 256 * 1024;

/**
 * Reads the heap snapshot at `path`, a file or a pipe (`faultline run <(zcat app.heapsnapshot.gz)`).
 *
 * @throws HeapError ERR_SNAPSHOT_NOT_FOUND, _NOT_A_SNAPSHOT, _TRUNCATED, _MALFORMED or _TOO_LARGE.
 */
export async function readSnapshot(path: string, options: ReadOptions = {}): Promise<ObjectGraph> {
  const file = await openFile(path);
  try {
    const status = await file.stat();
    if (status.isDirectory()) throw notASnapshot(path, 'it is a directory');
    const reading = new Reading(path, status.isFile() ? status.size : 0);
    const block = Buffer.allocUnsafe(options.blockBytes ?? BLOCK_BYTES);
    for (;;) {
      options.signal?.throwIfAborted();
      const bytes = await readBlock(file, path, block);
      if (bytes === 0) return reading.finish();
      reading.write(block.subarray(0, bytes));
      options.onProgress?.(reading.bytesRead, reading.totalBytes);
    }
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const refusal = error as NodeJS.ErrnoException;
    throw refusal.code === 'ENOENT' || refusal.code === 'ENOTDIR' ? notFound(path) : unreadable(path, refusal);
  }
}

async function readBlock(file: FileHandle, path: string, block: Buffer): Promise<number> {
  try {
    return (await file.read(block, 0, block.length, null)).bytesRead;
  } catch (error) {
    throw unreadable(path, error as NodeJS.ErrnoException);
  }
}

/** One pass over one text: bytes in, an ObjectGraph or the right error out. */
class Reading {
  readonly path: string;
  readonly totalBytes: number;
  bytesRead = 0;
  readonly #decoder = new StringDecoder('utf8');
  readonly #tokenize = jsonParser({ streamValues: false, packStrings: false });
  readonly #sections = new Sections((head) => this.#checkLength(head));

  constructor(path: string, totalBytes: number) {
    this.path = path;
    this.totalBytes = totalBytes;
  }

  write(block: Buffer): void {
    for (let at = 0; at < block.length; ) {
      const end = at + (this.bytesRead < OPENING_BYTES ? OPENING_PIECE_BYTES : PIECE_BYTES);
      this.#writePiece(block.subarray(at, end));
      at = end;
    }
  }

  #writePiece(piece: Buffer): void {
    if (this.bytesRead === 0 && piece[0] === GZIP_MAGIC) {
      throw notASnapshot(this.path, 'it is compressed with gzip; unpack it first (gunzip -k), or run with <(zcat FILE)');
    }
    this.bytesRead += piece.length;
    const tokens = this.#tokens(this.#decoder.write(piece));
    try {
      this.#sections.consume(tokens);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  finish(): ObjectGraph {
    const { bytesRead, path } = this;
    if (!this.#sections.ended) {
      if (this.#sections.foreign !== undefined && bytesRead > 0) throw notASnapshot(path, this.#sections.foreign);
      throw truncated(path, bytesRead === 0 ? 'it is empty' : `it ends after ${bytesRead} bytes, in the middle`, bytesRead);
    }
    try {
      return this.#sections.finish().graph({ path, bytes: bytesRead });
    } catch (error) {
      throw this.#explained(error);
    }
  }

  #tokens(text: string): readonly Token[] {
    try {
      const tokens = this.#tokenize(text);
      return typeof tokens === 'symbol' ? [] : (tokens as { values: Token[] }).values;
    } catch (error) {
      const reason = (error as Error).message.replace(/^Parser (cannot parse input: |has )?/, '');
      if (this.#sections.foreign === undefined) throw malformed(this.path, `it is not JSON there (${reason})`, this.bytesRead);
      throw notASnapshot(this.path, `it is not JSON (${reason})`);
    }
  }

  #explained(error: unknown): unknown {
    if (error instanceof ForeignJson) return notASnapshot(this.path, error.message);
    if (!(error instanceof ColumnError)) return error;
    return error.kind === 'large' ? tooLarge(this.path, error.message) : malformed(this.path, error.message, this.bytesRead);
  }

  /** Memory for the graph is set aside next; a file that cannot hold what its head promises is refused before that. */
  #checkLength(head: SnapshotHead): void {
    const needed = fewestBytes(head);
    if (this.totalBytes === 0 || this.totalBytes >= needed) return;
    const promise = `${head.nodeCount} nodes and ${head.edgeCount} edges`;
    throw truncated(this.path, `it promises ${promise}, which take ${needed} bytes or more, and has ${this.totalBytes}`, this.totalBytes);
  }
}
