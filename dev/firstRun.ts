import { plainTable } from '../src/cli/output.ts';
import { progressLine } from '../src/cli/progressBar.ts';
import { countRows } from '../src/cli/sqlCacheRows.ts';
import { Maintenance } from '../src/lib/app/maintenance.ts';
import { humanDuration } from '../src/lib/durations.ts';
import type { JobName, ReportOf } from '../src/lib/runs/catalogue.ts';
import { noRecordStore } from '../src/lib/runs/recordStore.ts';
import type { Log, RunResult } from '../src/lib/runs/runJob.ts';
import { readSettings } from '../src/lib/settings/settings.ts';
import type { CountsReport } from '../src/lib/sql/counts.ts';
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
  const line = progress('purge default', 'deleted');
  const started = performance.now();
  const purge = await sqlCaches.purge(
    'default',
    'start',
    { onProgress: ({ deleted, expired }) => line.update(deleted, expired) },
    { signal },
  );
  line.stop();
  say(`Purge: ${summarizePurge(succeed(purge))} in ${humanDuration(performance.now() - started)}.`);
  printBeforeAndAfter(before, succeed(await sqlCaches.counts('default', 'start')));
}

async function seed(url: string, entries: number, signal: AbortSignal, key?: ProtectionKey): Promise<void> {
  const started = performance.now();
  say(`Writing ${numberText(entries)} entries, as Microsoft.Extensions.Caching.Postgres keeps them …`);
  const line = progress('write', 'written');
  const onProgress = (written: number) => {
    signal.throwIfAborted();
    line.update(written, entries);
  };
  await createSeededTable(url, cacheTable, { entries, expiredShare: 0.7, key, onProgress }).finally(line.stop);
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

/** Where stderr is not a terminal that can show a line anew: a line now and then. */
function progress(what: string, done: string): Pick<ReturnType<typeof progressLine>, 'update' | 'stop'> {
  if (process.stderr.isTTY && process.env.TERM !== 'dumb') return progressLine(what);
  let next = performance.now() + 2_000;
  const update = (count: number, all?: number) => {
    if (performance.now() < next) return;
    next = performance.now() + 2_000;
    say(`  ${numberText(count)}${all === undefined ? '' : ` of ${numberText(all)}`} ${done}`);
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
