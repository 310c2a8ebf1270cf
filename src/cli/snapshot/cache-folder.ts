/**
 * Files that are expensive to make and may be deleted at any time, in a folder that belongs to this user.
 *
 * A file's name ends with the hash of its content: NAME-HASH.ENDING. So a reader can tell a complete file from a damaged one without a
 * second file that describes the first, and two processes that make the same file at once cannot damage each other's: each writes a draft
 * and renames it, and a file found under a name either has the right content or is deleted.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { clockMs } from '../../clock.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** A file that was not used for this long is removed; it belongs to an older Node or to other packages. */
const KEPT_MS = 7 * DAY_MS;

/** A draft this old was left behind by a process that was killed. */
const DRAFT_KEPT_MS = DAY_MS / 24;

const DRAFT = '.draft';
const HASH_LENGTH = 16;

export class CacheFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** $XDG_CACHE_HOME/faultline, or faultline-<uid> in the folder for temporary files. Made if needed, for this user only. */
  static async open(path = defaultPath()): Promise<CacheFolder> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const status = await lstat(path);
    // Any user may make folders among the temporary files. The contents of another user's folder cannot be trusted.
    if (!status.isDirectory() || status.uid !== process.getuid?.()) throw new Error(`${path} belongs to another user`);
    return new CacheFolder(path);
  }

  /** The complete file NAME-HASH.ENDING if there is one; damaged ones are removed. */
  async find(name: string, ending: string): Promise<string | undefined> {
    for (const entry of await readdir(this.path)) {
      if (!entry.startsWith(`${name}-`) || !entry.endsWith(ending)) continue;
      const path = join(this.path, entry);
      if ((await hashOf(path)) === entry.slice(name.length + 1, -ending.length)) {
        const now = new Date();
        await utimes(path, now, now);
        return path;
      }
      await rm(path, { force: true });
    }
    return undefined;
  }

  /** Lets `write` fill a draft and puts it into place; a draft that could not be filled is removed. */
  async add(name: string, ending: string, write: (draft: string) => Promise<void>): Promise<string> {
    await this.#prune();
    const draft = join(this.path, `${name}-${process.pid}-${clockMs()}${DRAFT}`);
    try {
      await write(draft);
      const path = join(this.path, `${name}-${(await hashOf(draft)) ?? ''}${ending}`);
      await rename(draft, path);
      return path;
    } finally {
      await rm(draft, { force: true });
    }
  }

  async #prune(): Promise<void> {
    for (const entry of await readdir(this.path)) {
      const path = join(this.path, entry);
      const status = await stat(path).catch(() => undefined);
      const keptMs = entry.endsWith(DRAFT) ? DRAFT_KEPT_MS : KEPT_MS;
      if (status?.isFile() && Date.now() - status.mtimeMs > keptMs) await rm(path, { force: true });
    }
  }
}

function defaultPath(): string {
  const home = process.env['XDG_CACHE_HOME'];
  // The XDG base directory specification says that a relative path is to be ignored.
  if (home !== undefined && isAbsolute(home)) return join(home, 'faultline');
  return join(tmpdir(), `faultline-${process.getuid?.() ?? 0}`);
}

/** `undefined` if the file was deleted meanwhile or cannot be read: then it counts as damaged. */
async function hashOf(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  } catch {
    return undefined;
  }
  return hash.digest('hex').slice(0, HASH_LENGTH);
}
