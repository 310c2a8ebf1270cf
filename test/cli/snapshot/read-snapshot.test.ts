/** Reading whole snapshots: everything arrives, whatever the order of the fields and wherever the pieces end. */
import { execFileSync } from 'node:child_process';
import { createWriteStream, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';

import { readSnapshot } from '../../../src/cli/snapshot/index.ts';
import { projectFolder } from '../../../src/cli/snapshot/dependency-tree.ts';
import { fileOf, scratchFolder } from './scratch-folder.ts';
import { EDGE_FIELDS, NODE_FIELDS, nodesOf, plainNodes, randomSnapshot, textOf, type SnapshotJson } from './snapshot-text.ts';

const TINY_PROGRAM = `
  globalThis.kept = { list: [1.5, 'two', { three: 3n }], map: new Map([['[', ']'], ['"', '\\\\']]), weak: new WeakRef({}) };
  require('node:v8').writeHeapSnapshot(process.argv[1]);
`;

describe('a snapshot that this Node writes', () => {
  it('arrives with every node and every edge that is not weak', async () => {
    const path = join(scratchFolder, 'tiny.heapsnapshot');
    execFileSync(process.execPath, ['-e', TINY_PROGRAM, path]);
    const json = JSON.parse(readFileSync(path, 'utf8')) as SnapshotJson;
    const graph = await readSnapshot(path);
    const model = plainNodes(json);
    // Compared as text: a hundred thousand small objects are many to compare one by one.
    expect(graph.nodeCount).toBe(json.snapshot.node_count);
    expect(JSON.stringify(nodesOf(graph)) === JSON.stringify(model)).toBe(true);
    expect(graph.edgeCount).toBe(model.reduce((sum, node) => sum + node.targets.length, 0));
    expect(graph.edgeCount).toBeLessThan(json.snapshot.edge_count);
    expect(graph.typeNames).toContain('closure');
    expect(graph.root).toBe(0);
    expect(graph.source).toEqual({ path, bytes: readFileSync(path).length });
  });
});

describe('reading', () => {
  it('takes no notice of the order of the fields', async () => {
    const orders: [string[], string[]][] = [
      [NODE_FIELDS, EDGE_FIELDS],
      [[...NODE_FIELDS].reverse(), [...EDGE_FIELDS].reverse()],
      [
        ['type', 'name', 'id', 'self_size', 'edge_count', 'detachedness'],
        ['to_node', 'type', 'name_or_index'],
      ],
      [
        ['edge_count', 'self_size', 'type'],
        ['to_node', 'type'],
      ],
      [
        ['newest', ...NODE_FIELDS, 'newer'],
        [...EDGE_FIELDS, 'new'],
      ],
    ];
    for (const [index, [nodeFields, edgeFields]] of orders.entries()) {
      const json = randomSnapshot(100 + index, 200, nodeFields, edgeFields);
      expect(nodesOf(await readSnapshot(fileOf(textOf(json)))), `${nodeFields} ${edgeFields}`).toEqual(plainNodes(json));
    }
  });

  it('takes no notice of where a block ends: inside numbers, keys, escapes or characters', async () => {
    const json = randomSnapshot(7, 150);
    const path = fileOf(textOf(json));
    for (const blockBytes of [1, 2, 3, 7, 1021, 16_384, 16_385]) {
      expect(nodesOf(await readSnapshot(path, { blockBytes })), `blocks of ${blockBytes}`).toEqual(plainNodes(json));
    }
  });

  it('takes no notice of white space, unknown keys or brackets inside strings', async () => {
    const json = randomSnapshot(8, 50);
    json['later'] = { list: [[1, { deep: ['"]', '\\'] }], null, true], text: '"edges":[1,2' };
    const text = JSON.stringify(json, undefined, 3);
    expect(nodesOf(await readSnapshot(fileOf(`\n ${text}\n\n`)))).toEqual(plainNodes(json));
  });

  it('knows one node without edges, and nodes whose edges are all weak', async () => {
    const one = { ...randomSnapshot(1, 1), nodes: [3, 0, 1, 16, 0, 0, 0], edges: [] };
    one.snapshot.edge_count = 0;
    expect(nodesOf(await readSnapshot(fileOf(textOf(one))))).toEqual([{ type: 'object', selfBytes: 16, targets: [] }]);

    const weak = { ...one, nodes: [3, 0, 1, 16, 2, 0, 0, 3, 0, 3, 16, 1, 0, 0], edges: [6, 0, 7, 6, 0, 0, 2, 0, 0] };
    weak.snapshot = { ...one.snapshot, node_count: 2, edge_count: 3 };
    const graph = await readSnapshot(fileOf(textOf(weak)));
    expect(nodesOf(graph).map((node) => node.targets)).toEqual([[], [0]]);
    expect(graph.edgeCount).toBe(1);
    expect(graph.edgeTarget).toHaveLength(1);
  });

  it('finds the root where the head says that it is', async () => {
    const json = randomSnapshot(9, 20);
    json.snapshot.root_index = 5 * NODE_FIELDS.length;
    expect((await readSnapshot(fileOf(textOf(json)))).root).toBe(5);
  });

  it('tells how far it is, up to the last byte', async () => {
    const text = textOf(randomSnapshot(10, 500));
    const seen: [number, number][] = [];
    await readSnapshot(fileOf(text), { blockBytes: 1000, onProgress: (...progress) => seen.push(progress) });
    const bytes = Buffer.byteLength(text);
    expect(seen.length).toBe(Math.ceil(bytes / 1000));
    expect(seen[0]).toEqual([1000, bytes]);
    expect(seen.at(-1)).toEqual([bytes, bytes]);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const path = fileOf(textOf(randomSnapshot(11, 500)));
    const reading = readSnapshot(path, { blockBytes: 100, signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) });
    await expect(reading).rejects.toThrow('enough');
  });

  it('gives columns that another thread sees without a copy', async () => {
    const graph = await readSnapshot(fileOf(textOf(randomSnapshot(12, 30))));
    const worker = new Worker('require("worker_threads").workerData.selfBytes[3] = 4711', { eval: true, workerData: graph });
    await new Promise((fulfil) => worker.on('exit', fulfil));
    expect(graph.selfBytes[3]).toBe(4711);
  });
});

