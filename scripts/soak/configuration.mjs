/**
 * Configuration of one round of the soak, derived from the seed and the round's number alone.
 *
 * Two tables, one row per option. A row of HEAP_OPTIONS is passed to `Heap.create` under its name (undefined leaves it out), so a new
 * option of the heap needs one row here. A row of LOAD says what is done to the heap. Rows are drawn in order, and may depend on those
 * drawn before them.
 */
import { makeRandom } from '../../test/support/random.mjs';

const always = (value) => () => value;

/** name → (random, what is drawn so far, what this machine can do) → value. */
export const HEAP_OPTIONS = {
  capacityBytes: (random) => `${random.pick([1, 1, 2, 3, 4, 6, 8, 8, 12, 16, 16, 24, 32, 48, 64, 96, 128, 200, 256])}M`,
  fault: (random, _drawn, machine) => random.pick(machine.modes),
  marker: (random, _drawn, machine) => random.pick(machine.markers),
  workers: (random) => random.below(4),
  workerNiceness: (random) => random.pick([0, 0, 0, 5, 19]),
  faultAroundPages: (random) => random.pick(['adaptive', 'adaptive', 1, 2, 4, 16, 64]),
  sizing: (random) => random.pick(['fixed', 'fixed', 'growable', 'adaptive']),
  evacuationBudgetBytes: (random) => random.pick([undefined, undefined, '1M', '16M']),
  returnAfterMs: (random) => random.pick([undefined, 0, 50]),
  tlabBytes: (random) => random.pick([undefined, undefined, '4K', '8K', '64K', '256K', '512K']),
  verify: always(true),
  trackUtilization: (random) => random.chance(1, 4),
  // A collection at every allocation is for heaps that are collected quickly.
  stressEvery: (random, { capacityBytes }) =>
    Number.parseInt(capacityBytes, 10) <= 16 ? random.pick([0, 0, 0, 1, 5, 50, 500]) : random.pick([0, 0, 0, 5_000]),
  /** Mutators take the faults of each of those collections. */
  stressFaults: (random, { stressEvery }) => stressEvery > 0 && random.chance(1, 2),
  delaySeed: (random) => (random.chance(1, 2) ? 1 + random.below(2 ** 30) : 0),
};

export const LOAD = {
  /** Heaps at once; the threads are divided among them. */
  heaps: (random) => random.pick([1, 1, 2, 2, 3]),
  threads: (random) => 1 + random.below(8),
  /** The thread with the event loop is a mutator too. */
  mainMutator: (random) => random.chance(1, 2),
  /** How much of the heap is kept alive. Near 1 every allocation may have to wait, or fail. */
  fill: (random) => random.pick([0.05, 0.2, 0.4, 0.6, 0.75, 0.9]),
  /** Words of the larger objects of the random program; above 65,536 they are large objects. */
  largeWords: (random, { capacityBytes }) =>
    random.pick([0, 0, 200, 5_000, 66_000, Math.min(500_000, Number.parseInt(capacityBytes, 10) * 16_384)]),
  /** Byte arrays of up to this share of the heap. */
  giants: (random) => random.pick([0, 0, 0.05, 0.25]),
  handleStorms: (random) => random.chance(1, 3),
  rootRanges: (random) => random.chance(1, 2),
  sharedTable: (random) => random.chance(1, 2),
  collections: (random) => random.chance(1, 2),
  /** Weak references and maps. */
  weakStructures: (random) => random.chance(1, 2),
  finalizers: (random) => random.chance(1, 2),
  /** Views, cursors, strings and tokens. */
  objects: (random) => random.chance(1, 2),
  /** Maps, queues, arrays and locks that the threads of a heap share. */
  sharedContainers: (random) => random.chance(1, 2),
  rebirths: (random) => random.chance(1, 3),
  /** Mutator threads are terminated wherever they are, and replaced. */
  deaths: (random) => random.chance(1, 3),
  /** The heap is made by a thread that is terminated, and the collector's thread with it. */
  controlDeath: (random) => random.chance(1, 4),
  refusals: (random) => random.chance(1, 3),
  /** Small heaps are made and closed meanwhile. */
  otherHeaps: (random) => random.chance(1, 4),
  /** The threads are mutators of all heaps. */
  guests: (random, { heaps }) => heaps > 1 && random.chance(3, 4),
  /** What they do there is cut short: by time limits, and by the end of the stack. */
  cuts: (random, { guests }) => guests && random.chance(2, 3),
  /** For tests of the soak itself: `corruption` writes over an object, `hang` never ends. */
  sabotage: always('none'),
  ending: (random) => random.pick(['close', 'close', 'close', 'terminate', 'process.exit']),
};

/** Everything about a round; `overrides` are values by name, for narrowing a failure down. */
export function configurationOf(seed, round, machine, overrides = {}) {
  const random = makeRandom(seedOfRound(seed, round));
  const drawn = {};
  const draw = (table) => {
    const values = {};
    for (const [name, row] of Object.entries(table)) {
      const value = row(random, drawn, machine);
      drawn[name] = values[name] = Object.hasOwn(overrides, name) ? overrides[name] : value;
    }
    return values;
  };
  return { seed, round, heap: draw(HEAP_OPTIONS), load: draw(LOAD), programSeed: random.next() };
}

function seedOfRound(seed, round) {
  return (Math.imul(seed, 0x9e3779b1) ^ Math.imul(round + 1, 0x85ebca6b)) >>> 0;
}

/** `name=value` of the command line. */
export function parseOverride(text) {
  const [name, ...rest] = text.split('=');
  if (!Object.hasOwn(HEAP_OPTIONS, name) && !Object.hasOwn(LOAD, name)) {
    throw new Error(`no option is called ${name}; there are ${[...Object.keys(HEAP_OPTIONS), ...Object.keys(LOAD)].join(', ')}`);
  }
  const value = rest.join('=');
  try {
    return [name, JSON.parse(value)];
  } catch {
    return [name, value];
  }
}

/** Short text for a line of progress. */
export function describe({ heap, load }) {
  const words = [heap.capacityBytes, heap.fault, heap.marker, `${heap.workers}w`, `${load.threads}t`];
  if (load.heaps > 1) words.push(`${load.heaps} heaps`);
  if (heap.stressEvery > 0) words.push(`stress ${heap.stressEvery}${heap.stressFaults ? ' with faults' : ''}`);
  if (heap.delaySeed > 0) words.push('delays');
  words.push(`fill ${load.fill}`);
  for (const name of ['deaths', 'controlDeath', 'refusals', 'handleStorms', 'otherHeaps', 'guests', 'cuts'])
    if (load[name]) words.push(name);
  if (load.ending !== 'close') words.push(load.ending);
  return words.join(' ');
}
