/**
 * Each test file gets its own process: the addon keeps process-wide state (a signal handler, native threads), and a file that
 * crashes must not take another one's results along. Two at a time, because most files start several threads themselves.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Types are tested too: what must not compile does not.
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], tsconfig: './test/tsconfig.json' },
    pool: 'forks',
    maxWorkers: 2,
    // What hangs is found out all the same, and a busy machine is no reason to fail.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
});
