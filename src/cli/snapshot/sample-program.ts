/**
 * A separate program, started by default-snapshot.ts: it loads packages, builds a model of the source texts of the dependency tree until it
 * holds about as many bytes as requested, and writes a heap snapshot of itself.
 *
 * Its size comes from data and not from loaded code, because for every function in a snapshot Node 20 looks up a source position, which is
 * slow in one huge script. A process that had loaded the TypeScript compiler (a script of 9 MB) and held a few syntax trees had not
 * finished its snapshot after ten minutes. The packages that are loaded here consist of small files.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { argv, stdout } from 'node:process';
import { writeHeapSnapshot } from 'node:v8';

import type { Package } from './dependency-tree.ts';
import { SyntaxModel } from './syntax-model.ts';

export interface SampleOrder {
  readonly output: string;
  readonly liveBytes: number;
  readonly packages: readonly Package[];
}

/** Written to stdout as JSON. */
export interface SampleReport {
  readonly packagesLoaded: number;
  readonly texts: number;
  readonly tokens: number;
  readonly modelMs: number;
  readonly snapshotMs: number;
}

/** The packages of the tree that are libraries in small files and do nothing when loaded. Those that are installed are loaded. */
const LIBRARIES = new Set([
  ...['cli-table3', 'commander', 'piscina', 'stream-json', 'stream-chain', 'string-width', 'emoji-regex', 'node-addon-api'],
  ...['chai', 'entities', 'fast-check', 'linkify-it', 'lunr', 'magic-string', 'markdown-it', 'minimatch', 'picomatch', 'yaml'],
]);

/** Bytes of live heap per token: the token, its place in two lists, its share of names and groups. Measured. */
const BYTES_PER_TOKEN = 90;

/** What a Node process that has loaded the libraries holds before the first token. Measured. */
const BYTES_WITHOUT_TOKENS = 10e6;

const TEXT_ENDINGS = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.h']);

/** Larger texts are bundles: one of them would be half of the graph. */
const LARGEST_TEXT_BYTES = 256 * 1024;

class Sample {
  readonly modules = new Map<string, unknown>();
  readonly manifests = new Map<string, unknown>();
  readonly model = new SyntaxModel();

  async load(packages: readonly Package[]): Promise<void> {
    for (const { name, folder } of packages) {
      this.manifests.set(name, JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
      if (!LIBRARIES.has(name) || this.modules.has(name)) continue;
      // A package that cannot be loaded here (one nested too deep, one for another system) leaves the sample a little smaller.
      const module: unknown = await import(name).catch(() => undefined);
      if (module !== undefined) this.modules.set(name, module);
    }
  }

  /** Adds texts until the model has `tokens`; when all have been added, begins again from the first, as if they were other texts. */
  build(packages: readonly Package[], tokens: number): void {
    for (let round = 1; this.model.size < tokens; round++) {
      const before = this.model.size;
      for (const path of textsOf(packages)) {
        if (this.model.size >= tokens) return;
        this.model.add(round === 1 ? path : `${path} (${round})`, readFileSync(path, 'utf8'));
      }
      if (this.model.size === before) return;
    }
  }
}

function* textsOf(packages: readonly Package[]): Generator<string> {
  for (const { folder } of packages) yield* textsIn(folder);
}

function* textsIn(folder: string): Generator<string> {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* textsIn(path);
    else if (entry.isFile() && TEXT_ENDINGS.has(extname(path)) && statSync(path).size <= LARGEST_TEXT_BYTES) yield path;
  }
}

const order = JSON.parse(argv[2] ?? '') as SampleOrder;
const sample = new Sample();
const start = performance.now();
await sample.load(order.packages);
sample.build(order.packages, (order.liveBytes - BYTES_WITHOUT_TOKENS) / BYTES_PER_TOKEN);
const built = performance.now();
writeHeapSnapshot(order.output);
const report: SampleReport = {
  packagesLoaded: sample.modules.size,
  texts: sample.model.texts.length,
  tokens: sample.model.size,
  modelMs: Math.round(built - start),
  snapshotMs: Math.round(performance.now() - built),
};
stdout.write(JSON.stringify(report));
// The loaded packages may keep timers or threads; the snapshot is written, so end.
process.exit(0);
