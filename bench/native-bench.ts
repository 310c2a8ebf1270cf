/** Runs an executable of native/test that prints one JSON object. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export function runNativeBench<T>(name: string, quick: boolean): T {
  const program = fileURLToPath(new URL(`../Release/test/${name}`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(program, quick ? ['--quick'] : [], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
