/** Files that are no snapshot, or no longer one: each ends in its own code and a sentence with the remedy, none in a hang. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { projectFolder } from '../../../src/cli/snapshot/dependency-tree.ts';
import { fileOf, scratchFolder } from './scratch-folder.ts';
import { codeOfReading, errorOfReading, numbersFrom, randomSnapshot, textOf, type SnapshotJson } from './snapshot-text.ts';

const SEED = Number(process.env['FAULTLINE_SEED'] ?? Date.now() % 1e9);
const REPEAT = `FAULTLINE_SEED=${SEED} npx vitest run test/cli/snapshot/bad-input.test.ts`;

const CUT_SHORT = ['ERR_SNAPSHOT_TRUNCATED'];

/** A text of a few kilobytes, changed by `change` before it is written. */
function changed(change: (json: SnapshotJson) => void): string {
  const json = randomSnapshot(3, 40);
  change(json);
  return fileOf(textOf(json));
}

describe('a truncated snapshot', () => {
  it('is called truncated wherever it was cut', async () => {
    const random = numbersFrom(SEED);
    const bytes = Buffer.from(textOf(randomSnapshot(SEED, 300)));
    const cuts = [1, 2, 11, 12, bytes.length - 1, bytes.length - 2, ...Array.from({ length: 150 }, () => random(bytes.length))];
    for (const cut of cuts) {
      expect(CUT_SHORT, `cut at ${cut}; ${REPEAT}`).toContain(await codeOfReading(fileOf(bytes.subarray(0, cut))));
    }
  });

  it('is called truncated wherever it was cut when it comes in tiny blocks', async () => {
    const random = numbersFrom(SEED + 1);
    const bytes = Buffer.from(textOf(randomSnapshot(SEED, 60)));
    for (let round = 0; round < 50; round++) {
      const cut = random(bytes.length);
      const code = await codeOfReading(fileOf(bytes.subarray(0, cut)), { blockBytes: 1 + random(40) });
      expect(CUT_SHORT, `cut at ${cut}; ${REPEAT}`).toContain(code);
    }
  });

  it('is known by its length before memory is set aside for what it promises', async () => {
    const path = changed((json) => (json.snapshot.node_count = 4e9));
    const error = await errorOfReading(path);
    expect(error?.code).toBe('ERR_SNAPSHOT_TRUNCATED');
    expect(error?.message).toContain('promises 4000000000 nodes');
  });

  it('is called truncated wherever it was cut when it is packed', async () => {
    const packed = gzipSync(textOf(randomSnapshot(SEED, 300)));
    const random = numbersFrom(SEED + 4);
    const cuts = Array.from({ length: 40 }, () => 1 + random(packed.length - 1));
    for (const cut of [1, 2, 11, 30, packed.length - 9, packed.length - 1, ...cuts]) {
      expect(CUT_SHORT, `cut at ${cut}; ${REPEAT}`).toContain(await codeOfReading(fileOf(packed.subarray(0, cut))));
    }
  });

  it('is called truncated when its strings came first', async () => {
    const { strings, ...rest } = randomSnapshot(SEED, 20);
    const text = JSON.stringify({ strings, ...rest });
    for (const cut of [20, 300, text.length - 1]) expect(CUT_SHORT).toContain(await codeOfReading(fileOf(text.slice(0, cut))));
  });

  it('may be an empty file, as it is while V8 prepares to write', async () => {
    const error = await errorOfReading(fileOf(''));
    expect(error?.code).toBe('ERR_SNAPSHOT_TRUNCATED');
    expect(error?.message).toMatch(/it is empty.*wait until the file stops growing/);
  });
});

