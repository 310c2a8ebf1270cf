/**
 * The generations of V8's format, Node 8 to 26: each as its own head describes it, in every form that it is written in, and from
 * wherever it comes.
 */
import { execFile, execFileSync } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeHeapSnapshot } from 'node:v8';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { readSnapshot } from '../../../src/cli/snapshot/index.ts';
import { projectFolder } from '../../../src/cli/snapshot/dependency-tree.ts';
import { fileOf, scratchFolder } from './scratch-folder.ts';
import { nodesOf, plainNodes, randomSnapshot, textOf, type SnapshotJson } from './snapshot-text.ts';

const FIELDS = ['type', 'name', 'id', 'self_size', 'edge_count'];
const TYPES = [
  ...['hidden', 'array', 'string', 'object', 'code', 'closure', 'regexp', 'number', 'native', 'synthetic'],
  ...['concatenated string', 'sliced string'],
];
/** Fields and types as the serializers of these versions name them, and how many types they use. */
const GENERATIONS = [
  { node: '8', fields: [...FIELDS, 'trace_node_id'], types: TYPES, used: 13 },
  { node: '10 to 14', fields: [...FIELDS, 'trace_node_id'], types: [...TYPES, 'symbol', 'bigint'], used: 14 },
  { node: '16 and 18', fields: [...FIELDS, 'trace_node_id', 'detachedness'], types: [...TYPES, 'symbol', 'bigint'], used: 14 },
  {
    node: '20',
    fields: [...FIELDS, 'trace_node_id', 'detachedness'],
    types: [...TYPES, 'symbol', 'bigint', 'object shape', 'wasm object'],
    used: 16,
  },
  { node: '22', fields: [...FIELDS, 'trace_node_id', 'detachedness'], types: [...TYPES, 'symbol', 'bigint', 'object shape'], used: 15 },
  { node: '24 and 26', fields: [...FIELDS, 'detachedness'], types: [...TYPES, 'symbol', 'bigint', 'object shape'], used: 15 },
  {
    node: '24 and 26 with allocations',
    fields: [...FIELDS, 'detachedness', 'trace_node_id'],
    types: [...TYPES, 'symbol', 'bigint', 'object shape'],
    used: 15,
  },
];

/** A snapshot of that generation whose nodes have every type. */
function snapshotOf({ fields, types, used }: (typeof GENERATIONS)[number]): SnapshotJson {
  const json = randomSnapshot(fields.length, 100, fields);
  const typeAt = fields.indexOf('type');
  json.snapshot.meta.node_types[typeAt] = types;
  for (let node = 0; node < json.snapshot.node_count; node++) json.nodes[node * fields.length + typeAt] = node % used;
  return json;
}

describe('a snapshot', () => {
  it.each(GENERATIONS)('of Node $node is read, its types by their names', async (generation) => {
    const json = snapshotOf(generation);
    const graph = await readSnapshot(fileOf(textOf(json)));
    const model = plainNodes(json).map((node) => ({ ...node, type: node.type ?? 'type 12' }));
    expect(nodesOf(graph)).toEqual(model);
    expect(graph.typeNames).toHaveLength(Math.max(generation.used, generation.types.length));
  });

  it('has types and edge types that its head does not name', async () => {
    const json = randomSnapshot(30, 40);
    json.nodes[0] = 255;
    json.edges[0] = 255;
    const graph = await readSnapshot(fileOf(textOf(json)));
    expect(graph.typeNames[graph.nodeType[0]!]).toBe('type 255');
    expect(graph.edgeCount).toBe(plainNodes(json).reduce((sum, { targets }) => sum + targets.length, 0));
  });

  it('has its strings before all else, or an allocation stack of any depth', async () => {
    const json = randomSnapshot(31, 40);
    const { strings, ...rest } = json;
    expect(nodesOf(await readSnapshot(fileOf(JSON.stringify({ strings, ...rest }))))).toEqual(plainNodes(json));
    const deep = textOf({ ...json, trace_tree: 'HERE' }).replace('"HERE"', `[${'1,1,0,0,['.repeat(50_000)}${']'.repeat(50_000)}]`);
    expect(nodesOf(await readSnapshot(fileOf(deep)))).toEqual(plainNodes(json));
  });

  it('has a node larger than can be numbered, of which the rest is told', async () => {
    const json = randomSnapshot(32, 40);
    json.nodes[3] = 17 * 2 ** 30;
    const graph = await readSnapshot(fileOf(textOf(json)));
    expect([graph.selfBytes[0], graph.bytesBeyond]).toEqual([2 ** 32 - 1, 17 * 2 ** 30 - (2 ** 32 - 1)]);
  });
});

