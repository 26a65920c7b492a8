/** A child process of the functions' tests: loads the packaged functions, runs the named timers, prints what came of it as JSON. */
import { join } from 'node:path';
import { loadFunctions } from '../../dev/functionsWorker.ts';
import { packageFolder, root } from './childProcess.ts';

const logs: { name: string; level: string; message: string }[] = [];
const worker = await loadFunctions(join(root, packageFolder), (name, level, message) =>
  logs.push({ name, level, message }),
);
const timer = {
  schedule: { adjustForDST: true },
  scheduleStatus: { last: '', next: '', lastUpdated: '' },
  isPastDue: false,
};
const results: Record<string, string> = {};
for (const name of process.argv.slice(2)) {
  results[name] = await worker.invoke(name, timer).then(
    () => 'ok',
    (error: Error) => error.message,
  );
}
const registrations = Object.fromEntries(
  [...worker.registrations].map(([name, { bindings }]) => [name, Object.values(bindings)]),
);
console.log(JSON.stringify({ registrations, results, logs }));
