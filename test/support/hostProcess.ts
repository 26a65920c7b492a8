/** A child process of the HTTP tests: the built functions behind the local host, until standard input ends. */
import { startHost } from '../../local/functionsHost.ts';
import { loadFunctions } from '../../local/functionsWorker.ts';
import { startQueueListener } from '../../local/queueListener.ts';
import { root } from './childProcess.ts';

const worker = await loadFunctions(root.replace(/\/$/, ''), (name, level, message) =>
  console.error(`${level} ${name} ${message}`),
);
const host = await startHost(worker, { port: 0, timers: false });
const { AzureWebJobsStorage: connectionString, TEST_QUEUE: queues } = process.env;
// As the host's, but for the wait after a failed try, which a test need not sit through.
const listener =
  queues && connectionString
    ? await startQueueListener(worker, { connectionString, root, maxPollMs: 200, retryAfterMs: 1_000 })
    : undefined;
console.log(JSON.stringify({ url: host.url, functionKey: host.functionKey, masterKey: host.masterKey }));
process.stdin.on('end', async () => {
  await Promise.all([host.stop(), listener?.stop()]);
  process.exit(0);
});
process.stdin.resume();
