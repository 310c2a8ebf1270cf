/**
 * Program: the command line as a whole: its commands, and how failures are reported.
 *
 *     failure                                              stderr                              exit code
 *     an operation failed, an option has no such value     faultline: CODE: sentence           1
 *     no such command or option                            faultline: ERR_OPTION: sentence     2
 *     a bug                                                the error with its stack            70
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { HeapError } from '../errors.ts';
import { benchCommand } from './bench.ts';
import { doctorCommand } from './doctor.ts';
import { print, watchOutput } from './output.ts';
import { runCommand } from './run.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** EX_SOFTWARE of sysexits.h. */
const EXIT_BUG = 70;

const AFTER_HELP = `
Exit codes: 0 all is well; 1 a mismatch or an operation that failed (its code and what to do are printed);
2 no such command or option; 70 a bug in faultline.`;

/** Runs a command line, and returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  watchOutput();
  try {
    await ended(program().parseAsync(argv));
    return 0;
  } catch (error) {
    return told(error);
  }
}

/** Also waits until everything else the command wrote is out (commander's help, a benchmark's results), or the command has failed. */
async function ended(command: Promise<unknown>): Promise<void> {
  try {
    await command;
  } catch (error) {
    if (!(error instanceof CommanderError && error.exitCode === 0)) throw error;
  }
  await print('');
}

function program(): Command {
  const command = new Command('faultline')
    .description('A garbage-collected heap outside V8 that compacts while threads use it.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText('after', AFTER_HELP)
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  for (const build of [runCommand, doctorCommand, benchCommand]) command.addCommand(inheriting(build(), command));
  return command;
}

function inheriting(child: Command, parent: Command): Command {
  return child.copyInheritedSettings(parent).helpOption('-h, --help', 'print this help');
}

/** Prints what went wrong, and returns the exit code. */
function told(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.code === 'commander.help') return EXIT_USAGE;
    complain('ERR_OPTION', `${error.message.replace(/^error: |\.$/g, '')}; see faultline --help`);
    return EXIT_USAGE;
  }
  if (error instanceof HeapError || isOptionError(error)) {
    complain(error.code, error.message);
    return EXIT_FAILED;
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT_BUG;
}

function isOptionError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && error.code === 'ERR_OPTION';
}

function complain(code: string, message: string): void {
  process.stderr.write(`faultline: ${code}: ${message}\n`);
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
