/**
 * Output: what a command writes to standard output, and what happens if it cannot: the disk is full, or the reader of the pipe has ended.
 * Node reports that by an event of the stream, at once or later, and throws if nothing listens.
 */
import { HeapError } from '../errors.ts';

let failure: NodeJS.ErrnoException | undefined;

/** To be called first. A failure of standard error cannot be reported; the exit code stays. */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => (failure ??= error));
  process.stderr.on('error', () => {});
}

/** Writes to standard output, and waits until it is written. Throws ERR_OUTPUT_WRITE. */
export async function print(text: string): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write(text, (error) => (noteFailure(error), resolve())));
  if (failure === undefined) return;
  const { errno, syscall } = failure;
  const details = { ...(errno === undefined ? {} : { errno }), ...(syscall === undefined ? {} : { syscall }) };
  throw new HeapError(
    'ERR_OUTPUT_WRITE',
    `standard output cannot be written (${failure.code ?? failure.message}); ${remedy(failure.code)}.`,
    details,
  );
}

function noteFailure(error: Error | null | undefined): void {
  if (error !== null && error !== undefined) failure ??= error;
}

function remedy(code: string | undefined): string {
  if (code === 'EPIPE') return 'the program reading it ended before everything was written';
  return code === 'ENOSPC' ? 'make room on the disk, or send it somewhere else' : 'send it somewhere else';
}
