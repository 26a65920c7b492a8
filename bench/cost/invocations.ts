/** A child process of the cost bench and the everyday bench: the packaged functions; for each name on a line of standard input, that timer's invocation. */
import { createInterface } from 'node:readline';
import { loadFunctions } from '../../dev/functionsWorker.ts';
import { now } from '../children.ts';

const [folder = ''] = process.argv.slice(2);
const worker = await loadFunctions(folder, () => undefined);
const timer = {
  schedule: { adjustForDST: true },
  scheduleStatus: { last: '', next: '', lastUpdated: '' },
  isPastDue: false,
};
for await (const name of createInterface({ input: process.stdin })) {
  const cpu = process.cpuUsage();
  const from = now();
  await worker.invoke(name, timer);
  const to = now();
  const { user, system } = process.cpuUsage(cpu);
  const cost = { ms: to - from, bytes: process.memoryUsage.rss(), from, to, cpuMs: (user + system) / 1_000 };
  console.log(JSON.stringify({ cost }));
}
await worker.terminate();
process.exit(0);
