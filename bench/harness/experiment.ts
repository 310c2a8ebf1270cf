/**
 * Experiment: a YAML file (bench/experiments/) that says what is compared.
 *
 *     rows:                          each entry is the product of its axes; an axis has one value or a list
 *       - workload: [gcbench, lru]
 *         mode: [sigbus, stw]
 *         heap: [1.5x, 3x]
 *         quick: { heap: 2x }        instead, with --quick; or false: not at all
 *     arms: { old: { build: v1 }, new: {} }     each row once for each arm, in pairs, compared with the first
 *     include: [barriers]            the rows of other files besides
 *
 * What is wrong in a file is told with its line, all of it at once.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { isMap, isNode, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { settingsOf } from '../workloads/workload.ts';
import { WORKLOADS } from '../workloads/index.ts';
import { argumentError } from './argument-error.ts';
import { FAULT_AROUND_PAGES, MARKERS, MODES, SYSTEMS, WORKLOAD_NAMES } from './matrix.ts';
import type { HeapSize } from './point.ts';
import { PROJECT } from './project.ts';

const FOLDER = join(PROJECT, 'bench/experiments');
const UNITS: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** One value is a list of one. */
const axis = <T extends z.ZodType>(item: T) =>
  z.preprocess((given) => (given === undefined || Array.isArray(given) ? given : [given]), z.array(item).min(1).optional());
const settings = <T extends z.ZodType>(item: T) => z.record(z.string(), axis(item)).optional();

const HEAP = z
  .string({ error: 'a multiple of the minimum heap such as 2x, or a size such as 64 MiB' })
  .transform((text, context): HeapSize => {
    const [, number, unit] = /^([\d.]+) ?(x|×|KiB|MiB|GiB)$/.exec(text) ?? [];
    const value = Number(number);
    if (unit !== undefined && value > 0 && (UNITS[unit] !== undefined || value >= 1)) {
      return UNITS[unit] === undefined ? { factor: value } : { bytes: value * UNITS[unit] };
    }
    context.addIssue(`a heap is a multiple of the minimum heap, 1x or more, or a size such as 64 MiB, not ${JSON.stringify(text)}`);
    return z.NEVER;
  });

const AXES = z.strictObject({
  workload: axis(z.enum(WORKLOAD_NAMES as [string])),
  /** Of the workload: `{ preset: h2, liveBytes: [1e9, 2e9] }`, `{ snapshot: my.heapsnapshot }`. */
  knobs: settings(z.union([z.number(), z.string()], { error: 'a knob is a number or a text' })),
  system: axis(z.enum(SYSTEMS as [string])),
  driver: axis(z.enum(['native', 'javascript'])),
  mode: axis(z.enum(MODES)),
  marker: axis(z.enum(MARKERS)),
  faultAround: axis(z.union(FAULT_AROUND_PAGES.map((pages) => z.literal(pages)), { error: `one of ${FAULT_AROUND_PAGES.join(', ')}` })),
  heap: axis(HEAP),
  mutators: axis(z.int().min(1).max(64)),
  /** Operations a second at a fixed schedule; 0: each after the one before. With `seconds` the measured part is that long. */
  rate: axis(z.number().min(0)),
  seconds: z.number().positive().optional(),
  /** Of the heap, as `Heap.create` takes them. */
  options: settings(z.union([z.number(), z.string(), z.boolean()], { error: 'an option is a number, a text, true or false' })),
  environment: settings(z.string({ error: 'a variable of the environment is a text' })),
  /** CPUs that the invocation may use: `0`, `0-1`. */
  pin: axis(z.preprocess(String, z.string().regex(/^\d+([-,]\d+)*$/, { error: 'a list of CPUs such as 0 or 0-1,3' }))),
  /** A commit, or a folder; this tree unless told. */
  build: axis(z.preprocess(String, z.string().min(1))),
});

const ROW = AXES.extend({ quick: z.union([z.literal(false), AXES], { error: 'false, or axes' }).optional() });
const EXPERIMENT = z.strictObject({
  include: z.array(z.string()).default([]),
  invocations: z.int().min(1).max(1000).optional(),
  /** Whether floors are run too, so that overheads can be told. */
  overhead: z.boolean().default(true),
  arms: z.record(z.string().regex(/^\S+$/, { error: 'the name of an arm is one word' }), AXES).default({}),
  rows: z.array(ROW).default([]),
});

export type Axes = z.output<typeof AXES>;
export type Row = z.output<typeof ROW>;
export interface Experiment extends z.output<typeof EXPERIMENT> {
  readonly name: string;
  /** Those that it includes. */
  readonly parts: readonly Experiment[];
}

/** The names of bench/experiments/. */
export function experimentNames(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => basename(name, '.yaml'))
    .sort();
}

/** Reads a file, or one of bench/experiments/ by its name. Throws ERR_OPTION with every line that is wrong. */
export function readExperiment(nameOrPath: string): Experiment {
  const isPath = /[./]/.test(nameOrPath);
  const path = isPath ? resolve(nameOrPath) : join(FOLDER, `${nameOrPath}.yaml`);
  if (!existsSync(path)) throw argumentError('EXPERIMENT', `a YAML file, or one of ${experimentNames().join(', ')}`, nameOrPath);
  const own = parseExperiment(readFileSync(path, 'utf8'), path);
  return { ...own, name: basename(path, '.yaml'), parts: own.include.map(readExperiment) };
}

/** The same of a text; `path` is for messages. */
export function parseExperiment(text: string, path: string): z.output<typeof EXPERIMENT> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true });
  const complaints = document.errors.map(({ linePos, message }) => [linePos?.[0].line ?? 1, message.split('\n', 1)[0]!] as const);
  if (complaints.length > 0) throw refusal(path, complaints);
  const { data, error } = EXPERIMENT.safeParse(document.toJS());
  if (error !== undefined) throw refusal(path, error.issues.flatMap((issue) => complaintsOf(issue, document, lines)));
  const wrong = data.rows.flatMap((row, i) => knobComplaints(row).map((message) => [lineOf(['rows', i, 'knobs'], document, lines), message] as const));
  if (wrong.length > 0) throw refusal(path, wrong);
  return data;
}

function complaintsOf(issue: z.core.$ZodIssue, document: Document, lines: LineCounter): (readonly [line: number, message: string])[] {
  const name = issue.path.filter((step) => typeof step === 'string').at(-1);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => [lineOf([...issue.path, key], document, lines), `there is no ${key}${name === undefined ? '' : ` in ${name}`}`]);
  }
  return [[lineOf(issue.path, document, lines), name === undefined ? issue.message : `${name}: ${issue.message}`]];
}

/** Of the key if the path ends in one, else of the innermost node there is: one value stands for a list of one. */
function lineOf(path: readonly PropertyKey[], document: Document, lines: LineCounter): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const pair = isMap(parent) ? parent.items.find(({ key }) => String(key) === path[length - 1]) : undefined;
    const node = pair?.key ?? document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

/** What the row's workloads say to its knobs. */
function knobComplaints({ workload = [], knobs = {} }: Row): string[] {
  const given = Object.fromEntries(Object.entries(knobs).map(([name, values]) => [name, values![0]!]));
  return workload.flatMap((name) => {
    try {
      settingsOf(WORKLOADS.get(name)!, given);
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
}

function refusal(path: string, complaints: readonly (readonly [line: number, message: string])[]): Error {
  const text = complaints.map(([line, message]) => `${path}:${line}: ${message}`).join('\n');
  return Object.assign(new RangeError(`the experiment cannot be run:\n${text}`), { code: 'ERR_OPTION' });
}
