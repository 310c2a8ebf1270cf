/** Programs: which program runs an invocation of a system. Each takes the configuration as its one argument, as JSON. */
import { join } from 'node:path';
import type { Configuration } from './contract.ts';
import { PROJECT } from './project.ts';

const OURS = join(PROJECT, 'build/bench/invocation.js');
const PEERS = join(PROJECT, 'build/bench/peers/run.js');

/** The command line that runs a configuration. */
export type ProgramOf = (configuration: Configuration) => readonly [command: string, ...words: string[]];

export const programOf: ProgramOf = (configuration) => {
  const program = ['faultline', 'v8'].includes(configuration.system) ? OURS : PEERS;
  return [process.execPath, program, JSON.stringify(configuration)];
};

/** One program of Node for every system; for tests. */
export function onlyProgram(path: string): ProgramOf {
  return (configuration) => [process.execPath, path, JSON.stringify(configuration)];
}
