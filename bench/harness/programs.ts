/** Programs: which program runs an invocation of a system. Each takes the configuration as its one argument, as JSON. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { treeOf } from './builds.ts';
import type { Configuration } from './contract.ts';
import { IDLE } from './matrix.ts';

/** The command line that runs a configuration. */
export type Program = readonly [command: string, ...words: string[]];

/** The program of a configuration, or why there is none. */
export type ProgramOf = (configuration: Configuration) => Program | { readonly missing: string };

export const programOf: ProgramOf = (configuration) => {
  const { system, build, pin } = configuration;
  const program = ['faultline', 'v8', IDLE].includes(system) ? 'build/bench/invocation.js' : 'build/bench/peers/run.js';
  const path = join(treeOf(build), program);
  if (!existsSync(path)) return { missing: `${path} is not there: npm run build:bench` };
  return pinned(pin, [process.execPath, path, JSON.stringify(configuration)]);
};

/** One program of Node for every system; for tests. */
export function onlyProgram(path: string): ProgramOf {
  return (configuration) => pinned(configuration.pin, [process.execPath, path, JSON.stringify(configuration)]);
}

function pinned(cpus: string | undefined, program: Program): Program {
  return cpus === undefined ? program : ['taskset', '-c', cpus, ...program];
}
