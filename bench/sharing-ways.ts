/**
 * Ways of sharing: a cache of texts behind the same two operations, in a heap of this library, in a thread that owns it, in a database, and
 * in each thread for itself.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Heap, type HandleToken, type HeapCache, type HeapMap, type HeapToken } from 'faultline';

export const ENTRIES = 100_000;
export const keyOf = (i: number): string => `key ${i}`;
export const textOf = (i: number): string => `the text of entry ${i}`;

export type WayName = 'heap' | 'cache' | 'messages' | 'sqlite' | 'private';

export const WAYS: readonly { name: WayName; title: string }[] = [
  { name: 'private', title: 'a Map in each thread, which shares nothing' },
  { name: 'heap', title: 'a map of this library' },
  { name: 'cache', title: 'a cache of this library, with a limit' },
  { name: 'sqlite', title: 'SQLite, a file in memory' },
  { name: 'messages', title: 'messages to a thread that owns a Map' },
];

/** What a thread does with the cache. Only messages have to be waited for. */
export interface Cache {
  get(key: string): string | Promise<string>;
  set(key: string, text: string): unknown;
  close(): unknown;
}

interface Given {
  readonly value: unknown;
  readonly transfer: readonly MessagePort[];
}

interface Prepared {
  /** For each thread. */
  readonly data: readonly Given[];
  end(): unknown;
}

interface Statement {
  get(...parameters: string[]): unknown;
  run(...parameters: string[]): unknown;
}
interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

const ignoreWarning = (warning: Error): boolean => warning.name === 'ExperimentalWarning';

function sqlite(): { DatabaseSync: new (path: string) => Database } | undefined {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => ignoreWarning(warning) || console.warn(warning.stack));
  try {
    return createRequire(import.meta.url)('node:sqlite') as { DatabaseSync: new (path: string) => Database };
  } catch {
    return undefined;
  }
}

export const isAvailable = (name: WayName): boolean => name !== 'sqlite' || sqlite() !== undefined;

function openDatabase(path: string): Database {
  const database = new (sqlite()!.DatabaseSync)(path);
  // As little as a file can cost: nothing is to survive a crash.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = 10000');
  return database;
}

const same = (threads: number, value: unknown): Given[] => Array.from({ length: threads }, () => ({ value, transfer: [] }));

/** In the main thread. */
export async function prepare(name: WayName, threads: number): Promise<Prepared> {
  if (name === 'heap' || name === 'cache') {
    const heap = Heap.create({ capacityBytes: '256M' });
    const mutator = heap.attachMutator();
    // A limit that is not reached, as with the others: all texts are there from the beginning to the end.
    const shared =
      name === 'heap'
        ? heap.createMap('string', 'string')
        : heap.createCache('string', 'string', { maxEntries: 2 * ENTRIES, maxBytes: '128M' });
    for (let i = 0; i < ENTRIES; i++) shared.set(keyOf(i), textOf(i));
    await heap.collect();
    const data = Array.from({ length: threads }, () => ({ value: { token: heap.token, shared: heap.offer(shared) }, transfer: [] }));
    return { data, end: () => (mutator.detach(), heap.close()) };
  }
  if (name === 'messages') {
    const owned = new Map(Array.from({ length: ENTRIES }, (_, i) => [keyOf(i), textOf(i)]));
    const data = Array.from({ length: threads }, () => {
      const { port1, port2 } = new MessageChannel();
      port1.on('message', ([key, text]: [string, string?]) => {
        if (text !== undefined) owned.set(key, text);
        port1.postMessage(text ?? owned.get(key));
      });
      return { value: port2, transfer: [port2] };
    });
    return { data, end: () => undefined };
  }
  if (name === 'private') return { data: same(threads, undefined), end: () => undefined };
  const folder = mkdtempSync('/dev/shm/faultline-sharing-');
  const path = join(folder, 'cache.db');
  const database = openDatabase(path);
  database.exec('CREATE TABLE cache (key TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID; BEGIN');
  const insert = database.prepare('INSERT INTO cache VALUES (?, ?)');
  for (let i = 0; i < ENTRIES; i++) insert.run(keyOf(i), textOf(i));
  database.exec('COMMIT');
  database.close();
  return { data: same(threads, path), end: () => rmSync(folder, { recursive: true }) };
}

/** In a worker. */
export function open(name: WayName, given: unknown): Cache {
  if (name === 'heap' || name === 'cache') {
    type Shared = HeapMap<'string', 'string'> | HeapCache<'string', 'string'>;
    const { token, shared: offered } = given as { token: HeapToken; shared: HandleToken<Shared> };
    const heap = Heap.attach(token);
    heap.attachMutator();
    const shared = heap.redeem(offered);
    return { get: (key) => shared.get(key)!, set: (key, text) => shared.set(key, text), close: () => heap.close() };
  }
  if (name === 'messages') {
    const port = given as MessagePort;
    let answered: (text: string) => void;
    port.on('message', (text: string) => answered(text));
    const ask = (message: string[]): Promise<string> => {
      port.postMessage(message);
      return new Promise((resolve) => (answered = resolve));
    };
    return { get: (key) => ask([key]), set: (key, text) => ask([key, text]), close: () => port.close() };
  }
  if (name === 'private') {
    const map = new Map(Array.from({ length: ENTRIES }, (_, i) => [keyOf(i), textOf(i)]));
    return { get: (key) => map.get(key)!, set: (key, text) => map.set(key, text), close: () => undefined };
  }
  const database = openDatabase(given as string);
  const select = database.prepare('SELECT text FROM cache WHERE key = ?');
  const insert = database.prepare('INSERT OR REPLACE INTO cache VALUES (?, ?)');
  return {
    get: (key) => (select.get(key) as { text: string }).text,
    set: (key, text) => insert.run(key, text),
    close: () => database.close(),
  };
}
