#!/usr/bin/env node
/**
 * The `faultline` command.
 *
 * Whether this machine will do is asked before anything else is loaded: on a wrong one the other imports may be what fails.
 */
import { platformProblem } from '../platform.ts';

const problem = platformProblem();
if (problem === undefined) {
  const { main } = await import('./program.ts');
  process.exitCode = await main(process.argv);
} else {
  process.stderr.write(`faultline: ${problem}\n`);
  process.exitCode = 1;
}
