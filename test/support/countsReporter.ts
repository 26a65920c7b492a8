import { mkdirSync, writeFileSync } from 'node:fs';
import type { Reporter } from 'vitest/node';

/**
 * Writes the counts that `.ci/run` closes with. Everything that fails the run counts as failed: beside tests also errors
 * outside of them, those of a file and of its hooks, and those that nobody handled.
 */
export default class CountsReporter implements Reporter {
  onTestRunEnd: NonNullable<Reporter['onTestRunEnd']> = (modules, unhandledErrors) => {
    const tests = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
    const errors = modules.flatMap((module) => [
      ...module.errors(),
      ...[...module.children.allSuites()].flatMap((suite) => suite.errors()),
    ]);
    const count = (...states: string[]) => tests.filter((state) => states.includes(state)).length;
    const counts = {
      passed: count('passed'),
      // One that is pending was cut off, with its worker.
      failed: count('failed', 'pending') + errors.length + unhandledErrors.length,
      skipped: count('skipped'),
    };
    mkdirSync('test-results', { recursive: true });
    writeFileSync('test-results/counts.json', JSON.stringify(counts));
  };
}
