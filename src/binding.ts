/**
 * The native addon as TypeScript sees it: the only file that loads it, and one interface of coarse calls. The calls are declared in
 * binding/, in one file per subject, much like native/node/*_binding.cc.
 *
 * No call is made once per object. Calls of the collector that may have to wait take a time slice in milliseconds and say whether they are
 * done, so that its threads always return to JavaScript, where they can be terminated; calls of mutators check for termination themselves.
 * If the kernel refuses a system call, the call returns a {@link Refusal}; any other failure is an exception with a code.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { ArrayCalls } from './binding/array-calls.ts';
import type { CollectorCalls } from './binding/collector-calls.ts';
import type { GraphCalls } from './binding/graph-calls.ts';
import type { HeapCalls } from './binding/heap-calls.ts';
import type { MutatorCalls } from './binding/mutator-calls.ts';
import type { PageCalls } from './binding/page-calls.ts';
import type { PinCalls } from './binding/pin-calls.ts';
import type { ProbeCalls } from './binding/probe-calls.ts';
import type { StatisticsCalls } from './binding/statistics-calls.ts';
import type { TestCalls } from './binding/test-calls.ts';
import type { WeakCalls } from './binding/weak-calls.ts';
import { HeapError, type HeapErrorCode } from './errors.ts';
import { addonRefusal, platformProblem, unreadable } from './platform.ts';

export * from './binding/array-calls.ts';
export * from './binding/collector-calls.ts';
export type * from './binding/graph-calls.ts';
export type * from './binding/native-objects.ts';
export * from './binding/heap-calls.ts';
export * from './binding/mutator-calls.ts';
export type * from './binding/page-calls.ts';
export type * from './binding/probe-calls.ts';
export * from './binding/refusal.ts';
export type * from './binding/statistics-calls.ts';
export type * from './binding/test-calls.ts';
export * from './binding/weak-calls.ts';

export interface Binding
  extends HeapCalls,
    MutatorCalls,
    PinCalls,
    WeakCalls,
    ArrayCalls,
    CollectorCalls,
    GraphCalls,
    StatisticsCalls,
    ProbeCalls,
    PageCalls,
    TestCalls {
  /** Whether no thread of this process has passed this text before. */
  isNews(text: string): boolean;
  /** Sets the function that makes the errors that the addon throws (ERR_HEAP_CLOSED, ERR_MUTATOR_DETACHED). */
  makeErrorsBy(make: (code: HeapErrorCode, message: string) => Error): void;
  /** Sets the function that native waits enter to see whether V8 ends the script. */
  watchBy(doNothing: () => void): void;
}

/** Where the addon may be, best first: a checkout's own build, otherwise the binary that the package ships. */
function addonPaths(): string[] {
  const fromRoot = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
  return [fromRoot('build/Release/faultline.node'), fromRoot(`prebuilds/linux-${process.arch}/faultline.node`)];
}

function load(): Binding {
  const override = process.env['FAULTLINE_ADDON'];
  const paths = addonPaths();
  const path = override ?? paths.find((candidate) => existsSync(candidate));
  const problem = platformProblem({
    platform: process.platform,
    arch: process.arch,
    node: process.versions.node,
    addon: path !== undefined,
  });
  if (problem !== undefined || path === undefined) {
    throw new HeapError('ERR_ADDON_MISSING', `${path === undefined ? (unreadable(paths) ?? problem) : problem}.`);
  }
  try {
    return createRequire(import.meta.url)(path) as Binding;
  } catch (cause) {
    throw new HeapError('ERR_ADDON_MISSING', `the native addon cannot be loaded: ${addonRefusal(cause as Error)}.`, { cause });
  }
}

let loaded: Binding | undefined;

/** The addon, loaded on first use. Throws ERR_ADDON_MISSING if it cannot be loaded. */
export function binding(): Binding {
  if (loaded === undefined) {
    loaded = load();
    loaded.makeErrorsBy((code, message) => new HeapError(code, message));
    loaded.watchBy(() => undefined);
  }
  return loaded;
}