describe('a damaged snapshot', () => {
  it('is refused or read, but never anything else, whichever byte was changed', async () => {
    const random = numbersFrom(SEED + 2);
    const original = Buffer.from(textOf(randomSnapshot(SEED, 100)));
    for (let round = 0; round < 200; round++) {
      const bytes = Buffer.from(original);
      const at = random(bytes.length);
      bytes[at] = random(256);
      // A changed digit of a size or an unused field leaves a snapshot; everything else has a code.
      expect(await codeOfReading(fileOf(bytes)), `byte ${at} is ${bytes[at]}; ${REPEAT}`).toMatch(/^(none|ERR_SNAPSHOT_\w+)$/);
    }
  });

  const damages: Record<string, (json: SnapshotJson) => void> = {
    'too few nodes': (json) => json.nodes.splice(-7),
    'a node cut in two': (json) => json.nodes.splice(-3),
    'too many nodes': (json) => json.nodes.push(0, 0, 0, 0, 0, 0, 0),
    'too few edges': (json) => json.edges.splice(-3),
    'too many edges': (json) => json.edges.push(0, 0, 0),
    'an edge to the middle of a node': (json) => (json.edges[2] = 8),
    'an edge to a node that is not there': (json) => (json.edges[2] = 40 * 7),
    'an edge of a type beyond all that V8 could have': (json) => (json.edges[0] = 256),
    'a node of a type beyond all that V8 could have': (json) => (json.nodes[0] = 256),
    'a fraction': (json) => (json.nodes[3] = 1.5),
    'a negative size': (json) => (json.nodes[3] = -1),
    'edge counts that do not add up': (json) => (json.nodes[4] = (json.nodes[4] ?? 0) + 1),
    'no field self_size': (json) => (json.snapshot.meta.node_fields[3] = 'size'),
    'no field to_node': (json) => (json.snapshot.meta.edge_fields = ['type', 'name_or_index', 'to']),
    'no list of node types': (json) => (json.snapshot.meta.node_types = ['number']),
    'a count that is not a number': (json) => (json.snapshot.node_count = '40' as unknown as number),
    'a root that is no node': (json) => (json.snapshot.root_index = 3),
    'a text among the numbers': (json) => (json.nodes[5] = [] as unknown as number),
  };
  for (const [damage, change] of Object.entries(damages)) {
    it(`is called malformed because of ${damage}`, async () => {
      const error = await errorOfReading(changed(change));
      expect(error?.code).toBe('ERR_SNAPSHOT_MALFORMED');
      expect(error?.message).toMatch(/is damaged \(near byte \d+\): .+\. Take it again/);
      expect(error?.figures).toHaveProperty('byteOffset');
    });
  }

  it('is called malformed when its packing is damaged', async () => {
    const packed = gzipSync(textOf(randomSnapshot(6, 100)));
    packed[packed.length - 6]! ^= 1;
    expect((await errorOfReading(fileOf(packed)))?.message).toMatch(/is damaged .*not gzip there \(incorrect data check\)/);
  });

  const texts: Record<string, (text: string) => string> = {
    'no edges': (text) => text.replace('"edges":[', '"other":['),
    'the edges before the nodes': (text) => text.replace('"nodes":[', '"other":['),
    'nodes that are not an array': (text) => text.replace('"nodes":[', '"nodes":7,"other":['),
    'a second array of nodes': (text) => text.replace(/\}$/, ',"nodes":[]}'),
    'a second head': (text) => text.replace(/\}$/, ',"snapshot":{}}'),
    'text after the end': (text) => `${text}{}`,
    'a missing comma': (text) => text.replace('],\n"edges"', ']\n"edges"'),
    'a control character in its head': (text) => text.replace('"node_types"', '"node_\u0000types"'),
    'zeros from some place on, as after a full disk': (text) => text.slice(0, 3000) + '\0'.repeat(text.length - 3000),
    'endless nesting': (text) => text.replace('"strings":[', `"strings":[${'['.repeat(1_000_001)}`),
  };
  for (const [damage, change] of Object.entries(texts)) {
    it(`is called malformed because of ${damage}`, async () => {
      const text = textOf(randomSnapshot(4, 80));
      expect(change(text), 'the damage is done').not.toBe(text);
      expect(await codeOfReading(fileOf(change(text)))).toBe('ERR_SNAPSHOT_MALFORMED');
    });
  }
});

describe('a snapshot that is too large', () => {
  it('has more nodes or edges than can be numbered', async () => {
    expect(await codeOfReading(changed((json) => (json.snapshot.node_count = 2 ** 32)))).toBe('ERR_SNAPSHOT_TOO_LARGE');
    expect(await codeOfReading(changed((json) => (json.snapshot.edge_count = 1e15)))).toBe('ERR_SNAPSHOT_TOO_LARGE');
  });
});

