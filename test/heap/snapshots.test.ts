/**
 * Snapshots of the heap: files that V8's tools read, with every object that is alive and what keeps it alive, at any moment of the
 * heap's life.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { getHeapSnapshot } from 'node:v8';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSnapshot } from '../../dist/cli/snapshot/index.js';
import { faultline, ROOT } from '../cli/command.ts';
import { array, type SnapshotProgress } from '../support/faultline.ts';
import { pathTo, reachable, readGraph, type SnapshotGraph, type SnapshotNode } from '../support/heap-snapshot.ts';
import { LinkedList, makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { MODES, rounds } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';
import { Threads } from '../support/threads.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'faultline-snapshots-'))));
afterEach(async () => rm(folder, { recursive: true }));

function named(graph: SnapshotGraph, name: string): SnapshotNode {
  const found = graph.nodes.filter((node) => node.name === name);
  expect(found.map((node) => node.name)).toEqual([name]);
  return found[0]!;
}

const edgesOf = (node: SnapshotNode): string[] => node.edges.map(({ type, name, to }) => `${type} ${name} → ${to.name}`);

describe('a snapshot of the heap', () => {
  it('describes itself as those of V8 do', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M' });
    const path = join(folder, 'empty.heapsnapshot');
    await heap.writeSnapshot(path);
    const { json } = readGraph(path);
    const theirs = JSON.parse(await textOf(getHeapSnapshot())) as { snapshot: { meta: Record<string, unknown[]> } };
    const ours = json.snapshot.meta as Record<string, unknown[]>;
    expect(Object.keys(json)).toEqual(Object.keys(theirs));
    if (process.versions.node.startsWith('20.')) {
      expect(ours).toEqual(theirs.snapshot.meta);
      expect(Object.keys(json.snapshot)).toEqual(Object.keys(theirs.snapshot));
      return;
    }
    // Other versions have other fields and types besides; what is written in any of them is known by its name.
    for (const list of ['edge_fields', 'location_fields', 'sample_fields']) expect(ours[list]).toEqual(theirs.snapshot.meta[list]);
    const types = theirs.snapshot.meta['node_types']![0] as string[];
    expect(types).toEqual(expect.arrayContaining(['string', 'object', 'synthetic']));
    expect(theirs.snapshot.meta['node_fields']).toEqual(expect.arrayContaining(['type', 'name', 'id', 'self_size', 'edge_count']));
  });

  it('has each object with its shape, its bytes and its references, and each string with its text', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M' });
    const city = heap.defineShape({
      name: 'city',
      fields: { population: 'f64', twin: 'self', name: 'string', near: array('self', 2), any: 'tagged' },
    });
    const list = heap.defineShape({ name: 'list', fields: { first: 'ref' }, elements: 'ref' });
    const a = heap.create(city, { name: 'Århus' });
    const b = heap.create(city, { name: '東京 \ud800 "x"\n' });
    a.twin = b;
    a.near.set(1, b);
    (a as { any: unknown }).any = b;
    (b as { any: unknown }).any = 5;
    const all = heap.create(list, { first: a }, [null, b, null, a]);
    heap.roots.slots[3] = all.ref;
    const empty = heap.string('');
    const bytes = heap.createPinnable(heap.defineShape({ name: 'bytes', elements: 'u8' }), 1000);
    using pin = heap.pin(bytes);
    for (const view of [a, b, all, empty, bytes]) view.release();
    const range = mutator.createRootRange(10);
    range.slots[0] = heap.roots.slots[3]!;
    range.used = 1;
    const path = join(folder, 'graph.heapsnapshot');
    const summary = await heap.writeSnapshot(pathToFileURL(path));

    const graph = readGraph(path);
    const node = named(graph, 'list');
    const first = node.edges[0]!.to;
    const second = first.edges[0]!.to;
    expect(edgesOf(node)).toEqual(['property first → city', 'element 1 → city', 'element 3 → city']);
    expect(node.edges.map(({ to }) => to)).toEqual([first, second, first]);
    expect(edgesOf(first).sort()).toEqual(
      ['property any → city', 'property name → Århus', 'property near[1] → city', 'property twin → city'].sort(),
    );
    expect(edgesOf(second)).toEqual(['property name → 東京 \ud800 "x"\n']);
    expect([node.type, second.edges[0]!.to.type, first.type]).toEqual(['object', 'string', 'object']);
    expect([node.selfBytes, first.selfBytes, named(graph, 'bytes').selfBytes]).toEqual([list.words(4) * 8, city.words(0) * 8, 1008]);
    expect(edgesOf(named(graph, 'shared roots'))).toEqual(['element 3 → list']);
    expect(edgesOf(named(graph, 'pins'))).toEqual(['element 0 → bytes']);
    expect(edgesOf(named(graph, `mutator 1: root range 1`))).toEqual(['element 0 → list']);
    expect(pathTo(graph, first)).toEqual(['shared roots', 3, 'first']);
    expect(pathTo(graph, second)).toEqual(['shared roots', 3, 1]);

    const objects = await heap.verify();
    expect(summary).toMatchObject({ path, objects, references: 3 + 4 + 1, weakReferences: 0, roots: 3 });
    const groups = 3;
    expect(graph.nodes.length).toBe(objects + 2 + groups);
    expect(reachable(graph).size).toBe(graph.nodes.length);
    expect(summary.bytes).toBe(graph.nodes.reduce((sum, { selfBytes }) => sum + selfBytes, 0));
    expect(pin.released).toBe(false);
  });

  it('shows weak references as weak, and what an ephemeron holds by its table', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M' });
    const thing = heap.defineShape({ name: 'thing', fields: { value: 'f64' } });
    const note = heap.defineShape({ name: 'note', fields: { value: 'f64' } });
    const weak = heap.defineShape({ name: 'weak', elements: 'weak' });
    mutator.scope(() => {
      const held = mutator.handle(mutator.allocate(thing));
      const map = mutator.handle(mutator.weakMaps.allocate());
      const value = mutator.local(mutator.allocate(note));
      mutator.weakMaps.set(mutator.get(map), mutator.get(held), mutator.get(value));
      const lost = mutator.local(mutator.allocate(thing));
      const other = mutator.local(mutator.allocate(note));
      mutator.weakMaps.set(mutator.get(map), mutator.get(lost), mutator.get(other));
      const list = mutator.handle(mutator.allocate(weak, 3));
      const slot = mutator.get(list) * 2 + weak.elementsOffset;
      mutator.u32[slot + 2] = mutator.get(held);
      mutator.u32[slot + 1] = mutator.get(lost);
    });
    const path = join(folder, 'weak.heapsnapshot');
    const summary = await heap.writeSnapshot(path);
    const graph = readGraph(path);
    // What only weak slots lead to is not there.
    expect(edgesOf(named(graph, 'weak'))).toEqual(['weak 2 → thing']);
    expect(summary.weakReferences).toBe(2);
    const table = graph.nodes.find(({ edges }) => edges.some(({ type }) => type === 'internal'))!;
    expect(edgesOf(table).map((edge) => edge.replace(/\d+ /, ''))).toEqual(['weak key → thing', 'internal value → note']);
    expect(reachable(graph).size).toBe(graph.nodes.length);
    expect(summary.objects).toBe(await heap.verify());
  });

  it('is what `faultline run` and its reader count', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M' });
    const list = new LinkedList(heap, mutator, 10);
    for (let i = 0; i < 20_000; i++) list.push(i);
    const weak = heap.defineShape({ name: 'weak', elements: 'weak' });
    const slots = mutator.handle(mutator.allocate(weak, 1));
    mutator.u32[mutator.get(slots) * 2 + weak.elementsOffset] = mutator.get(list.head);
    const path = join(folder, 'list.heapsnapshot');
    const summary = await heap.writeSnapshot(path);
    expect(summary).toMatchObject({ objects: 20_001, references: 20_000, weakReferences: 1, roots: 2 });
    const graph = await readSnapshot(path);
    // The root, the node of all roots and one group of them; the edges to these, and to what they hold.
    expect(graph.nodeCount).toBe(summary.objects + 3);
    expect(graph.edgeCount).toBe(1 + 2 + summary.roots + summary.references - summary.weakReferences);
    expect(graph.source.bytes).toBe(summary.fileBytes);
    const run = await faultline(['run', path, '--seconds', '1', '--json']);
    expect(run.status, run.stderr).toBe(0);
    const report = JSON.parse(run.stdout) as { input: { objects: number }; check: { mismatches: number } };
    expect(report.input.objects).toBeGreaterThanOrEqual(graph.nodeCount);
    expect(report.check.mismatches).toBe(0);
  }, 60_000);

  it('numbers an object the same in two snapshots if its identity hash was asked for, and each once', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M' });
    const shape = heap.defineShape({ name: 'known', fields: { next: 'ref' } });
    const list = new LinkedList(heap, mutator);
    const known = Array.from({ length: 50 }, () => {
      list.garbage();
      const handle = mutator.handle(mutator.allocate(shape));
      mutator.identityHash(mutator.get(handle));
      return handle;
    });
    const addresses = known.map((handle) => mutator.get(handle));
    for (let i = 0; i < 100; i++) list.push(i);
    const idsOf = (graph: SnapshotGraph, name: string): number[] =>
      graph.nodes
        .filter((node) => node.name === name)
        .map(({ id }) => id)
        .sort((a, b) => a - b);
    const graphs: SnapshotGraph[] = [];
    for (const file of ['one', 'two']) {
      const path = join(folder, file);
      await heap.writeSnapshot(path);
      graphs.push(readGraph(path));
      for (let i = 0; i < 50_000; i++) list.garbage();
      await heap.collect({ kind: 'full' });
    }
    expect(known.map((handle) => mutator.get(handle))).not.toEqual(addresses);
    expect(idsOf(graphs[0]!, 'known')).toEqual(idsOf(graphs[1]!, 'known'));
    const all = graphs.flatMap(({ nodes }) => nodes.filter(({ name }) => name === 'list of 0').map(({ id }) => id));
    expect(new Set(all).size).toBe(200);
    for (const { nodes } of graphs) {
      expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length);
      expect(nodes.every(({ id }) => Number.isSafeInteger(id) && id % 2 === 1)).toBe(true);
    }
  });

  it('cuts strings where it was told to', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M' });
    mutator.handle(heap.string('x'.repeat(5000)).ref);
    mutator.handle(heap.string('語'.repeat(5000)).ref);
    const lengths = async (options?: { maxTextLength: number }): Promise<number[]> => {
      const path = join(folder, 'strings');
      await heap.writeSnapshot(path, options);
      return readGraph(path)
        .nodes.filter(({ type }) => type === 'string')
        .map(({ name }) => name.length);
    };
    expect(await lengths()).toEqual([1024, 1024]);
    expect(await lengths({ maxTextLength: 0 })).toEqual([0, 0]);
    expect(await lengths({ maxTextLength: 7 })).toEqual([7, 7]);
    expect(await lengths({ maxTextLength: 2 ** 20 })).toEqual([5000, 5000]);
  });

  it('tells how far it is', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M' });
    const list = new LinkedList(heap, mutator);
    for (let i = 0; i < 100_000; i++) list.push(i);
    const heard: SnapshotProgress[] = [];
    const summary = await heap.writeSnapshot(join(folder, 'progress'), { onProgress: (progress) => heard.push(progress) });
    const total = summary.objects + summary.references;
    expect(heard.at(-1)).toEqual({ written: total, total });
    expect(heard.map(({ written }) => written)).toEqual(heard.map(({ written }) => written).sort((a, b) => a - b));
    expect(summary.pauseUs).toBeGreaterThan(0);
    expect(summary.durationMs * 1000).toBeGreaterThan(summary.pauseUs);
  });
});

describe.each(MODES)('a snapshot (fault mode %s)', (fault) => {
  it('is one moment of the heap, whatever other threads and the collector do', async () => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '48M', fault });
    const list = new LinkedList(heap, mutator);
    for (let i = 0; i < 1000; i++) list.push(i);
    const threads = new Threads();
    threads.start(heap.token, 'shadow', { seed, objects: 500 });
    threads.start(heap.token, 'allocate', { seed });
    await threads.ready();
    let over = false;
    const collections = (async () => {
      while (!over) await heap.collect({ kind: 'full' });
    })();
    for (let round = 0; round < rounds(4, 1); round++) {
      const paths = [0, 1, 2].map((i) => join(folder, `${round} ${i}`));
      const summaries = await Promise.all(paths.map((path) => heap.writeSnapshot(path)));
      for (const [i, path] of paths.entries()) {
        const graph = readGraph(path);
        expect(reachable(graph).size).toBe(graph.nodes.length);
        expect(graph.nodes.filter(({ name }) => name === 'list of 0').length).toBe(1000);
        expect(graph.nodes.length).toBeGreaterThan(summaries[i]!.objects);
      }
    }
    over = true;
    await collections;
    await threads.finish();
    await heap.verify();
  }, 120_000);
});

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
