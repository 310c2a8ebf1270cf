/**
 * Soak: random programs on random heaps, each round in its own process, until the time is over or something is wrong.
 *
 *     npm run soak -- --minutes 10 --seed 1
 *
 * A round's configuration follows from the seed and its number (soak/configuration.mjs); what its threads do follows from the
 * configuration, apart from scheduling. Stops at the first difference, crash or hang, with exit code 1, and says how to
 * repeat it.
 */
import { parseArgs } from 'node:util';
import { traitsOf } from '../dist/gc/fault-modes.js';
import { judgeModes } from '../dist/gc/fault-mode-choice.js';
import { judgeMarkers } from '../dist/gc/markers.js';
import { binding } from '../dist/binding.js';
import { runRound } from './soak/child.mjs';
import { configurationOf, describe, parseOverride } from './soak/configuration.mjs';
import { asTable, summarize } from './soak/summary.mjs';

const USAGE = `npm run soak -- [options]
  --minutes N         for so long (default 10)
  --rounds N          or so many rounds
  --seed N            where everything random comes from (default: a new one)
  --round N           this round only
  --round-seconds S   how long each round lasts (default 5)
  --limit-seconds S   a round that has not ended after so long hangs (default 120)
  --set NAME=VALUE    fixes an option of scripts/soak/configuration.mjs; more than once
  --json              one JSON object at the end, nothing else on standard output
  --help
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    rounds: { type: 'string' },
    seed: { type: 'string' },
    round: { type: 'string' },
    'round-seconds': { type: 'string', default: '5' },
    'limit-seconds': { type: 'string', default: '120' },
    set: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(USAGE);
} else {
  process.exitCode = await soak();
}

function number(name, text, least) {
  const value = Number(text);
  if (!(value >= least)) throw new RangeError(`--${name} must be a number from ${least} on, not ${text}`);
  return value;
}

async function soak() {
  const seed = values.seed === undefined ? 1 + Math.floor(Math.random() * 0x7fff_fffe) : number('seed', values.seed, 0);
  const only = values.round === undefined ? undefined : number('round', values.round, 0);
  const most = only !== undefined ? 1 : values.rounds === undefined ? Infinity : number('rounds', values.rounds, 1);
  const minutes = values.minutes ?? (most === Infinity ? '10' : undefined);
  const endMs = minutes === undefined ? Infinity : performance.now() + number('minutes', minutes, 0) * 60_000;
  const seconds = number('round-seconds', values['round-seconds'], 0);
  const limitSeconds = seconds + number('limit-seconds', values['limit-seconds'], 1);
  const overrides = Object.fromEntries(values.set.map(parseOverride));
  const probe = binding().probe();
  const machine = {
    // Its programs need collections, and load references without a barrier.
    modes: judgeModes(probe).flatMap(({ mode, works }) => {
      const { collects, barrieredLoads } = traitsOf(mode);
      return works && collects && !barrieredLoads ? [mode] : [];
    }),
    // The programs of a round store every reference with the barrier.
    markers: judgeMarkers(probe, true)
      .filter(({ works }) => works)
      .map(({ marker }) => marker),
  };

  const done = [];
  say(`seed ${seed}\n`);
  for (let i = 0; i < most && performance.now() < endMs; i++) {
    const round = only ?? i;
    const configuration = configurationOf(seed, round, machine, overrides);
    progress(done, round, configuration);
    const result = await runRound(configuration, { seconds, limitSeconds });
    done.push({ round, configuration, ...result });
    if (result.ok) continue;
    const repeat = [
      'npm run soak --',
      `--seed ${seed}`,
      `--round ${round}`,
      `--round-seconds ${seconds}`,
      ...values.set.map((text) => `--set ${text}`),
    ];
    say(`\n\nround ${round} ${result.ending}\n`);
    say(`once more: ${repeat.join(' ')}\n\n${JSON.stringify(configuration, undefined, 2)}\n\n`);
    if (result.hang) say(`${result.hang.join('\n')}\n\n`);
    say(result.stderr);
    if (values.json)
      process.stdout.write(`${JSON.stringify({ seed, ok: false, repeat: repeat.join(' '), failed: done.at(-1), rounds: done.length })}\n`);
    return 1;
  }
  const rows = summarize(done);
  if (values.json) process.stdout.write(`${JSON.stringify({ seed, ok: true, rounds: done.length, summary: rows })}\n`);
  else process.stdout.write(`${process.stderr.isTTY ? '\n' : ''}${asTable(rows)}\n${done.length} rounds, no difference\n`);
  return 0;
}

function say(text) {
  process.stderr.write(text);
}

/** One line that is written over on a terminal; a line a round elsewhere. */
function progress(done, round, configuration) {
  const operations = done.reduce((sum, { figures }) => sum + (figures?.operations ?? 0), 0);
  const line = `round ${round}  ${operations.toLocaleString('en')} operations  ${describe(configuration)}`;
  if (process.stderr.isTTY) say(`\r\x1b[K${line.slice(0, process.stderr.columns - 1)}`);
  else if (!values.json) say(`${line}\n`);
}
