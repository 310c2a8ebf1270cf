/**
 * Options: what a heap can be told, with defaults and ranges in one table.
 */
import { availableParallelism } from 'node:os';
import { argumentRangeError, argumentTypeError } from './errors.ts';
import { FAULT_MODE_NAMES } from './gc/fault-modes.ts';
import type { RequestedFaultMode } from './gc/fault-mode-choice.ts';
import { MARKERS, type RequestedMarker } from './gc/markers.ts';
import type { PolicyOptions, WorkerOptions } from './gc/policy/policy-options.ts';
import { type Sizing, SIZINGS } from './gc/policy/sizing.ts';
import { MAX_REGIONS, PAGE_BYTES, REGION_BYTES, REGION_PAGES } from './binding/layout.ts';

/** What a heap is made with; docs/options.md has the same as a table. Every error is a TypeError or RangeError with the code ERR_OPTION. */
export interface HeapOptions {
  /**
   * How much the heap may hold, in bytes, or as text (`"64M"`, `"2G"`). 1 MiB to 16 GiB, rounded up to whole MiB. Memory is
   * used as it is needed; a reserve for evacuation comes on top.
   */
  capacityBytes: number | string;
  /**
   * How a mutator that touches a page too early is held. Default `auto`: the best this machine allows of sigbus, thread, sigsegv, stw.
   * The others are for research; with `none` nothing is ever collected.
   */
  fault?: RequestedFaultMode;
  /** How the heap finds what is alive. Default `auto`: without a barrier where the machine allows it, else with threads stopped. */
  marker?: RequestedMarker;
  /** The program promises to store every reference with `mutator.setReference`, which the marker `satb` needs. Default false. */
  barrieredStores?: boolean;
  /**
   * Pages around a fault that are finished and shown along with it, if nobody else is at them: 1 to 64, a power of two, or `adaptive`
   * (default): 1 to 16, as each thread's own faults follow one another.
   */
  faultAroundPages?: number | 'adaptive';
  /** GC workers. Default: one less than the CPUs, between 1 and 4. 0: the control thread alone. */
  workers?: number;
  /**
   * How much the GC workers step back for other threads, as in nice(1): 0 (default, like all others) to 19. They cannot step forward
   * again, so a thread that waits for memory waits longer on a busy machine.
   */
  workerNiceness?: number;
  /**
   * How much of the capacity the heap means to use. `fixed` (default): all of it. `growable`: from `minBytes` up, as live data
   * need. `adaptive`: as much as saves collecting that is worth it (`memoryPricePerMib`).
   */
  sizing?: Sizing;
  /** What a `growable` or `adaptive` heap uses at least, a number of bytes or text. Default: an eighth of the capacity. */
  minBytes?: number | string;
  /**
   * For `adaptive`: the share of its time that the heap may spend on collecting to save 1 MiB. Default 0.001; larger means
   * less memory and more collecting.
   */
  memoryPricePerMib?: number;
  /**
   * When nothing has been allocated for so long, what is new is collected and unused memory goes back to the system. Default
   * 300,000; 0: never.
   */
  returnAfterMs?: number;
  /** Copied in one cycle at most, full collections aside. Default: the capacity. */
  evacuationBudgetBytes?: number | string;
  /**
   * Checks what the program does with views and raw references: stale and foreign references, shapes, values, the running state. For
   * finding errors; costs nothing when it is off. Default false.
   */
  checked?: boolean;
  /** Walks the whole heap after every marking, inside the pause, and stops the process at the first violation. */
  verify?: boolean;
  /** Keeps a time line per mutator, from which `mutator.utilization()` is read. */
  trackUtilization?: boolean;
  /**
   * Whether core dumps of the process (also those of gcore) contain the heap. Then they grow by its whole capacity, and the kernel takes
   * memory for all of it while it writes one. Default false: they contain none of it.
   */
  coreDumps?: boolean;
  /** One `performance.measure` a cycle in the thread that made the heap. */
  performanceMeasures?: boolean;
  /** Size of the thread-local allocation buffers. Default: 1/64 of the capacity, between 4 KiB and 64 KiB. */
  tlabBytes?: number | string;
  /**
   * Every n-th safepoint of a mutator collects, and each collection moves everything that memory allows; what is freed is overwritten.
   * For tests. 0 (default): never.
   */
  stressEvery?: number;
  /**
   * With `stressEvery`: the mutator goes on as soon as objects have moved, and no worker builds a page before the next safepoint (or 2 ms),
   * so that it takes the faults itself, with a single thread too. Default false.
   */
  stressFaults?: boolean;
  /** Seed of random delays at critical points; for tests. 0 (default): none. */
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

const MIN_CAPACITY_BYTES = REGION_BYTES;
const MAX_CAPACITY_BYTES = MAX_REGIONS * REGION_BYTES;
const MAX_FAULT_AROUND_PAGES = 64;
const MAX_WORKERS = 62;
const MAX_NICENESS = 19;
/** One region in eight comes on top for evacuation, at least one. */
const RESERVE_DIVISOR = 8;
const LEAST_RESERVE_OF_LARGE_HEAPS = 64;
const MIN_BYTES_DIVISOR = 8;
const DEFAULT_MEMORY_PRICE_PER_MIB = 0.001;
const MIN_MEMORY_PRICE_PER_MIB = 1e-6;
const DEFAULT_RETURN_AFTER_MS = 300_000;
const MAX_RETURN_AFTER_MS = 2 ** 31 - 1;

const KNOWN: ReadonlySet<string> = new Set([
  'capacityBytes',
  'fault',
  'marker',
  'barrieredStores',
  'faultAroundPages',
  'workers',
  'workerNiceness',
  'sizing',
  'minBytes',
  'memoryPricePerMib',
  'returnAfterMs',
  'evacuationBudgetBytes',
  'checked',
  'verify',
  'trackUtilization',
  'coreDumps',
  'performanceMeasures',
  'tlabBytes',
  'stressEvery',
  'stressFaults',
  'delaySeed',
]);

/** A size in bytes from a number or from text like `512K`, `64M`, `1.5G` (binary units; an added `iB` or `B` is ignored). */
export function parseBytes(option: string, value: number | string): number {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value <= 0) throw argumentRangeError(option, 'a positive number of bytes', value);
    return Math.ceil(value);
  }
  if (typeof value !== 'string') throw argumentTypeError(option, 'a number of bytes or text like "64M"', value);
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*$/i.exec(value);
  if (match === null) throw argumentRangeError(option, 'a number of bytes or text like "512K", "64M" or "1.5G"', value);
  const exponent = ['', 'k', 'm', 'g', 't'].indexOf(match[2]!.toLowerCase());
  const bytes = Math.ceil(Number(match[1]) * 1024 ** exponent);
  if (bytes <= 0) throw argumentRangeError(option, 'more than 0 bytes', value);
  return bytes;
}

