/**
 * Snapshot files: where a snapshot may be written, what happens to an existing file, and the error if it cannot be written.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../cli/command.ts';
import { readGraph } from '../support/heap-snapshot.ts';
import { LinkedList, makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { Threads } from '../support/threads.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'faultline-snapshots-'))));
afterEach(async () => rm(folder, { recursive: true }));

describe('writing a snapshot', () => {
  it('is refused where nothing can be written, with the reason, and leaves nothing behind', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M' });
    const { ENOENT, EISDIR } = constants.errno;
    const missing = heap.writeSnapshot(join(folder, 'missing', 'file'));
    await expect(missing).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_WRITE', errno: ENOENT, syscall: 'open' });
    await mkdir(join(folder, 'taken'));
    const taken = heap.writeSnapshot(join(folder, 'taken'));
    await expect(taken).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_WRITE', errno: EISDIR, syscall: 'open' });
    expect(await readdir(folder)).toEqual(['taken']);
    for (const [path, options] of [
      ['', {}],
      [5, {}],
      [new URL('http://x/y'), {}],
      ['x', null],
      ['x', { maxTextLength: -1 }],
      ['x', { onProgress: 5 }],
    ]) {
      await expect(heap.writeSnapshot(path as string, options as object)).rejects.toMatchObject({ code: 'ERR_OPTION' });
    }
    await heap.writeSnapshot(join(folder, 'fine'));
    expect((await readdir(folder)).sort()).toEqual(['fine', 'taken']);
  });

  it('into a pipe or through a link replaces neither', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M' });
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const [received, { fileBytes }] = await Promise.all([readFile(pipe), heap.writeSnapshot(pipe)]);
    expect([received.length, JSON.parse(received.toString()).snapshot.node_count]).toEqual([fileBytes, 2]);
    expect((await stat(pipe)).isFIFO()).toBe(true);
    await writeFile(join(folder, 'file'), 'old');
    await symlink('file', join(folder, 'link'));
    await heap.writeSnapshot(join(folder, 'link'));
    expect((await lstat(join(folder, 'link'))).isSymbolicLink()).toBe(true);
    expect(readGraph(join(folder, 'file')).nodes.length).toBe(2);
  });

  it.each([
    ['a line end, quotes and a dollar', 'new\nline "q" \'s $x `y` \\'],
    ['255 bytes', 'n'.repeat(255)],
    ['255 bytes in other letters', `${'é'.repeat(127)}x`],
    ['a dash', '-'],
    ['what a URL would read otherwise', '%41?a#b'],
  ])('to a name with %s writes that file and no other', async (_what, name) => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M' });
    for (const path of [join(folder, name), pathToFileURL(join(folder, name))]) {
      await heap.writeSnapshot(path);
      expect(await readdir(folder)).toEqual([name]);
      expect(readGraph(join(folder, name)).nodes.length).toBe(2);
      await rm(join(folder, name));
    }
  });

  it('to a relative path goes below the current folder, and to the longest path there is', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M' });
    const place = join(folder, 'here');
    const { path } = await heap.writeSnapshot(relative(process.cwd(), place));
    expect([path, await readdir(folder)]).toEqual([place, ['here']]);
    let deep = folder;
    while (deep.length < 4060) deep = join(deep, 'd'.repeat(Math.min(200, 4070 - deep.length)));
    await mkdir(deep, { recursive: true });
    const longest = join(deep, 'f'.repeat(4095 - deep.length - 1));
    await heap.writeSnapshot(longest);
    expect((await readdir(deep)).length).toBe(1);
    const { ENAMETOOLONG } = constants.errno;
    await expect(heap.writeSnapshot(`${longest}f`)).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_WRITE', errno: ENAMETOOLONG });
  });

  it.each([0o600, 0o640, 0o664, 0o444])('over a file keeps its mode, %o', async (mode) => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M' });
    const path = join(folder, 'file');
    await writeFile(path, 'old');
    await chmod(path, mode);
    const asRoot = process.getuid?.() === 0;
    if (asRoot) await chown(path, 1234, 2345);
    await heap.writeSnapshot(path);
    const now = await stat(path);
    expect(now.mode & 0o7777).toBe(mode);
    if (asRoot) expect([now.uid, now.gid]).toEqual([1234, 2345]);
    expect(now.size).toBeGreaterThan(100);
  });

  it('through a link that leads nowhere yet makes the file it leads to', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M' });
    await mkdir(join(folder, 'sub'));
    await symlink('sub/new', join(folder, 'link'));
    await heap.writeSnapshot(join(folder, 'link'));
    expect((await lstat(join(folder, 'link'))).isSymbolicLink()).toBe(true);
    expect(readGraph(join(folder, 'sub', 'new')).nodes.length).toBe(2);
  });

  it('where no draft can be made writes to the file itself', async (context) => {
    // A file that is a mount of its own can be written to, but nothing can take its place.
    const path = join(folder, 'place');
    await writeFile(path, 'old');
    await writeFile(join(folder, 'source'), 'old');
    const program = `
      const { Heap } = await import(${JSON.stringify(pathToFileURL(join(ROOT, 'dist/index.js')).href)});
      const heap = Heap.create({ capacityBytes: '2M' });
      await heap.writeSnapshot(${JSON.stringify(path)});
      await heap.close();`;
    const shell = 'mount --bind "$1" "$2" && exec "$3" --input-type=module -e "$4"';
    const words = ['-m', 'sh', '-c', shell, 'sh', join(folder, 'source'), path, process.execPath, program];
    const { status, stderr } = spawnSync('unshare', words, { encoding: 'utf8', timeout: 60_000 });
    // Only where this user may mount; nothing else says a word of its own here.
    if (/^(unshare|mount): /.test(stderr)) return context.skip('this user may not mount');
    expect([status, stderr]).toEqual([0, '']);
    expect(readGraph(join(folder, 'source')).nodes.length).toBe(2);
    expect((await readdir(folder)).sort()).toEqual(['place', 'source']);
  });

  it('to standard output arrives there, be it a pipe, a socket or a file, after what is there already', async () => {
    const program = `
      import { writeSync } from 'node:fs';
      const { Heap } = await import(${JSON.stringify(pathToFileURL(join(ROOT, 'dist/index.js')).href)});
      const heap = Heap.create({ capacityBytes: '8M' });
      const mutator = heap.attachMutator();
      const shape = heap.defineShape({ name: 'node', fields: { next: 'ref' } });
      for (let i = 0; i < 3000; i++) mutator.handle(mutator.allocate(shape));
      writeSync(1, 'first\\n');
      await heap.writeSnapshot(process.argv[1]);
      await heap.close();`.replaceAll('\\\\', '\\');
    const words = ['--input-type=module', '-e', program, '/dev/stdout'];
    const check = (text: string): void => {
      expect(text.slice(0, 6)).toBe('first\n');
      expect((JSON.parse(text.slice(6)) as { snapshot: { node_count: number } }).snapshot.node_count).toBe(3003);
    };
    // Node's own pipes to a child are sockets.
    check(execFileSync(process.execPath, words, { encoding: 'utf8', timeout: 60_000 }));
    const piped = ['-c', 'node=$1; shift; "$node" "$@" | (sleep 0.3; cat)', 'sh', process.execPath, ...words];
    check(execFileSync('sh', piped, { encoding: 'utf8', timeout: 60_000 }));
    const file = openSync(join(folder, 'out'), 'w');
    execFileSync(process.execPath, words, { stdio: ['ignore', file, 'inherit'], timeout: 60_000 });
    closeSync(file);
    check(await readFile(join(folder, 'out'), 'utf8'));
  });

  it('is refused with what helps: a folder, a circle of links, a full device, a closed descriptor', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M' });
    await symlink('circle', join(folder, 'circle'));
    await writeFile(join(folder, 'file'), '');
    const refusals: [string, RegExp][] = [
      [folder, /EISDIR.*It is a folder: name a file in it/],
      [join(folder, 'none', 'file'), /ENOENT.*Make its folder first/],
      [join(folder, 'file', 'file'), /ENOTDIR.*Part of its path is a file/],
      [join(folder, 'circle'), /ELOOP.*in a circle/],
      [join(folder, 'n'.repeat(256)), /ENAMETOOLONG.*a shorter one/],
      ['/dev/full', /ENOSPC.*Make room/],
      ['/dev/fd/9999', /EBADF/],
    ];
    for (const [path, message] of refusals) {
      await expect(heap.writeSnapshot(path)).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_WRITE', message: expect.stringMatching(message) });
    }
    expect((await readdir(folder)).sort()).toEqual(['circle', 'file']);
    for (const path of ['a\0b', new URL('file:///a%2fb'), new URL('file://elsewhere/a')]) {
      await expect(heap.writeSnapshot(path)).rejects.toMatchObject({ name: 'TypeError', code: 'ERR_OPTION' });
    }
  });

  it('to one path several times at once leaves one whole file', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M' });
    const list = new LinkedList(heap, mutator);
    for (let i = 0; i < 10_000; i++) list.push(i);
    const path = join(folder, 'same');
    await Promise.all(Array.from({ length: 5 }, () => heap.writeSnapshot(path)));
    expect(readGraph(path).nodes.length).toBe(10_003);
    expect(await readdir(folder)).toEqual(['same']);
  });

  it('works in a thread that is no mutator, and for one that is parked', async () => {
    const heap = makeHeap({ capacityBytes: '4M' });
    const threads = new Threads();
    threads.start(heap.token, 'parked');
    await threads.ready();
    expect(await heap.writeSnapshot(join(folder, 'file'))).toMatchObject({ objects: 0, references: 0, bytes: 0 });
    await threads.finish();
  });

  it('is given up when the heap is closed, without half a file', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '64M' });
    const list = new LinkedList(heap, mutator);
    for (let i = 0; i < 300_000; i++) list.push(i);
    const snapshots = [1, 2, 3].map((i) =>
      heap.writeSnapshot(join(folder, String(i))).then(
        () => 'written',
        (error: { code: string }) => error.code,
      ),
    );
    await heap.close();
    const outcomes = await Promise.all(snapshots);
    expect(outcomes).toContain('ERR_HEAP_CLOSED');
    const whole = outcomes.flatMap((outcome, i) => (outcome === 'written' ? [String(i + 1)] : []));
    // A file may be in place whose writer did not hear of it any more.
    for (const file of await readdir(folder)) expect(readGraph(join(folder, file)).nodes.length).toBe(300_003);
    expect(await readdir(folder)).toEqual(expect.arrayContaining(whole));
    await expect(heap.writeSnapshot(join(folder, 'late'))).rejects.toMatchObject({ code: 'ERR_HEAP_CLOSED' });
  });
});
