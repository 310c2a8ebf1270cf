/** A folder of a test file's own, gone afterwards. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export const scratchFolder = mkdtempSync(join(tmpdir(), 'faultline-test-'));

afterAll(() => rmSync(scratchFolder, { recursive: true, force: true }));

let files = 0;

/** Writes a file of that content and returns its path. */
export function fileOf(content: string | Uint8Array): string {
  const path = join(scratchFolder, `${++files}.heapsnapshot`);
  writeFileSync(path, content);
  return path;
}
