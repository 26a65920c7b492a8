import { configDefaults, defineConfig } from 'vitest/config';

const unit = 'test/unit/**/*.test.ts';

export default defineConfig({
  test: {
    projects: [
      // What needs neither a server nor a build.
      { extends: true, test: { name: 'unit', include: [unit] } },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, unit],
          globalSetup: ['test/support/globalSetup.ts', 'test/support/buildFunctions.ts'],
        },
      },
    ],
    reporters: ['default', './test/support/countsReporter.ts'],
    // Real servers and child processes: a bound against hanging, not a statement about speed.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // Two workers on two cores; more would only make the databases wait.
    maxWorkers: 2,
  },
});
