/**
 * The ways in which an input may not be a usable heap snapshot. Each sentence says what failed, why, and what to do; the command prints it
 * after the code and exits with 1.
 */
import { HeapError } from '../../errors.ts';

const TAKE_ANOTHER =
  'Take it again: `node --heapsnapshot-signal=SIGUSR2 app.js` and `kill -USR2 PID`, or v8.writeHeapSnapshot(), and wait until ' +
  'the file stops growing';
const WHAT_IS_READ =
  'Give a .heapsnapshot file as v8.writeHeapSnapshot(), `node --heapsnapshot-signal` and Chrome write it, or no INPUT at all';

export function notFound(path: string): HeapError {
  return new HeapError('ERR_SNAPSHOT_NOT_FOUND', `There is no file ${path}. Check the path; without INPUT a snapshot is taken for you.`);
}

/** The operating system does not let us read it. */
export function unreadable(path: string, error: NodeJS.ErrnoException): HeapError {
  return new HeapError('ERR_SNAPSHOT_NOT_FOUND', `${path} cannot be read: ${error.message}. Check its permissions and the disk it is on.`, {
    cause: error,
    ...(error.errno !== undefined && { errno: Math.abs(error.errno) }),
    ...(error.syscall !== undefined && { syscall: error.syscall }),
  });
}

export function truncated(path: string, reason: string, byteOffset: number): HeapError {
  return new HeapError('ERR_SNAPSHOT_TRUNCATED', `${path} is not complete: ${reason}. ${TAKE_ANOTHER}.`, { figures: { byteOffset } });
}

export function malformed(path: string, reason: string, byteOffset: number): HeapError {
  return new HeapError('ERR_SNAPSHOT_MALFORMED', `${path} is damaged (near byte ${byteOffset}): ${reason}. ${TAKE_ANOTHER}.`, {
    figures: { byteOffset },
  });
}

export function notASnapshot(path: string, reason: string): HeapError {
  return new HeapError('ERR_SNAPSHOT_NOT_A_SNAPSHOT', `${path} is not a heap snapshot: ${reason}. ${WHAT_IS_READ}.`);
}

export function tooLarge(path: string, reason: string): HeapError {
  return new HeapError(
    'ERR_SNAPSHOT_TOO_LARGE',
    `${path} is too large: ${reason}. Take the snapshot of a smaller process, or earlier in its life.`,
  );
}

/** No INPUT was given, and the default snapshot could not be taken. */
export function notTaken(reason: string): HeapError {
  return new HeapError(
    'ERR_SNAPSHOT_CHILD',
    `The default heap snapshot could not be taken: ${reason}. Give a snapshot file as INPUT, or point XDG_CACHE_HOME at a folder with 100 MB free.`,
  );
}
