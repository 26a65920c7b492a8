/** A child process of the tests: the functions of a folder behind the local host, until standard input ends. */
import { resolve } from 'node:path';
import { startHost } from '../../local/functionsHost.ts';
import { loadFunctions } from '../../local/functionsWorker.ts';
import { packageFolder, root } from './childProcess.ts';

const [folder = packageFolder, workerAge = 'new'] = process.argv.slice(2);
const worker = await loadFunctions(
  resolve(root, folder),
  (name, level, message) => console.error(`${level} ${name} ${message}`),
  { logHooks: workerAge === 'new' },
);
const host = await startHost(worker, { port: 0, timers: false });
console.log(JSON.stringify({ url: host.url, functionKey: host.functionKey, masterKey: host.masterKey }));
process.stdin.on('end', async () => {
  await host.stop();
  process.exit(0);
});
process.stdin.resume();
