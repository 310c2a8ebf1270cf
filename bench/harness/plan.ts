/** Plan: from what the command was told to options and points. Throws ERR_OPTION for what cannot be run, before anything is written. */
import { randomInt } from 'node:crypto';
import { argumentError } from './argument-error.ts';
import { treeOf } from './builds.ts';
import { type Experiment, readExperiment } from './experiment.ts';
import type { BenchOptions, BenchRequest } from './options.ts';
import { pointsOf } from './points.ts';
import type { Point } from './point.ts';

const INVOCATIONS = 10;
const QUICK_INVOCATIONS = 2;
const MOST_SEED = 2 ** 31 - 1 - 1000;

export interface Plan {
  readonly options: BenchOptions;
  readonly points: readonly Point[];
}

export function planOf(request: BenchRequest): Plan {
  const { against, quick, filter, heapFactors } = request;
  const name = experimentOf(request);
  const experiment = withArms(readExperiment(name), against);
  const points = pointsOf(experiment, {
    quick,
    ...(heapFactors === undefined ? {} : { heapFactors }),
    ...(filter === undefined ? {} : { filter: new RegExp(filter) }),
  });
  if (points.length === 0 && filter === undefined) throw argumentError('EXPERIMENT', `one with rows${quick ? ' for --quick' : ''}`, name);
  if (points.length === 0) throw argumentError('--filter', `something that matches rows of ${name} (--dry-run tells them)`, filter);
  for (const { configuration } of points) treeOf(configuration.build);
  const options = {
    experiment: name,
    ...(against === undefined ? {} : { against }),
    quick,
    invocations: request.invocations ?? (quick ? QUICK_INVOCATIONS : (experiment.invocations ?? INVOCATIONS)),
    ...(filter === undefined ? {} : { filter }),
    ...(heapFactors === undefined ? {} : { heapFactors }),
    seed: request.seed ?? randomInt(1, MOST_SEED),
  };
  return { options, points };
}

/** The defaults of the command. */
export function experimentOf({ experiment, against }: Pick<BenchRequest, 'experiment' | 'against'>): string {
  return experiment ?? (against === undefined ? 'all' : 'against');
}

/** Every row in the other tree and in this one. */
function withArms(experiment: Experiment, against: string | undefined): Experiment {
  if (against === undefined) return experiment;
  const arms = { that: { build: [against] }, this: {} };
  return { ...experiment, arms, parts: experiment.parts.map((part) => ({ ...part, arms })) };
}
