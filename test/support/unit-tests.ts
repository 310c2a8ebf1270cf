/** The tests that need no build, because they import only sources; test/projects.test.ts checks that. */
export const UNIT_TESTS: readonly string[] = [
  'test/bench/collector-cost.test.ts',
  'test/bench/peers-logs.test.ts',
  'test/bench/statistics.test.ts',
  'test/bench/workloads.test.ts',
  'test/cli/object-layout.test.ts',
  'test/cli/progress.test.ts',
  'test/gc/director.test.ts',
  'test/gc/fault-mode-choice.test.ts',
  'test/gc/precleaning.test.ts',
  'test/gc/refusal-reasons.test.ts',
  'test/gc/region-choice.test.ts',
  'test/gc/sizing.test.ts',
  'test/model/thread-states.test.ts',
  'test/pages/abi.test.ts',
  'test/projects.test.ts',
  'test/tidy.test.ts',
];
