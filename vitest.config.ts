/**
 * Seven projects, by what their tests need and what a change makes you want to run (`--project NAME`; test:quick takes unit, heap and the
 * native tests whose executables changed):
 *
 *     unit       sources alone: tables, formulas, models, the rules of CONTRIBUTING
 *     tools      the compiler's (*.test-d.ts say what must compile and what must not), the linter's and knip's complaints
 *     heap       the library in this process: the built addon and dist/
 *     wide       the same in its whole breadth: every operation with every argument, in every state, cut everywhere; many threads
 *     process    programs: threads and processes that end, the command, the package, the examples, limits
 *     native     the executables of native/test, three at a time; clang-tidy in the long form
 *     bench      the benchmarks and their harness
 *
 * Each test file gets its own process: the addon keeps process-wide state (a signal handler, native threads), and a file that
 * crashes must not take another one's results along. Three at a time, because most files start several threads themselves.
 */
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { UNIT_TESTS } from './test/support/unit-tests.ts';

const UNIT = [...UNIT_TESTS];
const TOOLS = ['test/tools.test.ts'];
const WIDE = [
  'test/integrity/**/*.test.ts',
  'test/containers/{caches,linearizability,map-changes,maps,sorted-maps,threads}.test.ts',
  'test/gc/{control-thread,pacing,several-heaps}.test.ts',
  'test/heap/{allocation,ephemeron-chains,pins,snapshot-files,snapshots,weak-structures}.test.ts',
  'test/model/page-states.test.ts',
  'test/objects/{checked,elements,inspection,random,tagged-and-weak}.test.ts',
];
const NATIVE = ['test/native.test.ts', 'test/clang-tidy.test.ts'];
const PROCESS = ['test/{cli,docs,limits,package,process,soak}/**/*.test.ts'];
const BENCH = ['test/bench/**/*.test.ts'];

/** What a project needs is built before its first test. `order`: projects of one number run side by side. */
function project(name: string, order: number, include: string[], exclude: string[]): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name,
      include,
      exclude,
      globalSetup: name === 'unit' ? [] : ['test/support/build.ts'],
      sequence: { groupOrder: order },
      maxConcurrency: name === 'native' ? 3 : name === 'tools' ? 2 : 5,
    },
  };
}

export default defineConfig({
  test: {
    pool: 'forks',
    // Two on each pair of CPUs would leave them idle where tests wait for time to pass.
    maxWorkers: 3,
    // What hangs is found out all the same, and a busy machine is no reason to fail.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    // A file whose tests are all about other modes is empty then.
    passWithNoTests: process.env['FAULTLINE_MODES'] !== undefined,
    projects: [
      project('unit', 0, UNIT, []),
      project('tools', 0, TOOLS, []),
      project('heap', 0, ['test/**/*.test.ts'], [...UNIT, ...TOOLS, ...WIDE, ...NATIVE, ...PROCESS, ...BENCH]),
      project('wide', 0, WIDE, UNIT),
      project('process', 0, PROCESS, UNIT),
      project('bench', 0, BENCH, UNIT),
      project('native', 1, NATIVE, []),
    ],
  },
});
