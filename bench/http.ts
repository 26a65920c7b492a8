/**
 * `npm run bench:http`: what requests to /api/health and /api/status cost a purge, and what they wait for beside it. Purges
 * of copies of the same data take turns: alone, beside an on-call team, beside as many requests as are answered. The figures
 * go to stdout as Markdown; a bench is not a test, so it exits 0.
 */
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { startAzurite } from '../dev/azurite.ts';
import { startPostgres } from '../dev/embeddedPostgres.ts';
import { onStopSignal } from '../dev/stopSignal.ts';
import { numberText } from '../src/lib/sql/summaries.ts';
import { type FunctionsApp, startFunctionsApp } from '../test/support/functionsApp.ts';
import { Databases } from './databases.ts';
import { readHttpArguments } from './httpArguments.ts';
import { kinds, type Round, targetsOf } from './httpKinds.ts';
import { beginLoad } from './httpLoad.ts';
import { printHttpFigures } from './httpSummary.ts';
import { cpuTimes, serverFlags } from './machine.ts';
import { writeHistory } from './runHistory.ts';
import { table } from './ways.ts';

const { entries, rounds } = readHttpArguments();
const stop = new AbortController();
onStopSignal(() => stop.abort());
const warmUpMs = 2_000;

say('Starting PostgreSQL and Azurite …');
const [postgres, storage] = await Promise.all([startPostgres(serverFlags), startAzurite()]);
const databases = new Databases(postgres);
let app: FunctionsApp | undefined;
try {
  say(`Seeding ${numberText(entries)} entries …`);
  await databases.seedTemplate(entries, false, stop.signal);
  app = await startFunctionsApp({
    TOKEN_CACHE_CONNECTION_STRING: databases.copyUrl,
    TOKEN_CACHE_TABLE: table,
    AzureWebJobsStorage: storage.connectionString,
    ...Object.fromEntries(['PURGE', 'INDEX', 'COUNTS', 'REDIS'].map((name) => [`SCHEDULE_${name}`, '0 0 0 1 1 *'])),
  });
  await prepare(app);
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // Each kind comes first in turn: a machine grows slower or faster in the course of a bench.
    for (let turn = 0; turn < kinds.length; turn += 1) {
      const kind = kinds[(round + turn) % kinds.length] ?? 'alone';
      const figures = await measure(app, kind, round);
      say(`  round ${round + 1} of ${rounds}, ${kind}: ${numberText(Math.round(figures.rowsPerSecond))} rows/s`);
      measured.push(figures);
    }
  }
  console.log(printHttpFigures(measured, { entries, rounds, load: loadavg()[1] ?? Number.NaN }));
} catch (error) {
  if (!stop.signal.aborted) throw error;
  process.exitCode = 130;
} finally {
  await app?.stop();
  await Promise.all([postgres.stop(), storage.stop()]);
}
process.exit();

/** A purge over HTTP, as deployed, with its pauses, on a fresh copy. */
async function measure({ url, functionKey, call }: FunctionsApp, kind: Round['kind'], round: number): Promise<Round> {
  stop.signal.throwIfAborted();
  await databases.createCopy();
  const ends = targetsOf(kind, url, functionKey).map(({ name, ...target }) => ({ name, end: beginLoad(target) }));
  await delay(warmUpMs, undefined, { signal: stop.signal });
  const before = cpuTimes();
  const from = performance.now();
  const { status, json } = await call('POST', 'purge', { body: { dryRun: false, timeBudget: 'PT150S' } });
  const seconds = (performance.now() - from) / 1_000;
  const after = cpuTimes();
  const loads = await Promise.all(ends.map(async ({ name, end }) => ({ name, figures: await end() })));
  const report = json.report as { deleted: number; stopReason: string } | undefined;
  if (status !== 200 || report?.stopReason !== 'drained') throw new Error(`The purge ended with ${status}.`);
  await databases.dropCopy();
  const cpuBusy = (after.busy - before.busy) / Math.max(1, after.all - before.all);
  return { kind, round, rowsPerSecond: report.deleted / seconds, seconds, cpuBusy, loads };
}

/** One run of each kind, so that modules are loaded and the status page has something to show; then a past for it. */
async function prepare(host: FunctionsApp): Promise<void> {
  await databases.createCopy();
  const fire = { method: 'POST', headers: { 'x-functions-key': host.masterKey, 'content-type': 'application/json' } };
  await fetch(`${host.url}/admin/functions/recordCacheCounts`, { ...fire, body: '{}' });
  await host.call('POST', 'purge', { body: { dryRun: false, timeBudget: 'PT150S' } });
  await databases.dropCopy();
  say('Writing a past of runs …');
  await writeHistory(storage.connectionString, 'default');
}

function say(line: string): void {
  console.error(line);
}
