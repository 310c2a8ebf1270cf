import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { platformProblem } from '../../src/platform.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'dist/cli/main.js');
const HERE = { platform: 'linux', arch: 'x64', node: '20.19.0' };

describe('the platform check', () => {
  it('accepts Linux on the architectures and Node versions that are supported', () => {
    for (const arch of ['x64', 'arm64']) {
      for (const node of ['20.19.0', '20.20.2', '22.0.0', '26.10.0']) {
        expect(platformProblem({ ...HERE, arch, node })).toBeUndefined();
      }
    }
    expect(platformProblem()).toBeUndefined();
  });

  it.each([
    [{ platform: 'darwin' }, /runs on Linux only \(this is darwin\)/],
    [{ platform: 'win32', node: '18.0.0' }, /runs on Linux only \(this is win32\)/],
    [{ arch: 'ia32' }, /x64 and arm64 only \(this is ia32\)/],
    [{ node: '20.18.9' }, /needs Node 20\.19 or newer \(this is 20\.18\.9\)/],
    [{ node: '18.20.0' }, /needs Node 20\.19 or newer/],
    [{ addon: false }, /native addon is missing: run `npm run build`.*g\+\+ 10 or newer/],
  ])('says in one sentence what is wrong with %o', (part, sentence) => {
    const problem = platformProblem({ ...HERE, ...part });
    expect(problem).toMatch(sentence);
    expect(problem).not.toMatch(/\n|\.$/);
  });

  it.runIf(existsSync(MAIN))('is what the command says on another system, with exit code 1 and no stack trace', () => {
    const asDarwin = 'data:text/javascript,Object.defineProperty(process,"platform",{value:"darwin"})';
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', asDarwin, MAIN, 'run'], { encoding: 'utf8' });
    expect(stderr).toMatch(/^[^\n]*runs on Linux only \(this is darwin\)[^\n]*\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });
});
