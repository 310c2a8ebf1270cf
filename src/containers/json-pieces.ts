/**
 * JSON in pieces: the text of what is too large for one text, out of a container and into one, while other threads use it.
 */
import { argumentRangeError, argumentTypeError } from '../errors.ts';
import { ObjectView } from '../objects/object-view.ts';
import type { ValueKind } from './kinds.ts';

/** A JSON text, or its pieces as they come: a stream of text or of bytes in UTF-8, an array of them. */
export type JsonPieces = string | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/** Characters of a piece, roughly; stream-json is slower with larger ones (cli/snapshot/read-snapshot.ts). */
const PIECE_LENGTH = 16 * 1024;

/** @internal Joins texts to pieces of some length, with a comma between any two. */
export function* piecesOf(texts: Iterable<string>, begin: string, end: string): Generator<string> {
  let piece = begin;
  let comma = '';
  for (const text of texts) {
    piece += comma + text;
    comma = ',';
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield piece + end;
}

/** @internal The JSON text of a key or a value that a container has given; a view is released. */
export function jsonOf(value: unknown): string {
  const text = JSON.stringify(typeof value === 'bigint' ? String(value) : value);
  if (value instanceof ObjectView) value.release();
  return text;
}

/** @internal What a value of JSON is for a container of that kind, if the program does not say. */
export const fromJson = (kind: ValueKind, value: unknown): unknown =>
  (kind === 'i64' || kind === 'u64') && (typeof value === 'string' || Number.isSafeInteger(value)) ? toBigInt(value as string) : value;

function toBigInt(value: string | number): unknown {
  try {
    return BigInt(value);
  } catch {
    return value;
  }
}

/** @internal Throws TypeError ERR_OPTION for what is neither a function nor left out. */
export function expectReader(read: unknown): void {
  if (read !== undefined && typeof read !== 'function') throw argumentTypeError('read', 'a function', read);
}

interface Entry {
  readonly key: string | number;
  readonly value: unknown;
}

/**
 * @internal The elements of the array, or the members of the object, that the text says, as they come. Throws TypeError or RangeError
 * ERR_OPTION if it says something else; what came before has been given then.
 */
export async function* jsonEntries(pieces: JsonPieces, what: 'array' | 'object'): AsyncGenerator<Entry> {
  const isIterable = typeof pieces === 'object' && pieces !== null && (Symbol.iterator in pieces || Symbol.asyncIterator in pieces);
  if (typeof pieces !== 'string' && !isIterable) throw argumentTypeError('JSON', 'a text, or a stream or an array of its pieces', pieces);
  const [{ jsonParser }, { streamArray }, { streamObject }] = await Promise.all([
    import('stream-json/core/parser.js'),
    import('stream-json/core/streamers/stream-array.js'),
    import('stream-json/core/streamers/stream-object.js'),
  ]);
  const tokenize = jsonParser({ streamValues: false });
  const assemble = (what === 'array' ? streamArray : streamObject)() as (token: object) => unknown;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let depth = 0;
  let begun = false;
  const entriesIn = (text: string): Entry[] => {
    const entries: Entry[] = [];
    const tokens: unknown = tokenize(text);
    for (const token of (tokens as { values?: { name: string }[] }).values ?? []) {
      begun = true;
      if (/^start(Array|Object)$/.test(token.name)) depth++;
      if (/^end(Array|Object)$/.test(token.name)) depth--;
      const entry = assemble(token);
      if (typeof entry === 'object') entries.push(entry as Entry);
    }
    return entries;
  };
  const refusedWith = (cause: unknown): RangeError =>
    Object.assign(argumentRangeError('JSON', `the text of an ${what} (${(cause as Error).message})`, 'something else'), { cause });
  for await (const piece of typeof pieces === 'string' ? [pieces] : pieces) {
    const isText = typeof piece === 'string';
    if (!isText && !(piece instanceof Uint8Array)) throw argumentTypeError('piece of JSON', 'a text or a Uint8Array', piece);
    for (let at = 0; at < piece.length; at += PIECE_LENGTH) {
      let entries: Entry[];
      try {
        const end = at + PIECE_LENGTH;
        const part = isText ? piece.slice(at, end) : decoder.decode(piece.subarray(at, end), { stream: true });
        entries = entriesIn(part);
      } catch (error) {
        throw refusedWith(error);
      }
      yield* entries;
    }
  }
  if (!begun || depth > 0) throw refusedWith(new Error('it ends in the middle'));
}
