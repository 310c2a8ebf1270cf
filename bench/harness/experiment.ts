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
 * All mistakes in a file are reported at once, each with its line.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { HeapOptions } from 'faultline';
import { type Document, isMap, isNode, LineCounter, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { settingsOf } from '../workloads/workload.ts';
import { WORKLOADS } from '../workloads/index.ts';
import { argumentError } from './argument-error.ts';
import { FAULT_AROUND_PAGES, MARKERS, MODES, SYSTEMS, WORKLOAD_NAMES } from './matrix.ts';
import type { HeapSize } from './point.ts';
import { choices } from './products.ts';
import { PROJECT } from './project.ts';

const FOLDER = join(PROJECT, 'bench/experiments');
const UNITS: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Of the heap, those that no axis decides. */
const HEAP_OPTIONS = [
  ...['workers', 'workerNiceness', 'sizing', 'minBytes', 'memoryPricePerMib', 'returnAfterMs', 'evacuationBudgetBytes', 'checked'],
  ...['verify', 'trackUtilization', 'coreDumps', 'performanceMeasures', 'tlabBytes', 'stressEvery', 'stressFaults', 'delaySeed'],
] as const satisfies readonly (keyof HeapOptions)[];

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

const HEAP_OPTION = z.union([z.number(), z.string(), z.boolean()], { error: 'an option is a number, a text, true or false' });

const AXES = z.strictObject({
  workload: axis(z.enum(WORKLOAD_NAMES as [string])),
  /** Of the workload: `{ preset: h2, liveBytes: [1e9, 2e9] }`, `{ snapshot: my.heapsnapshot }`. */
  knobs: settings(z.union([z.number(), z.string()], { error: 'a knob is a number or a text' })),
  system: axis(z.enum(SYSTEMS as [string])),
  driver: axis(z.enum(['native', 'javascript'])),
  mode: axis(z.enum(MODES)),
  marker: axis(z.enum(MARKERS)),
  faultAround: axis(
    z.union(
      FAULT_AROUND_PAGES.map((pages) => z.literal(pages)),
      { error: `one of ${FAULT_AROUND_PAGES.join(', ')}` },
    ),
  ),
  heap: axis(HEAP),
  mutators: axis(z.int().min(1).max(64)),
  /** Operations a second at a fixed schedule; 0: each after the one before. With `seconds` the measured part is that long. */
  rate: axis(z.number().min(0)),
  seconds: z.number().positive().optional(),
  /** Of the heap, as `Heap.create` takes them. */
  options: z.strictObject(Object.fromEntries(HEAP_OPTIONS.map((name) => [name, axis(HEAP_OPTION)]))).optional(),
  environment: settings(z.string({ error: 'a variable of the environment is a text' })),
  /** CPUs that the invocation may use: `0`, `0-1`. */
  pin: axis(z.preprocess(String, z.string().regex(/^\d+([-,]\d+)*$/, { error: 'a list of CPUs such as 0 or 0-1,3' }))),
  /** A commit, or a folder; this tree unless told. */
  build: axis(z.preprocess(String, z.string().min(1))),
});

const ROW = AXES.extend({ quick: z.union([z.literal(false), AXES], { error: 'false, or axes' }).optional() });
/** With lists an arm would be several, and nobody knew which of them is compared. */
const ARM = AXES.superRefine(({ seconds: _, ...arm }, context) => {
  for (const [axis, given] of Object.entries(arm)) {
    const lists: (readonly unknown[] | undefined)[] = Array.isArray(given) ? [given] : Object.values(given ?? {});
    if (lists.some((list) => list !== undefined && list.length > 1))
      context.addIssue({ code: 'custom', path: [axis], message: 'an arm has one value of each axis' });
  }
});
const EXPERIMENT = z.strictObject({
  include: z.array(z.string()).default([]),
  invocations: z.int().min(1).max(1000).optional(),
  /** Whether floors are run too, so that overheads can be told. */
  overhead: z.boolean().default(true),
  arms: z.record(z.string().regex(/^\S+$/, { error: 'the name of an arm is one word' }), ARM).default({}),
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

/** Reads a file, or one of bench/experiments/ by its name, and what it includes. Throws ERR_OPTION with every line that is wrong. */
export function readExperiment(nameOrPath: string): Experiment {
  const path = pathOf(nameOrPath, '.');
  if (!existsSync(path)) throw argumentError('EXPERIMENT', `a YAML file, or one of ${experimentNames().join(', ')}`, nameOrPath);
  return readPath(path, []);
}

function readPath(path: string, within: readonly string[]): Experiment {
  const own = parseExperiment(readFileSync(path, 'utf8'), path);
  const included = own.include.map((name) => pathOf(name, dirname(path)));
  const circle = included.find((each) => [...within, path].includes(each));
  if (circle !== undefined) throw argumentError('include', 'of files that do not include this one', circle);
  const parts = included.map((each) => readPath(each, [...within, path])).flatMap((part) => [part, ...part.parts]);
  return { ...own, name: basename(path, '.yaml'), parts };
}

/** A name with a dot or a slash is a path, from `folder`. */
function pathOf(nameOrPath: string, folder: string): string {
  return /[./]/.test(nameOrPath) ? resolve(folder, nameOrPath) : join(FOLDER, `${nameOrPath}.yaml`);
}

/** The same of a text; `path` is for messages, and for what it includes. */
export function parseExperiment(text: string, path: string): z.output<typeof EXPERIMENT> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true });
  const complaints: Complaint[] = document.errors.map(({ linePos, message }) => [
    linePos?.[0].line ?? 1,
    message.split('\n', 1)[0]!.replace(/ at line \d+, column \d+:?$/, ''),
  ]);
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined) complaints.push([lines.linePos(alias.range![0]).line, `there is no &${alias.source}`]);
    },
  });
  if (complaints.length > 0) throw refusal(path, complaints);
  const { data, error } = EXPERIMENT.safeParse(document.toJS());
  if (error !== undefined)
    throw refusal(
      path,
      error.issues.flatMap((issue) => complaintsOf(issue, document, lines)),
    );
  const wrong = [...missingIncludes(data, path), ...knobComplaints(data)];
  if (wrong.length > 0)
    throw refusal(
      path,
      wrong.map(([where, message]) => [lineOf(where, document, lines), message]),
    );
  return data;
}

