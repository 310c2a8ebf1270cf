#!/usr/bin/env node
/**
 * The `faultline` command.
 *
 * The platform is checked before anything else is loaded, because on an unsupported one the other imports may fail.
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
