/**
 * The library's own threads: what they do not get of the program's, and what happens where they cannot start.
 */
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controlFailure, noCollector } from '../../src/gc/control-failure.ts';
import { addonRefusal, unreadable } from '../../src/platform.ts';
import { type Ending, runProgram, runProgramFile, workerFile } from '../support/children.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PERMISSION = Number(process.versions.node.split('.')[0]) >= 23 ? '--permission' : '--experimental-permission';
/** A claim of which nothing is known lasts twice as long (native/node/control_start.h). */
const HALF_OF_UNKNOWN_MS = 10_000;
const MISSING = 'ERR_COLLECTOR_MISSING';

async function output(name: string, args: readonly (string | number)[], flags: readonly string[] = []): Promise<string[]> {
  return lines(await runProgram(name, args, { flags: ['--no-warnings', ...flags] }));
}

async function outputOf(path: string, flags: readonly string[] = []): Promise<string[]> {
  return lines(await runProgramFile(path, [], { flags: ['--no-warnings', ...flags] }));
}

function lines(child: Ending): string[] {
  expect(child, `${child.stdout}\n${child.stderr}`).toMatchObject({ hung: false, signal: null, code: 0 });
  return child.stdout.trim().split('\n');
}

describe("the library's own threads", () => {
  const preload = workerFile('makes-a-heap').href;

  it('do not run what the program preloads, by option or by NODE_OPTIONS', async () => {
    expect(await output('makes-a-heap', [1], ['--import', preload])).toEqual(['runs', 'closed']);
    const launcher = `process.env.NODE_OPTIONS = '--import ${preload}'; await import('${preload}')`;
    expect(await output('makes-a-heap', [1], ['--import', `data:text/javascript,${encodeURIComponent(launcher)}`])).toEqual([
      'runs',
      'closed',
    ]);
  });

  it('need no code generation from strings', async () => {
    expect(await output('makes-a-heap', [40], ['--disallow-code-generation-from-strings'])).toEqual(['runs', 'closed']);
  });
});

describe('a thread of ours whose start a time limit cuts', () => {
  it('keeps no event loop alive', async () => {
    const [said] = await output('cut-own-thread', ['setInterval(() => {}, 1e6)', 0]);
    const { cuts, errors } = JSON.parse(said!) as Record<string, number>;
    // The last of them is behind the start.
    expect(cuts).toBeGreaterThan(0);
    expect(errors).toBe(0);
  });

  it('fails like any other: its parent hears of it', async () => {
    const [said] = await output('cut-own-thread', ['throw new Error("on purpose")', 2]);
    expect(JSON.parse(said!)).toMatchObject({ errors: 2 });
  });

  it('is left to a thread that no time limit cuts: one that turns its event loop', async () => {
    expect(await output('control-by-others', [])).toEqual(['["main","collected"]']);
  });

  it('is tried again by whoever was cut, without a long pause', async () => {
    const child = await runProgram('cut-claim', [], { limitMs: HALF_OF_UNKNOWN_MS });
    const [first, second] = JSON.parse(lines(child)[0]!) as number[];
    expect(second).toBe(first! + 1);
  });
});

