import { Presets, SingleBar } from 'cli-progress';
import { plainTable } from '../src/cli/output.ts';
import { purgeProgressBar } from '../src/cli/progressBar.ts';
import { countRows } from '../src/cli/sqlCacheRows.ts';
import { Maintenance } from '../src/lib/app/maintenance.ts';
import { humanDuration } from '../src/lib/durations.ts';
import type { JobName, ReportOf } from '../src/lib/runs/catalogue.ts';
import { noRecordStore } from '../src/lib/runs/recordStore.ts';
import type { Log, RunResult } from '../src/lib/runs/runJob.ts';
import { readSettings } from '../src/lib/settings/settings.ts';
import type { CountsReport } from '../src/lib/sql/counts.ts';
import type { PurgeProgress } from '../src/lib/sql/purgeReport.ts';
import { numberText, summarizeIndex, summarizePurge } from '../src/lib/sql/summaries.ts';
import type { ProtectionKey } from './dataProtection.ts';
import { createSeededTable } from './seed.ts';
import { cacheTable } from './services.ts';

/** Fills the database, runs the main job on it with the code that is deployed, and shows before and after. */
export async function firstRun(url: string, entries: number, signal: AbortSignal, key?: ProtectionKey): Promise<void> {
  await seed(url, entries, signal, key);
  const settings = readSettings(
    {
      ...process.env,
      RECORD_STORE: 'none',
      TOKEN_CACHES: '',
      TOKEN_CACHE_ENGINE: 'postgres',
      TOKEN_CACHE_TABLE: cacheTable,
      TOKEN_CACHE_CONNECTION_STRING: url,
    },
    'table',
  );
  const { sqlCaches } = new Maintenance(settings, warningsUntil(signal), noRecordStore);
  const before = succeed(await sqlCaches.counts('default', 'start', {}, { signal }));
  say(`Counts: ${numberText(before.entries.count)} entries, ${numberText(before.expired.count)} of them expired.`);
  say(`Index: ${summarizeIndex(succeed(await sqlCaches.ensureIndex('default', 'start', {}, { signal })))}.`);
  const bar = process.stderr.isTTY
    ? purgeProgressBar('default')
    : everyTwoSeconds<PurgeProgress>(
        ({ deleted, expired }) =>
          `${numberText(deleted)} of ${expired === undefined ? 'unknown' : numberText(expired)} deleted`,
      );
  const started = performance.now();
  const purge = await sqlCaches.purge('default', 'start', { onProgress: bar.update }, { signal });
  bar.stop();
  say(`Purge: ${summarizePurge(succeed(purge))} in ${humanDuration(performance.now() - started)}.`);
  printBeforeAndAfter(before, succeed(await sqlCaches.counts('default', 'start')));
}

async function seed(url: string, entries: number, signal: AbortSignal, key?: ProtectionKey): Promise<void> {
  const started = performance.now();
  say(`Writing ${numberText(entries)} entries, as Microsoft.Extensions.Caching.Postgres keeps them …`);
  const bar = process.stderr.isTTY
    ? writingBar(entries)
    : everyTwoSeconds((written: number) => `${numberText(written)} written`);
  const onProgress = (written: number) => {
    signal.throwIfAborted();
    bar.update(written);
  };
  await createSeededTable(url, cacheTable, { entries, expiredShare: 0.7, key, onProgress }).finally(bar.stop);
  say(`… in ${humanDuration(performance.now() - started)}.`);
}

function printBeforeAndAfter(before: CountsReport, after: CountsReport): void {
  const left = countRows(before);
  const right = new Map(countRows(after));
  console.log(
    `\n${plainTable([['', 'before', 'after'], ...left.map(([name, value]) => [name, value, right.get(name) ?? ''])])}`,
  );
}

function succeed<J extends JobName>({ report, error }: RunResult<J>): ReportOf<J> {
  if (report !== undefined && !error) return report as ReportOf<J>;
  throw new Error(`${error?.message} ${error?.advice}`);
}

function writingBar(entries: number) {
  const bar = new SingleBar(
    { format: 'write {bar} {percentage} % | {value} of {total} | {eta_formatted} left', hideCursor: true },
    Presets.shades_classic,
  );
  bar.start(entries, 0);
  return { update: (written: number) => bar.update(written), stop: () => bar.stop() };
}

/** Where stderr is not a terminal: a line now and then. */
function everyTwoSeconds<P>(text: (progress: P) => string) {
  let next = performance.now() + 2_000;
  const update = (progress: P) => {
    if (performance.now() < next) return;
    next = performance.now() + 2_000;
    say(`  ${text(progress)}`);
  };
  return { update, stop: () => undefined };
}

/** Ctrl-C reaches the server too: what the job says about that is not news. */
function warningsUntil(signal: AbortSignal): Log {
  return (level, message) => {
    if (level === 'warn' && !signal.aborted) say(`Warning: ${message}`);
  };
}

function say(text: string): void {
  console.error(text);
}