function integer(option: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw argumentTypeError(option, 'a number', value);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw argumentRangeError(option, `an integer from ${least} to ${most}`, value);
  }
  return value;
}

function flag(option: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw argumentTypeError(option, 'true or false', value);
  return value;
}

/** Checks options and fills in the defaults. Throws TypeError or RangeError with code ERR_OPTION. */
export function resolveOptions(options: HeapOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null) throw argumentTypeError('options', 'an object', options);
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) throw argumentRangeError('option', `one of ${[...KNOWN].join(', ')}`, name);
  }
  const capacityBytes = parseBytes('capacityBytes', options.capacityBytes);
  if (capacityBytes < MIN_CAPACITY_BYTES || capacityBytes > MAX_CAPACITY_BYTES) {
    throw argumentRangeError(
      'capacityBytes',
      'from 1 MiB to 16 GiB (references are 32-bit word indices, and one Uint32Array has to reach every word)',
      options.capacityBytes,
    );
  }
  const fault = options.fault ?? 'auto';
  if (fault !== 'auto' && !FAULT_MODE_NAMES.includes(fault)) {
    throw argumentRangeError('fault', `one of auto, ${FAULT_MODE_NAMES.join(', ')}`, fault);
  }
  const marker = options.marker ?? 'auto';
  if (marker !== 'auto' && !MARKERS.includes(marker)) {
    throw argumentRangeError('marker', `one of auto, ${MARKERS.join(', ')}`, marker);
  }
  const regions = regionsFor(capacityBytes);
  return {
    ...regions,
    policy: policyOptions(options, regions.capacityRegions * REGION_BYTES),
    tlabPages: tlabPages(options.tlabBytes, capacityBytes),
    fault,
    marker,
    barrieredStores: flag('barrieredStores', options.barrieredStores ?? marker === 'satb'),
    faultAroundPages: faultAroundPages(options.faultAroundPages ?? 'adaptive'),
    workers: {
      count: integer('workers', options.workers ?? Math.max(1, Math.min(4, availableParallelism() - 1)), 0, MAX_WORKERS),
      niceness: integer('workerNiceness', options.workerNiceness ?? 0, 0, MAX_NICENESS),
    },
    checked: flag('checked', options.checked ?? false),
    verify: flag('verify', options.verify ?? false),
    trackUtilization: flag('trackUtilization', options.trackUtilization ?? false),
    coreDumps: flag('coreDumps', options.coreDumps ?? false),
    performanceMeasures: flag('performanceMeasures', options.performanceMeasures ?? false),
    stressEvery: options.stressEvery ?? 0,
    delaySeed: integer('delaySeed', options.delaySeed ?? 0, 0, Number.MAX_SAFE_INTEGER),
  };
}

