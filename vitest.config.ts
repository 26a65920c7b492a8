import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/globalSetup.ts', 'test/support/buildFunctions.ts'],
    reporters: ['default', ['json', { outputFile: 'test-results/results.json' }]],
    // Real servers and child processes: a bound against hanging, not a statement about speed.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // Two workers on two cores; more would only make the databases wait.
    maxWorkers: 2,
  },
});
