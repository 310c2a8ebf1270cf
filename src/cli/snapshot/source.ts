/**
 * Source: the bytes of a snapshot, block by block, wherever they come from.
 *
 *     a path ─▶ file or pipe ─┐
 *                             ├─▶ as it is ──────▶ text
 *     - ─▶ standard input ────┘   or by gunzip ──▶ text      (told by the first byte, with which no text starts)
 *
 * At most a few blocks are in memory, compressed or not, however long the text is.
 */
import { fstatSync, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { addAbortSignal, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

import { notASnapshot, notFound, unreadable } from './snapshot-error.ts';

/** Means standard input when given as a path. */
const STANDARD_INPUT = '-';
/** Opening these again fails for a socket, which standard input often is when another program starts this one. */
const STANDARD_INPUT_PATHS: readonly string[] = [STANDARD_INPUT, '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'];
const GZIP_MAGIC = 0x1f;

export interface SourceOptions {
  readonly blockBytes: number;
  /** Bytes read from the file, compressed or not, and its length: 0 for a pipe, whose length is not known. */
  readonly onRead: (bytesRead: number, totalBytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

export interface Source {
  /** Its name in messages. */
  readonly name: string;
  /** Length of the text; 0 if it is not known. */
  readonly textBytes: number;
  readonly isPacked: boolean;
  readonly blocks: AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** @throws HeapError ERR_SNAPSHOT_NOT_FOUND, _NOT_A_SNAPSHOT */
export async function openSource(path: string, options: SourceOptions): Promise<Source> {
  if (STANDARD_INPUT_PATHS.includes(path)) {
    return sourceOf('standard input', fstatSync(0), standardInput(options.signal), async () => void process.stdin.destroy(), options);
  }
  const file = await openFile(path);
  try {
    return await sourceOf(path, await file.stat(), blocksOf(file, path, options.blockBytes), () => file.close(), options);
  } catch (error) {
    await file.close();
    throw error;
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

async function sourceOf(
  name: string,
  status: Stats,
  blocks: AsyncGenerator<Buffer>,
  close: () => Promise<void>,
  options: SourceOptions,
): Promise<Source> {
  if (status.isDirectory()) throw notASnapshot(name, 'it is a directory');
  const totalBytes = status.isFile() ? status.size : 0;
  const first = await blocks.next();
  const isPacked = first.done !== true && first.value[0] === GZIP_MAGIC;
  const counted = counting(first, blocks, (bytes) => options.onRead(bytes, totalBytes), options.signal);
  return { name, textBytes: isPacked ? 0 : totalBytes, isPacked, blocks: isPacked ? unpacked(counted) : counted, close };
}

/** Each block is valid until the next one is requested. */
async function* blocksOf(file: FileHandle, path: string, blockBytes: number): AsyncGenerator<Buffer> {
  const block = Buffer.allocUnsafe(blockBytes);
  for (;;) {
    const bytes = await readBlock(file, path, block);
    if (bytes === 0) return;
    yield block.subarray(0, bytes);
  }
}

async function readBlock(file: FileHandle, path: string, block: Buffer): Promise<number> {
  try {
    return (await file.read(block, 0, block.length, null)).bytesRead;
  } catch (error) {
    throw unreadable(path, error as NodeJS.ErrnoException);
  }
}

async function* standardInput(signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  if (signal !== undefined) addAbortSignal(signal, process.stdin);
  try {
    for await (const block of process.stdin) yield block as Buffer;
  } catch (error) {
    signal?.throwIfAborted();
    throw unreadable('standard input', error as NodeJS.ErrnoException);
  }
}

async function* counting(
  first: IteratorResult<Buffer, unknown>,
  rest: AsyncIterable<Buffer>,
  onRead: (bytes: number) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  if (first.done === true) return;
  onRead((bytes += first.value.length));
  yield first.value;
  for await (const block of rest) {
    signal?.throwIfAborted();
    onRead((bytes += block.length));
    yield block;
  }
}

async function* unpacked(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  // The same error arrives at the stream, where it is handled.
  pipeline(Readable.from(copies(packed)), gunzip).catch(() => {});
  yield* gunzip as AsyncIterable<Buffer>;
}

/** Needed because the stream requests the next block before it is done with the last. */
async function* copies(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const block of blocks) yield Buffer.from(block);
}
