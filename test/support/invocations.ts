/**
 * Invocations: bench/invocation.ts run as a separate process, as the harness runs it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Configuration, Finished, InvocationResult } from '../../bench/harness/contract.ts';
import { runProgramFile } from './children.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** A guard against a hang, never a measurement. */
const LIMIT_MS = 120_000;

/** A folder for the files of one test file; the answer removes it. */
export function folderForRequests(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'faultline-test-'));
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

export async function invoke(configuration: Configuration): Promise<InvocationResult> {
  const ended = await runProgramFile(join(ROOT, 'build/bench/invocation.js'), [JSON.stringify(configuration)], { limitMs: LIMIT_MS });
  const last = ended.stdout.trimEnd().split('\n').at(-1) ?? '';
  if (ended.code !== 0 || last === '') {
    throw new Error(`${JSON.stringify(configuration)} ended with ${ended.signal ?? ended.code}: ${ended.stdout}${ended.stderr}`);
  }
  return JSON.parse(last) as InvocationResult;
}

/** An invocation that must end well. */
export async function finish(configuration: Configuration): Promise<Finished> {
  const result = await invoke(configuration);
  expect(result, JSON.stringify(configuration)).toMatchObject({ ok: true });
  return result as Finished;
}