describe('this Node', () => {
  it('writes numeric values and internals', async () => {
    const path = join(scratchFolder, 'all.heapsnapshot');
    (writeHeapSnapshot as (path: string, options: object) => string)(path, { exposeInternals: true, exposeNumericValues: true });
    const json = JSON.parse(readFileSync(path, 'utf8')) as SnapshotJson;
    expect((await readSnapshot(path)).nodeCount).toBe(json.snapshot.node_count);
  });

  it('records allocations on a timeline, with the stacks of a recursion', async () => {
    const session = new Session();
    session.connect();
    const chunks: string[] = [];
    session.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => chunks.push(params.chunk));
    await session.post('HeapProfiler.startTrackingHeapObjects', { trackAllocations: true });
    const kept: object[] = [];
    const descend = (depth: number): number => (depth === 0 ? kept.push({ depth }) : descend(depth - 1));
    descend(100);
    await session.post('HeapProfiler.stopTrackingHeapObjects', { reportProgress: false });
    session.disconnect();
    const text = chunks.join('');
    expect(kept).toHaveLength(1);
    expect(deepest(JSON.parse(text).trace_tree)).toBeGreaterThan(60);
    const { snapshot } = JSON.parse(text) as SnapshotJson;
    expect((await readSnapshot(fileOf(text))).nodeCount).toBe(snapshot.node_count);
  });
});

/** Levels of arrays in arrays. */
function deepest(value: unknown): number {
  return Array.isArray(value) ? 1 + Math.max(0, ...value.map(deepest)) : 0;
}

describe('a snapshot comes', () => {
  const json = randomSnapshot(33, 3000);
  const text = textOf(json);
  const reader = join(projectFolder(), 'dist/cli/snapshot/read-snapshot.js');
  const program = (path: string): string[] => [
    '--input-type=module',
    '-e',
    `const { readSnapshot } = await import(${JSON.stringify(reader)});
     const { nodeCount, edgeCount, source } = await readSnapshot(${JSON.stringify(path)}).catch(({ message }) => ({ source: message }));
     console.log(JSON.stringify({ nodeCount, edgeCount, source }));`,
  ];
  const whole = {
    nodeCount: 3000,
    edgeCount: plainNodes(json).reduce((sum, { targets }) => sum + targets.length, 0),
    source: { path: 'standard input', bytes: Buffer.byteLength(text) },
  };
  const read = (path: string, stdin: Buffer | string | number): unknown => {
    const from = typeof stdin === 'number' ? { stdio: [stdin, 'pipe', 'inherit'] as const } : { input: stdin };
    return JSON.parse(execFileSync(process.execPath, program(path), { encoding: 'utf8', timeout: 30_000, ...(from as { input: string }) }));
  };

  it('packed with gzip, in one member or in several', async () => {
    const parts = [text.slice(0, 20_000), text.slice(20_000)].map((part) => gzipSync(part));
    for (const packed of [gzipSync(text), Buffer.concat(parts)]) {
      for (const blockBytes of [1, 1000, 262_144]) {
        const graph = await readSnapshot(fileOf(packed), { blockBytes });
        expect([graph.nodeCount, graph.edgeCount, graph.source.bytes]).toEqual([3000, whole.edgeCount, Buffer.byteLength(text)]);
      }
    }
  });

  it('with its progress told in bytes of the packed file', async () => {
    const packed = gzipSync(text);
    const heard: [number, number][] = [];
    await readSnapshot(fileOf(packed), { blockBytes: 5000, onProgress: (...progress) => heard.push(progress) });
    expect(heard.at(-1)).toEqual([packed.length, packed.length]);
  });

  it('by standard input, a pipe or a file, packed or not', () => {
    expect(read('-', text)).toEqual(whole);
    expect(read('-', gzipSync(text))).toEqual(whole);
    expect(read('-', openSync(fileOf(text), 'r'))).toEqual(whole);
    expect(read('-', openSync(fileOf(gzipSync(text)), 'r'))).toEqual(whole);
    expect(read('/dev/stdin', text)).toEqual(whole);
  });

  it('by standard input, and what does not is named so', () => {
    expect(read('-', '')).toEqual({ source: expect.stringMatching(/^standard input is not complete: it is empty/) });
    const cut = /^standard input is not complete: it ends after 9000 bytes/;
    expect(read('-', text.slice(0, 9000))).toEqual({ source: expect.stringMatching(cut) });
    expect(read('-', '{"a":1}')).toEqual({ source: expect.stringMatching(/^standard input is not a heap snapshot/) });
    expect(read('-', openSync(scratchFolder, 'r'))).toEqual({ source: expect.stringMatching(/^standard input .* it is a directory/) });
  });

  it('from a file named -, when its path says so', async () => {
    writeFileSync(join(scratchFolder, '-'), text);
    const { stdout } = await promisify(execFile)(process.execPath, program('./-'), { cwd: scratchFolder });
    expect(JSON.parse(stdout)).toMatchObject({ nodeCount: 3000, source: { path: './-' } });
  });
});
