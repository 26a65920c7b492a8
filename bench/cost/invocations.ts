/** A child process of the cost bench: the packaged functions; for each name on a line of standard input, that timer's invocation. */
import { createInterface } from 'node:readline';
import { loadFunctions } from '../../dev/functionsWorker.ts';

const [folder = ''] = process.argv.slice(2);
const worker = await loadFunctions(folder, () => undefined);
const timer = {
  schedule: { adjustForDST: true },
  scheduleStatus: { last: '', next: '', lastUpdated: '' },
  isPastDue: false,
};
for await (const name of createInterface({ input: process.stdin })) {
  const start = performance.now();
  await worker.invoke(name, timer);
  const ms = performance.now() - start;
  console.log(JSON.stringify({ cost: { ms, bytes: process.memoryUsage.rss() } }));
}
await worker.terminate();
process.exit(0);
