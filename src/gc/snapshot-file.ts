/**
 * Snapshot file: where the text of a snapshot is written.
 *
 *     what the path leads to, links followed     how it is written
 *     nothing, or a file                          to a draft in the same folder, which replaces the file when it is complete, with the mode
 *                                                 and the owner of the file that was there
 *     the same, if no draft can be made           to the file itself: the folder may not be written to, or a longer path is not allowed
 *     a pipe, a device                            as it is
 *     a descriptor of this process                to the descriptor: /dev/stdout may be a socket, which cannot be opened again
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, fstatSync, type Stats, write as writeTo } from 'node:fs';
import { chmod, chown, copyFile, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** As many links as the kernel follows. */
const MOST_LINKS = 40;
const DESCRIPTOR = /^\/proc\/(\d+)\/(?:task\/\d+\/)?fd\/(\d+)$/;
/** Time between two tries to write to a pipe that is full and does not block. */
const FULL_PIPE_MS = 5;
/** The mode of a new file, before the umask. */
const NEW_FILE_MODE = 0o666;
/** The errors with which a draft may be refused although the file itself can be written. */
const NO_DRAFT: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS', 'ENAMETOOLONG'];

/** @internal An open file, pipe, device or descriptor. */
export class SnapshotFile {
  readonly #stream: Writable;
  readonly #place: string;
  readonly #draft: string | undefined;
  readonly #replaced: Stats | undefined;
  #bytes = 0;

  private constructor(stream: Writable, place: string, draft: string | undefined, replaced: Stats | undefined) {
    this.#stream = stream;
    this.#place = place;
    this.#draft = draft;
    this.#replaced = replaced;
  }

  /** Opens the file before the graph is copied, so that nothing is copied in vain. A pipe is open only when a process reads it. */
  static async open(path: string, signal: AbortSignal): Promise<SnapshotFile> {
    const place = await placeOf(path);
    const descriptor = DESCRIPTOR.exec(place);
    if (descriptor !== null && Number(descriptor[1]) === process.pid) {
      const number = Number(descriptor[2]);
      // Throws if the descriptor is closed.
      fstatSync(number);
      return new SnapshotFile(descriptorStream(number, signal), place, undefined, undefined);
    }
    const there = await statusOf(place);
    if (there?.isFile() === false) return new SnapshotFile(await openStream(place, 'w', signal), place, undefined, undefined);
    // Short, whatever the name of the file: a name may have at most 255 bytes.
    const draft = join(dirname(place), `.faultline-${randomBytes(6).toString('hex')}.draft`);
    try {
      const mode = there === undefined ? NEW_FILE_MODE : there.mode & 0o600;
      return new SnapshotFile(await openDraft(draft, mode, signal), place, draft, there);
    } catch (error) {
      if (!NO_DRAFT.includes((error as NodeJS.ErrnoException).code)) throw error;
      return new SnapshotFile(await openStream(place, 'w', signal), place, undefined, undefined);
    }
  }

  /** Writes everything, and puts the draft in its place. */
  async write(chunks: Iterable<Buffer>, signal: AbortSignal): Promise<void> {
    await pipeline(this.#counted(chunks), this.#stream, { signal });
    if (this.#draft === undefined) return;
    if (this.#replaced !== undefined) await likeIt(this.#draft, this.#replaced);
    await this.#takePlace(this.#draft);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Leaves no partial file behind; what was there before is still there. */
  async discard(): Promise<void> {
    this.#stream.destroy();
    if (this.#draft !== undefined) await rm(this.#draft, { force: true }).catch(() => {});
  }

  *#counted(chunks: Iterable<Buffer>): Generator<Buffer> {
    for (const chunk of chunks) {
      this.#bytes += chunk.length;
      yield chunk;
    }
  }

  /** A file that is a mount point, as in containers, or another user's file in a folder like /tmp can be written but not replaced. */
  async #takePlace(draft: string): Promise<void> {
    try {
      await rename(draft, this.#place);
    } catch (error) {
      if (this.#replaced === undefined) throw error;
      await copyFile(draft, this.#place);
      await rm(draft);
    }
  }
}

/** Where a path leads: the real folder, and a name in it that is no link. */
async function placeOf(path: string): Promise<string> {
  let place = path;
  for (let links = 0; links <= MOST_LINKS; links++) {
    const folder = await realpath(dirname(place)).catch(() => undefined);
    // The kernel will report what is wrong with it.
    if (folder === undefined) return place;
    place = join(folder, basename(place));
    if (DESCRIPTOR.test(place)) return place;
    const target = await readlink(place).catch(() => undefined);
    if (target === undefined) return place;
    place = resolve(folder, target);
  }
  await stat(path);
  return path;
}

async function statusOf(place: string): Promise<Stats | undefined> {
  try {
    return await stat(place);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** On abort, the opening is abandoned before it has finished: a pipe that no process reads never opens. */
async function openStream(path: string, flags: string, signal: AbortSignal): Promise<Writable> {
  const stream = createWriteStream(path, { flags, mode: NEW_FILE_MODE });
  await once(stream, 'open', { signal }).catch((error: unknown) => {
    stream.destroy();
    throw error;
  });
  return stream;
}

async function openDraft(path: string, mode: number, signal: AbortSignal): Promise<Writable> {
  const stream = createWriteStream(path, { flags: 'wx', mode });
  try {
    await once(stream, 'open', { signal });
    return stream;
  } catch (error) {
    if (signal.aborted) {
      // The kernel opens it all the same, a moment later.
      await new Promise<void>((fulfil) => stream.destroy().once('close', () => fulfil()));
      await rm(path, { force: true });
    }
    throw error;
  }
}

/** Not closed at the end, because it belongs to the program. */
function descriptorStream(descriptor: number, signal: AbortSignal): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      writeAll(descriptor, chunk, signal).then(() => done(), done);
    },
  });
}

async function writeAll(descriptor: number, chunk: Buffer, signal: AbortSignal): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const written = await writeSome(descriptor, chunk.subarray(at));
    if (written === 0) await delay(FULL_PIPE_MS, undefined, { signal });
    at += written;
  }
}

function writeSome(descriptor: number, bytes: Buffer): Promise<number> {
  return new Promise((fulfil, reject) => {
    writeTo(descriptor, bytes, (error, written) => {
      if (error === null) fulfil(written);
      else if (error.code === 'EAGAIN') fulfil(0);
      else reject(error);
    });
  });
}

/** The owner first, because changing the owner clears bits of the mode. Only the superuser can change the owner. */
async function likeIt(path: string, { mode, uid, gid }: Stats): Promise<void> {
  await chown(path, uid, gid).catch(() => {});
  await chmod(path, mode & 0o7777);
}
