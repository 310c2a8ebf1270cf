/** The payload cap: a huge buffer in a snapshot is no reason to fill gigabytes. */
import { describe, expect, it } from 'vitest';
import { sizeOf } from '../../src/cli/run/object-layout.ts';
import { capPayload } from '../../src/cli/run/payload-cap.ts';
import type { ObjectGraph } from '../../src/cli/snapshot/index.ts';
import { fileOf } from './snapshot/scratch-folder.ts';
import { randomSnapshot, textOf } from './snapshot/snapshot-text.ts';
import { faultline } from './command.ts';

const MIB = 2 ** 20;

function graphOf(sizes: readonly number[], bytesBeyond = 0): ObjectGraph {
  const column = (length: number): Uint32Array<SharedArrayBuffer> => new Uint32Array(new SharedArrayBuffer(4 * length));
  const selfBytes = column(sizes.length);
  selfBytes.set(sizes);
  const nodeType = new Uint8Array(new SharedArrayBuffer(sizes.length));
  const source = { path: 'x', bytes: 1 };
  const [firstEdge, edgeTarget] = [column(sizes.length + 1), column(0)];
  const columns = { nodeType, selfBytes, bytesBeyond, firstEdge, edgeTarget };
  return { nodeCount: sizes.length, edgeCount: 0, typeNames: ['x'], ...columns, root: 0, source };
}

describe('the payload cap', () => {
  it('leaves alone what is not large', () => {
    const graph = graphOf([0, 100, 64 * 1024, 4 * MIB]);
    expect(capPayload(graph)).toEqual({ capBytes: 4 * MIB, cappedObjects: 0, leftOutBytes: 0 });
    expect([...graph.selfBytes]).toEqual([0, 100, 64 * 1024, 4 * MIB]);
  });

  it('gives no object more than 4 MiB, and counts what is left out, beyond 4 GiB too', () => {
    const graph = graphOf([100, 4 * MIB + 1, 2 ** 32 - 1], 13 * 2 ** 30);
    expect(capPayload(graph)).toEqual({ capBytes: 4 * MIB, cappedObjects: 2, leftOutBytes: 1 + (2 ** 32 - 1 - 4 * MIB) + 13 * 2 ** 30 });
    expect([...graph.selfBytes]).toEqual([100, 4 * MIB, 4 * MIB]);
  });

  it('keeps many large objects below a gigabyte together, and small ones whole', () => {
    const graph = graphOf([...new Array<number>(1000).fill(100 * MIB), ...new Array<number>(5000).fill(64 * 1024)]);
    const { capBytes, cappedObjects } = capPayload(graph);
    expect([capBytes, cappedObjects]).toEqual([MIB / 2, 1000]);
    expect(sizeOf(graph).bytes).toBeLessThan(2 ** 30);
    expect(graph.selfBytes.subarray(1000).every((bytes) => bytes === 64 * 1024)).toBe(true);
  });

  it('is told in report and summary', async () => {
    const json = randomSnapshot(1, 50);
    for (let node = 0; node < 50; node++) json.nodes[node * 7 + 3] = node < 2 ? 17 * 2 ** 30 : 100;
    json.snapshot.meta.node_types[0] = ['closure', 'closure+8', 'payload of a node', '', 'closure', 'litter'];
    const path = fileOf(textOf(json));
    const run = await faultline(['run', path, '--seconds', '0.2', '--json']);
    expect([run.status, run.stderr]).toEqual([0, '']);
    const { input } = JSON.parse(run.stdout) as { input: { bytes: number; payloadCap: object } };
    expect(input.payloadCap).toEqual({ capBytes: 4 * MIB, cappedObjects: 2, leftOutBytes: 2 * (17 * 2 ** 30 - 4 * MIB) });
    expect(input.bytes).toBeLessThan(9 * MIB);
    const { stdout } = await faultline(['run', path, '--seconds', '0.2']);
    expect(stdout).toContain('payload is capped at 4.0 MiB an object: 2 objects cut, 34.0 GiB left out');
  });
});
