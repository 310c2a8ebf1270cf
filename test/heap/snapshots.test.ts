import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { getHeapSnapshot } from 'node:v8';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSnapshot } from '../../dist/cli/snapshot/index.js';
import { faultline } from '../cli/command.ts';
import { array, type SnapshotProgress } from '../support/faultline.ts';
import { pathTo, reachable, readGraph, type SnapshotGraph, type SnapshotNode } from '../support/heap-snapshot.ts';
import { LinkedList, makeHeapWithMutator } from '../support/heaps.ts';
import { MODES, rounds, third } from '../support/modes.ts';
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

describe.each(third(MODES))('a snapshot (fault mode %s)', (fault) => {
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