describe('memory', () => {
  /** Writes rows of the same numbers with V8's commas and line ends. */
  async function writeRepeated(path: string, nodeCount: number, edgesPerNode: number): Promise<void> {
    const file = createWriteStream(path);
    const write = (text: string) => (file.write(text) ? undefined : new Promise<void>((fulfil) => file.once('drain', () => fulfil())));
    const head = randomSnapshot(1, 1).snapshot;
    await write(`{"snapshot":${JSON.stringify({ ...head, node_count: nodeCount, edge_count: nodeCount * edgesPerNode })},\n"nodes":[`);
    const repeat = async (row: string, count: number) => {
      const rows = `,${row}\n`.repeat(1000);
      await write(row);
      for (let written = 1; written < count; written += 1000)
        await write(rows.slice(0, (row.length + 2) * Math.min(1000, count - written)));
    };
    await repeat(`3,1000000,1000000,64,${edgesPerNode},0,0`, nodeCount);
    await write('],\n"edges":[');
    await repeat('2,1000000,7000', nodeCount * edgesPerNode);
    await write('],\n"strings":[');
    await repeat(`"${'text '.repeat(20)}"`, 50_000);
    file.end(']}');
    await finished(file);
  }

  it('grows with the numbers of nodes and edges, not with the length of the file', async () => {
    const path = join(scratchFolder, 'long.heapsnapshot');
    const [nodeCount, edgesPerNode] = [400_000, 6];
    await writeRepeated(path, nodeCount, edgesPerNode);
    const reader = join(projectFolder(), 'dist/cli/snapshot/read-snapshot.js');
    const program = `
      const { readSnapshot } = await import(${JSON.stringify(reader)});
      const before = process.resourceUsage().maxRSS;
      const { nodeCount, edgeCount, source } = await readSnapshot(${JSON.stringify(path)});
      console.log(JSON.stringify({ nodeCount, edgeCount, bytes: source.bytes, grownKb: process.resourceUsage().maxRSS - before }));
    `;
    const flags = ['--max-old-space-size=32', '--max-semi-space-size=2', '--input-type=module'];
    const output = execFileSync(process.execPath, [...flags, '-e', program], { encoding: 'utf8' });
    rmSync(path);
    const result = JSON.parse(output) as { nodeCount: number; edgeCount: number; bytes: number; grownKb: number };
    expect(result).toMatchObject({ nodeCount, edgeCount: nodeCount * edgesPerNode });
    expect(result.bytes).toBeGreaterThan(50e6);
    // Less than the file, so that a reader that keeps the text fails: the columns are 13 MB, and 17 MB more were measured.
    const columnsKb = (nodeCount * 9 + nodeCount * edgesPerNode * 4) / 1024;
    expect(result.grownKb).toBeLessThan(columnsKb + 32 * 1024);
    expect(columnsKb + 32 * 1024).toBeLessThan(result.bytes / 1024);
  });
});
