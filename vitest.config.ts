import { existsSync } from 'node:fs';
import { configDefaults, defineConfig } from 'vitest/config';
import { compileCache } from './test/support/childProcess.ts';
import SlowFirst from './test/support/slowFirst.ts';

if (!existsSync(new URL('node_modules/token-cache-maintenance-test', import.meta.url)))
  throw new Error('The packages that the tests need are not installed: npm run setup');

// Each file loads the same packages in a process of its own: V8 need not compile them each time.
process.env.NODE_COMPILE_CACHE ??= compileCache;

const unit = 'test/unit/**/*.test.ts';
export default defineConfig({
  test: {
    projects: [
      // What needs neither a server nor a build. No file has a state of its own: they share what they load.
      { extends: true, test: { name: 'unit', include: [unit], isolate: false } },
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
    sequence: { sequencer: SlowFirst },
    reporters: ['default', './test/support/countsReporter.ts'],
    // Real servers and child processes: a bound against hanging, not a statement about speed.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // Five workers on two cores: most of them wait, for a timeout, a failover, a lock or a server that starts.
    maxWorkers: 5,
  },
});
