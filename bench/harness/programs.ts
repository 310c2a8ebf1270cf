/** Programs: which program runs an invocation of a system. Each takes the configuration as its one argument, as JSON. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Configuration } from './contract.ts';
import { PROJECT } from './project.ts';

const OURS = join(PROJECT, 'build/bench/invocation.js');
const PEERS = join(PROJECT, 'build/bench/peers/run.js');

/** The command line that runs a configuration. */
export type Program = readonly [command: string, ...words: string[]];

/** The program of a configuration, or why there is none. */
export type ProgramOf = (configuration: Configuration) => Program | { readonly missing: string };

export const programOf: ProgramOf = (configuration) => {
  const path = ['faultline', 'v8'].includes(configuration.system) ? OURS : PEERS;
  if (!existsSync(path)) return { missing: `${relative(PROJECT, path)} is not there: npm run build:bench` };
  return [process.execPath, path, JSON.stringify(configuration)];
};

/** One program of Node for every system; for tests. */
export function onlyProgram(path: string): ProgramOf {
  return (configuration) => [process.execPath, path, JSON.stringify(configuration)];
}