describe('something else', () => {
  const random = numbersFrom(SEED + 3);
  const others: Record<string, string | Uint8Array> = {
    'an empty object': '{}',
    'JSON of another kind': JSON.stringify({ name: 'faultline', version: '0.1.0', list: [1, 2, { three: 'four' }] }),
    'JSON of another kind that is cut short': '{"name":"faultline","version',
    'an array': '[1,2,3]',
    'a number': '12',
    'a text': '"snapshot"',
    'white space': ' \n\n ',
    'a CPU profile': '{"nodes":[{"id":1}],"startTime":1,"endTime":2,"samples":[]}',
    'JSON with a snapshot of another kind': '{"snapshot":{"taken":"yesterday"},"nodes":[]}',
    'JSON with a snapshot that is no object': '{"snapshot":true,"nodes":[]}',
    'many small objects': `{"rows":[${'{"a":1},'.repeat(20_000)}{}]}`,
    'a program': readFileSync(process.execPath).subarray(0, 300_000),
    'random bytes': Uint8Array.from({ length: 100_000 }, () => random(256)),
    'brackets without end': '['.repeat(200_000),
    'arrays in arrays without end': `{"rows":${'['.repeat(2_000_000)}`,
    'objects in objects without end': `{"rows":${'{"a":'.repeat(1_500_000)}`,
    'arrays in arrays that do end': `{"rows":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    'a sampling heap profile of a deep recursion': `{"head":${'{"id":1,"children":['.repeat(500)}${']}'.repeat(500)},"samples":[]}`,
    'a key without end': `{"${'key'.repeat(500_000)}`,
    'a text without end': `{"text":"${'text'.repeat(500_000)}`,
    'digits without end': `{"number":${'1'.repeat(2_000_000)}`,
    'blanks without end': `{"number":${' '.repeat(2_000_000)}`,
    'a snapshot of another kind, nested deep': `{"snapshot":{"meta":${'['.repeat(100_000)}`,
    'a snapshot of another kind with a long text': `{"snapshot":{"meta":"${'text'.repeat(500_000)}`,
    'a snapshot of another kind with a long number': `{"snapshot":{"meta":${'1'.repeat(2_000_000)}`,
    'a snapshot of another kind that has a meta': '{"snapshot":{"meta":{"name":"vm-7","size":3}},"nodes":[]}',
    'JSON of another kind, packed with gzip': gzipSync('{"name":"faultline"}'),
    'what only begins like gzip': Uint8Array.from([0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8]),
    'gzip in gzip': gzipSync(gzipSync(textOf(randomSnapshot(5, 10)))),
    'a zero byte': '\0',
  };
  for (const [what, content] of Object.entries(others)) {
    it(`is called not a snapshot: ${what}`, async () => {
      const error = await errorOfReading(fileOf(content));
      expect(error?.code, REPEAT).toBe('ERR_SNAPSHOT_NOT_A_SNAPSHOT');
      expect(error?.message).toMatch(/is not a heap snapshot: .+\. Give a \.heapsnapshot file/);
    });
  }

  it('is a directory', async () => {
    expect((await errorOfReading(scratchFolder))?.message).toContain('is not a heap snapshot: it is a directory');
  });

  it('is named by the key that it begins with, not by a later one', async () => {
    expect((await errorOfReading(fileOf('{"first":1,"second":2,"third":3')))?.message).toContain('it begins with the key "first"');
  });

  it('takes no memory for its depth, its keys or its numbers', async () => {
    const path = join(scratchFolder, 'endless.json');
    const reader = join(projectFolder(), 'dist/cli/snapshot/read-snapshot.js');
    for (const [head, unit] of [
      ['{"a":', '['],
      ['{"', 'k'],
      ['{"a":', '7'],
    ] as const) {
      writeFileSync(path, head + unit.repeat(150e6));
      const program = `
        const { readSnapshot } = await import(${JSON.stringify(reader)});
        const before = process.resourceUsage().maxRSS;
        const code = await readSnapshot(${JSON.stringify(path)}).then(() => 'read', (error) => error.code);
        console.log(JSON.stringify({ code, grownKb: process.resourceUsage().maxRSS - before }));`;
      const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
      const { code, grownKb } = JSON.parse(output) as { code: string; grownKb: number };
      expect([head, unit, code]).toEqual([head, unit, 'ERR_SNAPSHOT_NOT_A_SNAPSHOT']);
      // The text has 150 MB.
      expect(grownKb).toBeLessThan(100 * 1024);
    }
    rmSync(path);
  });

  it('is not there', async () => {
    const path = `${scratchFolder}/none.heapsnapshot`;
    const error = await errorOfReading(path);
    expect(error?.code).toBe('ERR_SNAPSHOT_NOT_FOUND');
    expect(error?.message).toContain(path);
    expect(await codeOfReading(`${fileOf('{}')}/below-a-file`)).toBe('ERR_SNAPSHOT_NOT_FOUND');
  });

  it('can be opened but not read', async () => {
    const error = await errorOfReading('/proc/self/mem');
    expect(error).toMatchObject({ code: 'ERR_SNAPSHOT_NOT_FOUND', errno: 5, syscall: 'read' });
    expect(error?.message).toContain('/proc/self/mem cannot be read');
  });

  // The superuser may read everything.
  it.skipIf(process.getuid?.() === 0)('may not be read', async () => {
    const path = fileOf('{}');
    chmodSync(path, 0);
    expect(await codeOfReading(path)).toBe('ERR_SNAPSHOT_NOT_FOUND');
  });
});