type Complaint = readonly [line: number, message: string];
type Located = readonly [where: readonly PropertyKey[], message: string];

function missingIncludes({ include }: z.output<typeof EXPERIMENT>, path: string): Located[] {
  return include.flatMap((name, i) =>
    existsSync(pathOf(name, dirname(path))) ? [] : [[['include', i], `there is no experiment ${name}`] as const],
  );
}

function complaintsOf(issue: z.core.$ZodIssue, document: Document, lines: LineCounter): Complaint[] {
  const name = issue.path.filter((step) => typeof step === 'string').at(-1);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => [
      lineOf([...issue.path, key], document, lines),
      `there is no ${key}${name === undefined ? '' : ` in ${name}`}`,
    ]);
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

/** What the workloads say to the knobs of rows and arms. */
function knobComplaints({ rows, arms }: z.output<typeof EXPERIMENT>): Located[] {
  return rows.flatMap((row, i) => [
    ...complaintsAbout(row, row.knobs, ['rows', i, 'knobs']),
    ...(row.quick ? complaintsAbout({ ...row, ...row.quick }, row.quick.knobs, ['rows', i, 'quick', 'knobs']) : []),
    ...Object.entries(arms).flatMap(([name, arm]) => complaintsAbout({ ...row, ...arm }, arm.knobs, ['arms', name, 'knobs'])),
  ]);
}

function complaintsAbout({ workload = [...WORKLOAD_NAMES] }: Axes, knobs: Axes['knobs'], where: readonly PropertyKey[]): Located[] {
  const messages = choices(knobs).flatMap((given) =>
    workload.flatMap((name) => {
      try {
        settingsOf(WORKLOADS.get(name)!, given);
        return [];
      } catch (error) {
        return [(error as Error).message];
      }
    }),
  );
  return [...new Set(messages)].map((message) => [where, message]);
}

function refusal(path: string, complaints: readonly Complaint[]): Error {
  const text = complaints.map(([line, message]) => `${path}:${line}: ${message}`).join('\n');
  return Object.assign(new RangeError(`the experiment cannot be run:\n${text}`), { code: 'ERR_OPTION' });
}
