/** An instance of the function app: the built functions behind the local queue trigger. `fire` by IPC fires the purge's timer. */
import { fileURLToPath } from 'node:url';
import { loadFunctions } from '../../dev/functionsWorker.ts';
import { startQueueListener } from '../../dev/queueListener.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const worker = await loadFunctions(root, (name, level, message) => {
  if (/warn|error/i.test(level)) console.error(`${level} ${name} ${message}`);
});
const timer = {
  schedule: { adjustForDST: true },
  scheduleStatus: { last: '', next: '', lastUpdated: '' },
  isPastDue: false,
};
process.on('message', (name) => {
  if (name === 'fire') worker.invoke('purgeExpiredEntries', timer).then(() => process.send?.('fired'));
});
// A bench that died must leave no worker behind.
process.once('disconnect', () => process.exit(1));
await startQueueListener(worker, {
  connectionString: process.env.AzureWebJobsStorage ?? '',
  root,
  maxPollMs: 500,
  // The real host keeps the message of an instance that died back for up to ten minutes.
  hiddenSeconds: 10,
});
process.send?.('ready');
