/** The input when there is none: taken once, found again, and never trusted when it is damaged. */
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { CacheFolder } from '../../../src/cli/snapshot/cache-folder.ts';
import { dependencyTree, projectFolder } from '../../../src/cli/snapshot/dependency-tree.ts';
import { defaultSnapshot, readSnapshot, takeSample } from '../../../src/cli/snapshot/index.ts';
import { SyntaxModel } from '../../../src/cli/snapshot/syntax-model.ts';
import { scratchFolder } from './scratch-folder.ts';

const write = (text: string) => async (draft: string) => writeFileSync(draft, text);

// The limit guards against a hang; taking a snapshot is a matter of seconds on a machine that does nothing else.
describe('the default snapshot', { timeout: 180_000 }, () => {
  it('is a snapshot of 20 to 40 MB, taken at the first call and found at the second', async () => {
    const folder = join(scratchFolder, 'cache');
    let taken = 0;
    const options = { folder, onTaking: () => taken++ };
    const path = await defaultSnapshot(options);
    const graph = await readSnapshot(path);
    const selfBytes = graph.selfBytes.reduce((sum, bytes) => sum + bytes, 0);
    expect(selfBytes).toBeGreaterThan(20e6);
    expect(selfBytes).toBeLessThan(40e6);
    expect(await defaultSnapshot(options)).toBe(path);
    expect(taken).toBe(1);
    expect(readdirSync(folder)).toHaveLength(1);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('is taken again when the one in the cache is damaged', async () => {
    const folder = join(scratchFolder, 'cache');
    const damaged = await defaultSnapshot({ folder });
    truncateSync(damaged, 1_000_000);
    const path = await defaultSnapshot({ folder });
    expect((await readSnapshot(path)).nodeCount).toBeGreaterThan(100_000);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('is not taken where it cannot be kept, and the sentence says what to do', async () => {
    const folder = join(scratchFolder, 'a-file');
    writeFileSync(folder, '');
    await expect(defaultSnapshot({ folder })).rejects.toMatchObject({
      code: 'ERR_SNAPSHOT_CHILD',
      message: expect.stringContaining('XDG_CACHE_HOME') as string,
    });
  });

  it('leaves nothing behind when it is stopped', async () => {
    const folder = join(scratchFolder, 'stopped');
    const stop = new AbortController();
    const taking = defaultSnapshot({ folder, signal: stop.signal, onTaking: () => setTimeout(() => stop.abort(new Error('enough')), 300) });
    await expect(taking).rejects.toThrow('enough');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('can be taken in other sizes', async () => {
    const path = join(scratchFolder, 'small.heapsnapshot');
    const report = await takeSample(path, 12e6);
    expect(report.packagesLoaded).toBeGreaterThan(3);
    const small = await readSnapshot(path);
    expect(small.selfBytes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(20e6);
  });
});

describe('the dependency tree', () => {
  it('begins with the dependencies, has theirs, and has each package once', () => {
    const packages = dependencyTree(projectFolder());
    const names = packages.map((found) => found.name);
    expect(names).toEqual(expect.arrayContaining(['piscina', 'commander', 'stream-json', 'stream-chain']));
    expect(new Set(packages.map((found) => found.folder)).size).toBe(packages.length);
    expect(packages.every((found) => /^\d+\./.test(found.version))).toBe(true);
  });

  it('is found in nested folders and ends in circles', () => {
    const root = join(scratchFolder, 'tree');
    const add = (folder: string, name: string, dependencies: Record<string, string>) => {
      mkdirSync(join(root, folder), { recursive: true });
      writeFileSync(join(root, folder, 'package.json'), JSON.stringify({ name, version: '1.0.0', dependencies }));
    };
    add('.', 'top', { a: '*', absent: '*' });
    add('node_modules/a', 'a', { b: '*' });
    add('node_modules/a/node_modules/b', 'b', { a: '*', c: '*' });
    add('node_modules/c', 'c', {});
    add('node_modules/unused', 'unused', {});
    expect(dependencyTree(root).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });
});

describe('the cache folder', () => {
  it('gives back what was added, by its name and no other', async () => {
    const cache = await CacheFolder.open(join(scratchFolder, 'c1'));
    const path = await cache.add('name', '.txt', write('content'));
    expect(await cache.find('name', '.txt')).toBe(path);
    expect(await cache.find('nam', '.txt')).toBeUndefined();
    expect(await cache.find('name', '.bin')).toBeUndefined();
  });

  it('throws away what does not have the content that its name says', async () => {
    const cache = await CacheFolder.open(join(scratchFolder, 'c2'));
    const path = await cache.add('name', '.txt', write('content'));
    writeFileSync(path, 'Content');
    expect(await cache.find('name', '.txt')).toBeUndefined();
    expect(existsSync(path)).toBe(false);
  });

  it('keeps neither drafts that failed nor files that nobody has used for a week', async () => {
    const folder = join(scratchFolder, 'c3');
    const cache = await CacheFolder.open(folder);
    const old = await cache.add('old', '.txt', write('old'));
    const lastMonth = Date.now() / 1000 - 30 * 24 * 3600;
    utimesSync(old, lastMonth, lastMonth);
    const failing = cache.add('new', '.txt', async (draft) => {
      writeFileSync(draft, 'half');
      throw new Error('disk full');
    });
    await expect(failing).rejects.toThrow('disk full');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is not believed to be ours when it is a link', async () => {
    const link = join(scratchFolder, 'link');
    symlinkSync(scratchFolder, link);
    await expect(CacheFolder.open(link)).rejects.toThrow('belongs to another user');
  });
});

describe('the syntax model', () => {
  it('nests by brackets and lists the uses of a name over all texts', () => {
    const model = new SyntaxModel();
    model.add('one', 'f(a, [a]);\n// a\n"a)"');
    model.add('two', 'a)');
    expect(model.symbols.get('a')?.uses.map(({ line, column }) => [line, column])).toEqual([
      [1, 2],
      [1, 6],
      [1, 0],
    ]);
    const root = model.texts[0]?.root;
    expect(root?.children.map((child) => child.constructor.name)).toEqual(['Token', 'Group', 'Token', 'Literal', 'Literal']);
    expect(model.texts[0]?.lines).toEqual([0, 11, 16]);
  });
});