/**
 * The reserve comes on top of the capacity as far as a view can reach (16 GiB in all); the largest heaps give a small one from
 * inside.
 */
function regionsFor(capacityBytes: number): { capacityRegions: number; reserveRegions: number } {
  const wanted = Math.ceil(capacityBytes / REGION_BYTES);
  const generous = Math.max(1, Math.ceil(wanted / RESERVE_DIVISOR));
  const reserveRegions = Math.min(generous, Math.max(LEAST_RESERVE_OF_LARGE_HEAPS, MAX_REGIONS - wanted));
  return { capacityRegions: Math.min(wanted, MAX_REGIONS - reserveRegions), reserveRegions };
}

function tlabPages(tlabBytes: number | string | undefined, capacityBytes: number): number {
  if (tlabBytes === undefined) return Math.max(1, Math.min(16, Math.floor(capacityBytes / 64 / PAGE_BYTES)));
  const pages = Math.ceil(parseBytes('tlabBytes', tlabBytes) / PAGE_BYTES);
  if (pages > REGION_PAGES / 2) throw argumentRangeError('tlabBytes', 'from 4 KiB to 512 KiB', tlabBytes);
  return pages;
}

function faultAroundPages(pages: number | 'adaptive'): number | 'adaptive' {
  if (pages === 'adaptive') return pages;
  const around = integer('faultAroundPages', pages, 1, MAX_FAULT_AROUND_PAGES);
  if ((around & (around - 1)) !== 0) throw argumentRangeError('faultAroundPages', 'a power of two up to 64, or adaptive', around);
  return around;
}

function policyOptions(options: HeapOptions, capacityBytes: number): PolicyOptions {
  const stressEvery = integer('stressEvery', options.stressEvery ?? 0, 0, 2 ** 31);
  const sizing = options.sizing ?? 'fixed';
  if (!SIZINGS.includes(sizing)) throw argumentRangeError('sizing', `one of ${SIZINGS.join(', ')}`, sizing);
  const wholeRegions = (bytes: number): number => Math.ceil(bytes / REGION_BYTES) * REGION_BYTES;
  const minBytes = wholeRegions(parseBytes('minBytes', options.minBytes ?? capacityBytes / MIN_BYTES_DIVISOR));
  if (minBytes > capacityBytes) throw argumentRangeError('minBytes', 'at most capacityBytes', options.minBytes);
  const price = options.memoryPricePerMib ?? DEFAULT_MEMORY_PRICE_PER_MIB;
  if (typeof price !== 'number') throw argumentTypeError('memoryPricePerMib', 'a number', price);
  if (!(price >= MIN_MEMORY_PRICE_PER_MIB && price <= 1)) {
    throw argumentRangeError('memoryPricePerMib', `a number from ${MIN_MEMORY_PRICE_PER_MIB} to 1`, price);
  }
  return {
    sizing,
    minBytes,
    memoryPricePerMib: price,
    returnAfterMs: integer('returnAfterMs', options.returnAfterMs ?? DEFAULT_RETURN_AFTER_MS, 0, MAX_RETURN_AFTER_MS),
    evacuationBudgetBytes: parseBytes('evacuationBudgetBytes', options.evacuationBudgetBytes ?? capacityBytes),
    movesEverything: stressEvery > 0 || flag('checked', options.checked ?? false),
    stressFaults: flag('stressFaults', options.stressFaults ?? false) && stressEvery > 0,
  };
}
