/**
 * Commands whose output goes nowhere: one line on standard error, and exit code 1.
 */
import { describe, expect, it } from 'vitest';
import { ROOT, start } from './command.ts';

const COMMANDS = ['doctor', 'doctor --json', '--help', '--version', 'run --help'];

/** By a shell, for what it makes of standard output. */
const shell = (command: string) => start('bash', ['-c', command]);
const faultline = (words: string): string => `${process.execPath} ${ROOT}/dist/cli/main.js ${words}`;

describe('a command whose output cannot be written', () => {
  it.each(COMMANDS)('says so when the disk is full: %s', async (words) => {
    const { status, stderr } = await shell(`${faultline(words)} > /dev/full`);
    expect(stderr).toMatch(/^faultline: ERR_OUTPUT_WRITE: standard output cannot be written \(ENOSPC\)[^\n]*\n$/);
    expect(status).toBe(1);
  });

  it.each(COMMANDS)('says so when nobody reads the pipe any more: %s', async (words) => {
    // The reader ends before the writer begins.
    const { status, stderr } = await shell(`{ sleep 0.2; ${faultline(words)}; echo "exit $?" >&2; } | exec true`);
    expect(stderr).toMatch(/^faultline: ERR_OUTPUT_WRITE: standard output cannot be written \(EPIPE\)[^\n]*\nexit 1\n$/);
    expect(status).toBe(0);
  });

  it('ends with its exit code when standard error is full as well', async () => {
    const { status } = await shell(`${faultline('doctor')} > /dev/full 2> /dev/full`);
    expect(status).toBe(1);
  });
});
