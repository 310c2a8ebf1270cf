/**
 * Seeds: every random test names its seed when it fails, and the command that repeats it. FAULTLINE_SEED sets it.
 */
import { relative } from 'node:path';
import { expect, onTestFailed } from 'vitest';

/** The seed of this test: the one asked for, or a new one. */
export function seedOfTest(): number {
  const given = process.env['FAULTLINE_SEED'];
  const seed = given === undefined ? 1 + Math.floor(Math.random() * 0x7fff_fffe) : Number(given);
  const { testPath, currentTestName } = expect.getState();
  const file = relative(process.cwd(), testPath ?? '');
  const name = (currentTestName ?? '').replaceAll(' > ', ' ').replaceAll(/[^\w ,]/g, '.');
  onTestFailed(() => {
    console.error(`seed ${seed}; once more: FAULTLINE_SEED=${seed} npx vitest run ${file} -t '${name}'`);
  });
  return seed;
}
