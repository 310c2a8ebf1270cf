/**
 * Options of a heap: one table with what is accepted, the default, and what each option is for. The checks, the error texts and
 * docs/options.md are derived from it, and the interface is checked against it.
 */
import { availableParallelism } from 'node:os';
import { argumentRangeError, argumentTypeError } from './errors.ts';
import { FAULT_MODE_NAMES } from './gc/fault-modes.ts';
import type { RequestedFaultMode } from './gc/fault-mode-choice.ts';
import { MARKERS, type RequestedMarker } from './gc/markers.ts';
import type { PolicyOptions, WorkerOptions } from './gc/policy/policy-options.ts';
import { type Sizing, SIZINGS } from './gc/policy/sizing.ts';
import { MAX_REGIONS, PAGE_BYTES, REGION_BYTES, REGION_PAGES } from './binding/layout.ts';
import { flag, integer, number, oneOf, type OptionKind, size, valueOf } from './option-kinds.ts';

/** What a heap is made with; docs/options.md has the same as a table. Every error is a TypeError or RangeError with the code ERR_OPTION. */
export interface HeapOptions {
  /**
   * How much the heap may hold, in bytes or as text (`"64M"`, `"2G"`), rounded up to whole MiB. From 1 MiB to 16 GiB. Memory is used as it
   * is needed; a reserve for evacuation comes on top.
   */
  capacityBytes: number | string;
  /**
   * How a mutator that touches a page too early is held. Default `auto`: the best this machine allows of sigbus, thread, sigsegv, stw.
   * The others are for research; with `none` nothing is ever collected.
   */
  fault?: RequestedFaultMode;
  /** How the heap finds what is alive. Default `auto`: without a barrier where the machine allows it, else with threads stopped. */
  marker?: RequestedMarker;
  /** The program promises to store every reference with `mutator.setReference`. The marker `satb` needs it; true by default with it. */
  barrieredStores?: boolean;
  /**
   * Pages around a fault that are finished and shown along with it, if nobody else is at them. A power of two up to 64, or `adaptive`
   * (default): 1 to 16, more where a thread's faults follow one another.
   */
  faultAroundPages?: number | 'adaptive';
  /** GC workers; with 0 the control thread does everything. Default: one less than the CPUs, between 1 and 4. */
  workers?: number;
  /**
   * How much the GC workers step back for other threads, as in nice(1). 0 (default, like all others) to 19. They cannot step forward
   * again, so a thread that waits for memory waits longer on a busy machine.
   */
  workerNiceness?: number;
  /**
   * How much of the capacity the heap means to use. `fixed` (default): all of it. `growable`: from `minBytes` up, as live data
   * need. `adaptive`: as much as saves collecting that is worth it (`memoryPricePerMib`).
   */
  sizing?: Sizing;
  /** What a `growable` or `adaptive` heap uses at least, rounded up to whole MiB. Default: an eighth of the capacity. */
  minBytes?: number | string;
  /**
   * For `adaptive`: the share of its time that the heap may spend on collecting to save 1 MiB. Default 0.001; larger means
   * less memory and more collecting.
   */
  memoryPricePerMib?: number;
  /**
   * When nothing has been allocated for so long, what is new is collected and unused memory goes back to the system; 0: never. Default
   * 300,000.
   */
  returnAfterMs?: number;
  /** Copied in one cycle at most, full collections aside. Default: the capacity. */
  evacuationBudgetBytes?: number | string;
  /**
   * Checks what the program does with views and raw references; costs nothing when it is off. Finds stale and foreign references, wrong
   * shapes and values, and use outside the running state. Default false.
   */
  checked?: boolean;
  /** Walks the whole heap after every marking, inside the pause, and stops the process at the first violation. Default false. */
  verify?: boolean;
  /** Keeps a time line per mutator, from which `mutator.utilization()` is read. Default false. */
  trackUtilization?: boolean;
  /**
   * Core dumps of the process contain the heap; the kernel then takes memory for its whole capacity while it writes one. Those of gcore
   * too. Default false: they contain none of it.
   */
  coreDumps?: boolean;
  /** One `performance.measure` a cycle in the thread that made the heap. Default false. */
  performanceMeasures?: boolean;
  /** Size of the thread-local allocation buffers, rounded up to pages. Default: 1/64 of the capacity, between 4 KiB and 64 KiB. */
  tlabBytes?: number | string;
  /**
   * Every n-th safepoint of a mutator collects, and each collection moves everything that memory allows; for tests; 0: never. What is freed
   * is overwritten. Default 0.
   */
  stressEvery?: number;
  /**
   * With `stressEvery`: mutators take the faults of each collection, before workers build pages. The mutator goes on as soon as objects
   * have moved, and no worker builds a page before the next safepoint (or 2 ms). Default false.
   */
  stressFaults?: boolean;
  /** Seed of random delays at critical points; for tests; 0: none. Default 0. */
  delaySeed?: number;
}

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly capacityRegions: number;
  readonly reserveRegions: number;
  readonly tlabPages: number;
  readonly fault: RequestedFaultMode;
  readonly marker: RequestedMarker;
  readonly barrieredStores: boolean;
  readonly faultAroundPages: number | 'adaptive';
  readonly workers: WorkerOptions;
  readonly checked: boolean;
  readonly verify: boolean;
  readonly trackUtilization: boolean;
  readonly coreDumps: boolean;
  readonly performanceMeasures: boolean;
  readonly stressEvery: number;
  readonly delaySeed: number;
  readonly policy: PolicyOptions;
}

