/** What the command does not accept: a code, a sentence with the remedy, no stack trace, and an exit code that is not 0. */
import { describe, expect, it } from 'vitest';
import { expectRefusal, faultline } from './command.ts';
import { fileOf, scratchFolder } from './snapshot/scratch-folder.ts';
import { randomSnapshot, textOf } from './snapshot/snapshot-text.ts';

const HERE = ['run', '/nowhere.heapsnapshot'];

describe('impossible options', () => {
  it.each([
    [['--seconds', '0'], '--seconds must be a number from 0.1'],
    [['--seconds', 'soon'], 'got "soon"'],
    [['--mutators', '0'], '--mutators must be an integer from 1 to 64'],
    [['--mutators', '1.5'], 'got "1.5"'],
    [['--workers', '63'], '--workers must be an integer from 0 to 62'],
    [['--workers', '-1'], 'got "-1"'],
    [['--heap', 'large'], '--heap must be'],
    [['--heap', '17G'], '--heap must be from 1 MiB to 16 GiB'],
    [['--heap', '512K'], '--heap must be from 1 MiB to 16 GiB'],
    [['--fault', 'magic'], '--fault must be one of auto, sigbus, thread, sigsegv, stw'],
    [['--fault', 'none'], '--fault must be one of auto, sigbus'],
    [['--fault', 'load-barrier'], '--fault must be one of auto, sigbus'],
    [['--fault-around', '3'], '--fault-around must be a power of two'],
    [['--fault-around', '128'], '--fault-around must be'],
    [['--seed', 'x'], '--seed must be an integer'],
  ])('%j', async (words, sentence) => {
    const ended = await faultline([...HERE, ...words]);
    expectRefusal(ended, 'ERR_OPTION');
    expect(ended.stderr).toContain(sentence);
  });

  it.each([[['run', '--colour']], [['walk']], [['run', 'one', 'two']], [['run', '--seconds']], [['doctor', 'one']]])(
    'a command line that means nothing: %j',
    async (words) => expectRefusal(await faultline(words), 'ERR_OPTION', 2),
  );
});

describe('impossible options of bench', () => {
  it.each([
    [['everything'], 'EXPERIMENT must be a YAML file, or one of a-a, against'],
    [['--filter', '('], '--filter must be a regular expression'],
    [['--invocations', '0'], '--invocations must be an integer from 1 to 1000'],
    [['--heap-factors', '1.5,,2'], '--heap-factors must be numbers from 1 to 100'],
    [['--heap-factors', '0.9'], 'got "0.9"'],
    [['--seed', '-1'], '--seed must be an integer'],
  ])('%j', async (words, sentence) => {
    const ended = await faultline(['bench', ...words]);
    expectRefusal(ended, 'ERR_OPTION');
    expect(ended.stderr).toContain(sentence);
  });
});

describe('input that cannot be used', () => {
  const text = textOf(randomSnapshot(1, 50));
  it.each([
    ['ERR_SNAPSHOT_NOT_FOUND', () => '/nowhere.heapsnapshot'],
    ['ERR_SNAPSHOT_NOT_A_SNAPSHOT', () => fileOf('{"name":"not a snapshot"}')],
    ['ERR_SNAPSHOT_NOT_A_SNAPSHOT', () => scratchFolder],
    ['ERR_SNAPSHOT_TRUNCATED', () => fileOf(text.slice(0, -500))],
    ['ERR_SNAPSHOT_TRUNCATED', () => fileOf('')],
    ['ERR_SNAPSHOT_MALFORMED', () => fileOf(text.replace(/"nodes":\[\d+/, '"nodes":[999'))],
  ])('%s', async (code, path) => expectRefusal(await faultline(['run', path(), '--json']), code));

  it('a snapshot that does not fit the heap says how much is needed and how much there is', async () => {
    const big = randomSnapshot(1, 50);
    big.nodes = big.nodes.map((value, i) => (i % 7 === 3 ? 100_000 : value));
    const ended = await faultline(['run', fileOf(textOf(big)), '--heap', '2M']);
    expectRefusal(ended, 'ERR_SNAPSHOT_DOES_NOT_FIT');
    expect(ended.stderr).toMatch(/need 4\.8 MiB, and 2\.0 MiB are available\. Give a larger --heap/);
  });

  it('a snapshot whose objects fit by their sum, and not in regions of 1 MiB, is refused by the same code', async () => {
    const big = randomSnapshot(1, 10);
    big.nodes = big.nodes.map((value, i) => (i % 7 === 3 ? 700_000 : value));
    expectRefusal(await faultline(['run', fileOf(textOf(big)), '--heap', '7M']), 'ERR_SNAPSHOT_DOES_NOT_FIT');
  });

  it('no INPUT and no room for the default one', async () => {
    const env = { XDG_CACHE_HOME: fileOf('in the way') };
    expectRefusal(await faultline(['run', '--json'], { env }), 'ERR_SNAPSHOT_CHILD');
  });
});

describe('a machine without the addon', () => {
  it('gets a sentence', async () => {
    for (const addon of ['/nowhere/faultline.node', fileOf('this is no addon')]) {
      const ended = await faultline(['doctor'], { env: { FAULTLINE_ADDON: addon } });
      expectRefusal(ended, 'ERR_ADDON_MISSING');
      expect(ended.stderr).toContain('npm run build');
    }
  });
});

describe('help', () => {
  it.each([[['--help']], [['run', '--help']], [['doctor', '--help']], [['bench', '--help']], [['--version']]])(
    '%j is printed, exit code 0',
    async (words) => {
      const { status, stdout, stderr } = await faultline(words);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).not.toBe('');
      expect(stdout).not.toContain('corrupt');
    },
  );
});