describe('a package without the files of its threads', () => {
  let folder: string;
  let dist: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'faultline-incomplete-'));
    dist = join(folder, 'dist');
    cpSync(join(ROOT, 'dist'), dist, { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
    mkdirSync(join(folder, 'build'));
    symlinkSync(join(ROOT, 'build/Release'), join(folder, 'build/Release'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['has no entry of the control thread', () => rmSync(join(dist, 'gc/control-thread.js')), /control-thread\.js is missing.*bundle/],
    ['lacks a module that the control thread needs', () => rmSync(join(dist, 'gc/pacing.js')), /pacing\.js.*bundle/],
    [
      'has a control thread that always fails',
      () => writeFileSync(join(dist, 'gc/control.js'), 'throw new Error("on purpose")'),
      /error \(on purpose\)/,
    ],
    [
      'has a control thread that fails in each collection',
      () =>
        appendFileSync(
          join(dist, 'gc/collector.js'),
          '\nCollector.prototype.wake = async () => { throw new Error("in control") };' +
            'Collector.prototype.verify = Collector.prototype.copyGraph = Collector.prototype.wake;',
        ),
      /error \(in control\)/,
    ],
    [
      'has a control thread that ends without a word',
      () => writeFileSync(join(dist, 'gc/control-thread.js'), 'process.exit(3)'),
      /before it could say why/,
    ],
  ])('tells everybody who waits, when it %s', async (_, damage, sentence) => {
    damage();
    const said = (await output('without-collector', [join(dist, 'index.js')])).filter((line) => !line.startsWith('warning'));
    const waits = JSON.parse(said[0]!) as Record<string, string>;
    expect(waits).toEqual({
      fill: MISSING,
      'fill here': MISSING,
      collect: MISSING,
      'collect in a mutator': MISSING,
      verify: MISSING,
      writeSnapshot: expect.stringMatching(/^ERR_(COLLECTOR_MISSING|SNAPSHOT_WRITE)$/),
    });
    expect(said[1]).toMatch(sentence);
    expect(said[2]).toMatch(sentence);
    expect(said.at(-1)).toBe('ends');
  });

  it('warns once a process that the collector cannot go on, however many threads and heaps come to it', async () => {
    writeFileSync(join(dist, 'gc/control.js'), 'throw new Error("on purpose")');
    const program = `import { isMainThread, Worker } from 'node:worker_threads';
      import { once } from 'node:events';
      import { Heap } from ${JSON.stringify(join(dist, 'index.js'))};
      const codes = [];
      for (let i = 0; i < 2; i++) await Heap.create({ capacityBytes: '1M', workers: 0 }).collect().catch(({ code }) => codes.push(code));
      if (isMainThread) {
        await once(new Worker(new URL(import.meta.url)), 'exit');
      }
      console.log(codes.join());
      await new Promise((resolve) => setTimeout(resolve, 100)); // A warning is emitted in a later turn.`;
    writeFileSync(join(folder, 'program.mjs'), program);
    const child = await runProgramFile(join(folder, 'program.mjs'), []);
    expect(lines(child).filter((line) => line === `${MISSING},${MISSING}`)).toHaveLength(2);
    expect(child.stderr.match(/cannot go on/g)).toHaveLength(1);
  });

  it('says the same of a missing entry to who turns the event loop and to who does not', async () => {
    rmSync(join(dist, 'gc/control-thread.js'));
    const program = `import { Heap } from ${JSON.stringify(join(dist, 'index.js'))};
      const told = new Promise((resolve) => process.once('warning', resolve));
      const heaps = [0, 1].map(() => Heap.create({ capacityBytes: '1M', workers: 0 }));
      const waiting = setInterval(() => {}, 1000); // The library's threads keep no process alive.
      const { message } = await told;
      clearInterval(waiting);
      try { heaps[1].attachMutator().collect(); } catch (error) { console.log(error.message.split('started: ')[1] === message.split('go on: ')[1].replace(/ The next thread.*/, '')); }
      await new Promise((resolve) => setTimeout(resolve, 100));`;
    writeFileSync(join(folder, 'program.mjs'), program);
    const child = await runProgramFile(join(folder, 'program.mjs'), []);
    expect(lines(child)).toEqual(['true']);
    expect(child.stderr.match(/cannot go on/g)).toHaveLength(1);
  });

  it('collects with the control thread alone where there are no GC workers, and says so once', async () => {
    rmSync(join(dist, 'gc/worker.js'));
    const program = `import { Heap } from ${JSON.stringify(join(dist, 'index.js'))};
      const heap = Heap.create({ capacityBytes: '4M', workers: 2 });
      const degraded = [];
      heap.on('degraded', ({ message }) => degraded.push(message));
      for (let i = 0; i < 6; i++) { await heap.collect(); await new Promise((resolve) => setTimeout(resolve, 100)); }
      await heap.close();
      console.log(JSON.stringify(degraded));`;
    writeFileSync(join(folder, 'program.mjs'), program);
    const [line] = await outputOf(join(folder, 'program.mjs'));
    expect(JSON.parse(line!)).toEqual([expect.stringMatching(/^GC workers cannot be started \(.*worker\.js/)]);
  });
});

describe('where threads are forbidden', () => {
  const reading = ['--allow-fs-read=*', '--allow-fs-write=*'];

  it('Heap.create names the flag of the permission model that is missing', async () => {
    const withoutWorkers = await output('makes-a-heap', [1], [PERMISSION, ...reading, '--allow-addons']);
    expect(withoutWorkers[1]).toMatch(/^ERR_COLLECTOR_MISSING: .*--allow-worker\.$/);
    const withoutAddons = await output('makes-a-heap', [1], [PERMISSION, ...reading, '--allow-worker']);
    expect(withoutAddons[1]).toMatch(/^ERR_ADDON_MISSING: .*--allow-addons/);
    const withoutEither = await output('makes-a-heap', [1], ['--no-addons']);
    expect(withoutEither[1]).toMatch(/^ERR_ADDON_MISSING: .*--no-addons/);
    expect(await output('makes-a-heap', [1], [PERMISSION, ...reading, '--allow-worker', '--allow-addons'])).toContain('closed');
  });

  it('views say that they need code generation', async () => {
    const program = `import { Heap } from ${JSON.stringify(join(ROOT, 'dist/index.js'))};
      const heap = Heap.create({ capacityBytes: '4M' }); const mutator = heap.attachMutator();
      const shape = heap.defineShape({ name: 'a', fields: { x: 'f64' } });
      mutator.allocate(shape);
      try { heap.create(shape); } catch (error) { console.log(error.name, error.code); }
      await heap.close();`;
    const folder = mkdtempSync(join(tmpdir(), 'faultline-strict-'));
    writeFileSync(join(folder, 'program.mjs'), program);
    expect(await outputOf(join(folder, 'program.mjs'), ['--disallow-code-generation-from-strings'])).toEqual([
      'HeapError ERR_CODE_GENERATION',
    ]);
    rmSync(folder, { recursive: true });
  });
});

describe('the sentence about a control thread that cannot start', () => {
  it.each([
    [{ code: 'ERR_ACCESS_DENIED', message: 'denied', permission: 'WorkerThreads' }, {}, true, /--allow-worker$/],
    [{ code: 'ERR_ACCESS_DENIED', message: 'denied', permission: 'FileSystemRead' }, {}, true, /--allow-fs-read/],
    [{ code: 'ERR_DLOPEN_DISABLED', message: 'no' }, {}, true, /--allow-addons$/],
    [{ code: 'ERR_MODULE_NOT_FOUND', message: "Cannot find module 'x'\nimported from y" }, {}, true, /^Cannot find module 'x'; .*external/],
    [
      { code: 'MODULE_NOT_FOUND', message: "Cannot find module '/a/x.js'\nRequire stack: none" },
      {},
      true,
      /^\/a\/x\.js is missing; .*external/,
    ],
    [{ code: 'ERR_WORKER_INIT_FAILED', message: 'Worker initialization failure: EAGAIN' }, {}, false, /EAGAIN.*ulimit -u/],
    [{ code: 'ERR_WORKER_OUT_OF_MEMORY', message: 'limit' }, {}, false, /--max-old-space-size/],
    [{ message: 'Not implemented' }, { deno: '2.1.0' }, true, /^this is Deno \(Not implemented\).*with Node$/],
  ])('of %o has a remedy', (error, runtime, final, sentence) => {
    const failure = controlFailure(error, runtime);
    expect(failure.final).toBe(final);
    expect(failure.reason).toMatch(sentence);
    expect(noCollector(failure.reason).message).toContain(failure.reason);
  });

  it('of an addon tells a forbidden one from one that does not fit', () => {
    const model = { has: (_: string, file?: string) => file === '/readable' };
    expect(addonRefusal({ name: 'Error', code: 'ERR_DLOPEN_DISABLED', message: '' }, model)).toContain('--allow-addons');
    expect(addonRefusal({ name: 'Error', code: 'ERR_DLOPEN_DISABLED', message: '' }, undefined)).toContain('--no-addons');
    expect(addonRefusal({ name: 'Error', code: 'ERR_DLOPEN_FAILED', message: 'wrong ELF class\nmore' })).toMatch(
      /^wrong ELF class\. Build it/,
    );
    expect(unreadable(['/a', '/b'], model)).toContain('--allow-fs-read');
    expect(unreadable(['/a', '/readable'], model)).toBeUndefined();
    expect(unreadable(['/a'], undefined)).toBeUndefined();
  });
});