/** The values on which defaults and ranges depend. */
interface Context {
  readonly capacityBytes: number;
  readonly marker: RequestedMarker;
}

const MAX_FAULT_AROUND_PAGES = 64;
const MAX_TLAB_BYTES = (REGION_PAGES / 2) * PAGE_BYTES;
/** A reserve for evacuation comes on top: one region for every eight, at least one. */
const RESERVE_DIVISOR = 8;
const LEAST_RESERVE_OF_LARGE_HEAPS = 64;

const faultAroundCheck = integer<Context>('', { least: 1, most: MAX_FAULT_AROUND_PAGES }, 1).check;
const FAULT_AROUND: OptionKind<number | 'adaptive', number | 'adaptive', Context> = {
  accepted: `a power of two up to ${MAX_FAULT_AROUND_PAGES}, or adaptive`,
  byDefault: 'adaptive',
  meaning: 'pages around a fault that are finished and shown along with it, if nobody else is at them',
  check(name, given, context) {
    if (given === 'adaptive') return given;
    const pages = faultAroundCheck(name, given, context);
    if ((pages & (pages - 1)) !== 0) throw argumentRangeError(name, FAULT_AROUND.accepted, given);
    return pages;
  },
  fallback: () => 'adaptive',
};

/** In the order of docs/options.md. */
export const HEAP_OPTIONS = {
  capacityBytes: size<Context>(
    'how much the heap may hold, in bytes or as text ("64M", "2G"), rounded up to whole MiB',
    {
      accepted: 'from 1 MiB to 16 GiB',
      isAccepted: (bytes) => bytes >= REGION_BYTES && bytes <= MAX_REGIONS * REGION_BYTES,
      why: 'references are 32-bit word indices, and one Uint32Array has to reach every word',
    },
    {
      byDefault: 'none, must be given',
      fallback: () => {
        throw argumentTypeError('capacityBytes', 'a number of bytes or text like "64M"', undefined);
      },
    },
  ),
  fault: oneOf<RequestedFaultMode, Context>('how a mutator that touches a page too early is held', ['auto', ...FAULT_MODE_NAMES], 'auto'),
  marker: oneOf<RequestedMarker, Context>('how the heap finds what is alive', ['auto', ...MARKERS], 'auto'),
  barrieredStores: flag<Context>('the program promises to store every reference with mutator.setReference', {
    byDefault: 'true with satb, else false',
    fallback: ({ marker }) => marker === 'satb',
  }),
  faultAroundPages: FAULT_AROUND,
  workers: integer<Context>(
    'GC workers; with 0 the control thread does everything',
    { least: 0, most: 62 },
    { byDefault: 'CPUs less one, 1 to 4', fallback: () => Math.max(1, Math.min(4, availableParallelism() - 1)) },
  ),
  workerNiceness: integer<Context>('how much the GC workers step back for other threads, as in nice(1)', { least: 0, most: 19 }, 0),
  sizing: oneOf<Sizing, Context>('how much of the capacity the heap means to use', SIZINGS, 'fixed'),
  minBytes: size<Context>(
    'what a growable or adaptive heap uses at least, rounded up to whole MiB',
    { accepted: 'at most capacityBytes', isAccepted: (bytes, { capacityBytes }) => wholeRegions(bytes) <= capacityBytes },
    { byDefault: 'an eighth of the capacity', fallback: ({ capacityBytes }) => Math.ceil(capacityBytes / 8) },
  ),
  memoryPricePerMib: number<Context>(
    'for adaptive: the share of its time that the heap may spend on collecting to save 1 MiB',
    { least: 1e-6, most: 1 },
    0.001,
  ),
  returnAfterMs: integer<Context>(
    'when nothing has been allocated for so long, what is new is collected and unused memory goes back to the system; 0: never',
    { least: 0, most: 2 ** 31 - 1 },
    300_000,
  ),
  evacuationBudgetBytes: size<Context>(
    'copied in one cycle at most, full collections aside',
    { accepted: '1 byte or more', isAccepted: (bytes) => bytes > 0 },
    { byDefault: 'the capacity', fallback: ({ capacityBytes }) => capacityBytes },
  ),
  checked: flag<Context>('checks what the program does with views and raw references; costs nothing when it is off'),
  verify: flag<Context>('walks the whole heap after every marking, inside the pause, and stops the process at the first violation'),
  trackUtilization: flag<Context>('keeps a time line per mutator, from which mutator.utilization() is read'),
  coreDumps: flag<Context>(
    'core dumps of the process contain the heap; the kernel then takes memory for its whole capacity while it writes one',
  ),
  performanceMeasures: flag<Context>('one performance.measure a cycle in the thread that made the heap'),
  tlabBytes: size<Context>(
    'size of the thread-local allocation buffers, rounded up to pages',
    { accepted: 'from 4 KiB to 512 KiB', isAccepted: (bytes) => bytes <= MAX_TLAB_BYTES },
    {
      byDefault: '1/64 of the capacity, 4 to 64 KiB',
      fallback: ({ capacityBytes }) => Math.max(1, Math.min(16, Math.floor(capacityBytes / 64 / PAGE_BYTES))) * PAGE_BYTES,
    },
  ),
  stressEvery: integer<Context>(
    'every n-th safepoint of a mutator collects, and each collection moves everything that memory allows; for tests; 0: never',
    { least: 0, most: 2 ** 31 },
    0,
  ),
  stressFaults: flag<Context>('with stressEvery: mutators take the faults of each collection, before workers build pages'),
  delaySeed: integer<Context>(
    'seed of random delays at critical points; for tests; 0: none',
    { least: 0, most: Number.MAX_SAFE_INTEGER },
    0,
  ),
} satisfies { readonly [Name in keyof HeapOptions]-?: OptionKind<NonNullable<HeapOptions[Name]>, unknown, Context> };

