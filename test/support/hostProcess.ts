/** A child process of the tests: the functions of a folder behind the local host, until standard input ends. */
import { resolve } from 'node:path';
import { startHost } from '../../dev/functionsHost.ts';
import { loadFunctions } from '../../dev/functionsWorker.ts';
import { startQueueListener } from '../../dev/queueListener.ts';
import { packageFolder, root } from './childProcess.ts';

const [folder = packageFolder, workerAge = 'new'] = process.argv.slice(2);
const worker = await loadFunctions(
  resolve(root, folder),
  (name, level, message) => console.error(`${level} ${name} ${message}`),
  { logHooks: workerAge === 'new' },
);
const host = await startHost(worker, { port: 0, timers: false });
const { AzureWebJobsStorage: connectionString, TEST_QUEUE: queues } = process.env;
// As the host's, but for the waits, after a failed try and after a death, which a test need not sit through.
const waits = { maxPollMs: 200, retryAfterMs: 200, hiddenSeconds: 4 };
const listener =
  queues && connectionString ? await startQueueListener(worker, { connectionString, root, ...waits }) : undefined;
console.log(JSON.stringify({ url: host.url, functionKey: host.functionKey, masterKey: host.masterKey }));
process.stdin.on('end', async () => {
  await Promise.all([host.stop(), listener?.stop()]);
  process.exit(0);
});
process.stdin.resume();
