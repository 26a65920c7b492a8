/** `npm start`: the main job on real data, end to end; then the deployed functions, served on this machine. */
import { once } from 'node:events';
import { buildFunctions } from './build.ts';
import { checkPort } from './checkPort.ts';
import { startPostgres } from './embeddedPostgres.ts';
import { firstRun } from './firstRun.ts';
import { printAddresses } from './printAddresses.ts';
import { serve } from './serve.ts';
import { startServices } from './services.ts';
import { startSignIns } from './signIns.ts';
import { readStartArguments } from './startArguments.ts';
import { onStopSignal } from './stopSignal.ts';
import { together } from './together.ts';

const { entries, once: onlyOnce, port, scenario } = readStartArguments();
const stop = new AbortController();
onStopSignal(() => stop.abort());
try {
  await (onlyOnce ? runOnce() : runAndServe());
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
  // Servers and folders that are still there go when the process exits.
  process.exit(130);
}
process.exit(0);

async function runOnce(): Promise<void> {
  console.error('Starting an embedded PostgreSQL …');
  const postgres = await startPostgres();
  await postgres.createDatabase('cache');
  await firstRun(postgres.url('cache'), entries, stop.signal);
  await postgres.stop();
}

async function runAndServe(): Promise<void> {
  await checkPort(port);
  console.error('Starting PostgreSQL, Azurite and, where it is installed, Redis …');
  const choice = { sqlCache: true, redisCache: true, keyRing: true };
  const [services] = await together([startServices(choice, scenario?.redisMemory), buildFunctions()]);
  for (const note of services.notes) console.error(note);
  if (services.sqlCache) await firstRun(services.sqlCache, entries, stop.signal, services.key);
  stop.signal.throwIfAborted();
  const broken = { ...scenario?.settings, ...(await scenario?.prepare?.(services)) };
  const onFailure = (message: string) => console.error(`A sign-in failed: ${message}`);
  const signIns = startSignIns(services, onFailure, scenario);
  const host = await serve({ ...services.settings, ...broken }, port, scenario?.deadTimer);
  printAddresses(host, scenario);
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
  console.error('\nStopping …');
  await Promise.all([signIns.stop(), host.stop()]);
  await services.stop();
}