type Name = keyof typeof HEAP_OPTIONS;
type Value<N extends Name> = ReturnType<(typeof HEAP_OPTIONS)[N]['fallback']>;

/** Checks options and fills in the defaults. Throws TypeError or RangeError with code ERR_OPTION. */
export function resolveOptions(options: HeapOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null) throw argumentTypeError('options', 'an object', options);
  const names = Object.keys(HEAP_OPTIONS);
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw argumentRangeError('option', `one of ${names.join(', ')}`, name);
  }
  const context = { capacityBytes: 0, marker: 'auto' as RequestedMarker };
  const value = <N extends Name>(name: N): Value<N> =>
    valueOf(name, HEAP_OPTIONS[name] as OptionKind<unknown, unknown, Context>, options[name], context) as Value<N>;
  const regions = regionsFor(value('capacityBytes'));
  context.capacityBytes = regions.capacityRegions * REGION_BYTES;
  context.marker = value('marker');
  const [checked, stressEvery] = [value('checked'), value('stressEvery')];
  return {
    ...regions,
    tlabPages: Math.ceil(value('tlabBytes') / PAGE_BYTES),
    fault: value('fault'),
    marker: context.marker,
    barrieredStores: value('barrieredStores'),
    faultAroundPages: value('faultAroundPages'),
    workers: { count: value('workers'), niceness: value('workerNiceness') },
    checked,
    verify: value('verify'),
    trackUtilization: value('trackUtilization'),
    coreDumps: value('coreDumps'),
    performanceMeasures: value('performanceMeasures'),
    stressEvery,
    delaySeed: value('delaySeed'),
    policy: {
      sizing: value('sizing'),
      minBytes: wholeRegions(value('minBytes')),
      memoryPricePerMib: value('memoryPricePerMib'),
      returnAfterMs: value('returnAfterMs'),
      evacuationBudgetBytes: value('evacuationBudgetBytes'),
      movesEverything: stressEvery > 0 || checked,
      stressFaults: value('stressFaults') && stressEvery > 0,
    },
  };
}

/**
 * The reserve comes on top of the capacity as far as a view can reach (16 GiB in all); the largest heaps use a part of their capacity as a
 * small reserve.
 */
function regionsFor(capacityBytes: number): { capacityRegions: number; reserveRegions: number } {
  const wanted = Math.ceil(capacityBytes / REGION_BYTES);
  const generous = Math.max(1, Math.ceil(wanted / RESERVE_DIVISOR));
  const reserveRegions = Math.min(generous, Math.max(LEAST_RESERVE_OF_LARGE_HEAPS, MAX_REGIONS - wanted));
  return { capacityRegions: Math.min(wanted, MAX_REGIONS - reserveRegions), reserveRegions };
}

function wholeRegions(bytes: number): number {
  return Math.ceil(bytes / REGION_BYTES) * REGION_BYTES;
}
