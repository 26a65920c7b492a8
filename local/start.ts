/** `npm start`: the main job on real data, end to end, with the code that is deployed. */
import { parseArgs } from 'node:util';
import { plainTable } from '../src/cli/output.ts';
import { purgeProgressBar } from '../src/cli/progressBar.ts';
import { countRows } from '../src/cli/sqlCacheRows.ts';
import { Maintenance } from '../src/lib/composition/maintenance.ts';
import { humanDuration } from '../src/lib/durations.ts';
import { noRecordStore } from '../src/lib/runs/recordStore.ts';
import type { Log, RunResult } from '../src/lib/runs/runJob.ts';
import { readSettings } from '../src/lib/settings/settings.ts';
import type { CountsReport } from '../src/lib/sqlCache/counts.ts';
import { numberText, summarizeIndex, summarizePurge } from '../src/lib/sqlCache/summaries.ts';
import { startPostgres } from './embeddedPostgres.ts';
import { createTable, seedEntries } from './seed.ts';

const table = 'public.tokencache';

const { entries } = readArguments();
// Ctrl-C stops between two batches; the server is then stopped and its data removed like at any other end.
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

say('Starting an embedded PostgreSQL …');
const postgres = await startPostgres();
try {
  await postgres.createDatabase('cache');
  await demonstrate(postgres.url('cache'));
} finally {
  await postgres.stop();
}
process.exit(process.exitCode ?? 0);

async function demonstrate(url: string): Promise<void> {
  await seed(url);
  if (stop.signal.aborted) return;
  const settings = readSettings(
    {
      ...process.env,
      RECORD_STORE: 'none',
      TOKEN_CACHES: '',
      TOKEN_CACHE_ENGINE: 'postgres',
      TOKEN_CACHE_TABLE: table,
      TOKEN_CACHE_CONNECTION_STRING: url,
    },
    'table',
  );
  const maintenance = new Maintenance(settings, warnings, noRecordStore);
  const before = succeed(await maintenance.sqlCaches.counts('default', 'start', stop.signal));
  say(`Counts: ${numberText(before.entries.count)} entries, ${numberText(before.expired.count)} of them expired.`);
  say(
    `Index: ${summarizeIndex(succeed(await maintenance.sqlCaches.ensureIndex('default', 'start', { signal: stop.signal })))}.`,
  );
  const bar = process.stderr.isTTY ? purgeProgressBar('default') : plainProgress();
  const purge = await maintenance.sqlCaches.purge('default', 'start', { signal: stop.signal, onProgress: bar.update });
  bar.stop();
  say(`Purge: ${summarizePurge(succeed(purge))} in ${humanDuration(purgeMs(purge))}.`);
  const after = succeed(await maintenance.sqlCaches.counts('default', 'start'));
  printBeforeAndAfter(before, after);
}

async function seed(url: string): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client(url);
  await client.connect();
  await client.query(createTable(table));
  await client.end();
  const start = performance.now();
  say(`Writing ${numberText(entries)} entries, as Microsoft.Extensions.Caching.Postgres keeps them …`);
  await seedEntries(url, table, { entries, expiredShare: 0.7 });
  say(`… in ${humanDuration(performance.now() - start)}.`);
}

function printBeforeAndAfter(before: CountsReport, after: CountsReport): void {
  const left = countRows(before);
  const right = new Map(countRows(after));
  console.log(
    `\n${plainTable([['', 'before', 'after'], ...left.map(([name, value]) => [name, value, right.get(name) ?? ''])])}`,
  );
}

function succeed<R>({ report, error }: RunResult<R>): R {
  if (report !== undefined) return report;
  throw new Error(`${error?.message} ${error?.advice}`);
}

function purgeMs({ startedAt }: RunResult<unknown>): number {
  return Date.now() - Date.parse(startedAt);
}

/** Where stderr is no terminal: a line now and then. */
function plainProgress() {
  let next = 0;
  return {
    update: ({ deleted, expired, elapsedMs }: { deleted: number; expired: number | undefined; elapsedMs: number }) => {
      if (elapsedMs < next) return;
      next = elapsedMs + 2_000;
      say(`  ${numberText(deleted)} of ${expired === undefined ? 'unknown' : numberText(expired)} deleted`);
    },
    stop: () => undefined,
  };
}

function say(text: string): void {
  console.error(text);
}

function warnings(...[level, message]: Parameters<Log>): void {
  if (level === 'warn') say(`Warning: ${message}`);
}

function readArguments(): { entries: number } {
  try {
    // --once is accepted already: later the command will go on serving without it.
    const { values } = parseArgs({
      options: { entries: { type: 'string', default: '100000' }, once: { type: 'boolean' } },
    });
    if (!/^[1-9]\d{0,8}$/.test(values.entries))
      throw new Error('--entries expects a whole number from 1 to 999,999,999');
    return { entries: Number(values.entries) };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\nUsage: npm start -- [--entries N] [--once]`);
    process.exit(2);
  }
}
