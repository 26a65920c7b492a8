/**
 * `npm run bench:diagnose`: how long a diagnosis takes on a large table, how many rows it reads by PostgreSQL's own count, and
 * what the sign-ins feel of it. The figures go to stdout as Markdown; a bench is not a test, so it exits 0.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../dev/embeddedPostgres.ts';
import { createTable, seedEntries } from '../dev/seed.ts';
import { Maintenance } from '../src/lib/app/maintenance.ts';
import type { DiagnosisReport } from '../src/lib/checks/diagnosisReport.ts';
import { noRecordStore } from '../src/lib/runs/recordStore.ts';
import { readSettings } from '../src/lib/settings/settings.ts';
import { percentiles } from '../src/lib/sql/estimate.ts';
import { numberText } from '../src/lib/sql/summaries.ts';
import { Child, type LoadDone, now, type SignInOptions } from './children.ts';
import { cpuTimes, serverFlags } from './machine.ts';
import { table } from './ways.ts';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '20' },
    connections: { type: 'string', default: '4' },
    rate: { type: 'string', default: '50' },
  },
});
const [entries, rounds, connections, rate] = [values.entries, values.rounds, values.connections, values.rate].map(
  Number,
);
if (!entries || !rounds || !connections || !rate)
  throw new Error('--entries, --rounds, --connections and --rate are numbers');

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

const server = await startPostgres(serverFlags);
try {
  const url = server.url('postgres');
  const client = new pg.Client(url);
  await client.connect();
  console.error(`Seeding ${numberText(entries)} entries …`);
  await client.query(createTable(table));
  await seedEntries(url, table, { entries, expiredShare: 0.3, onProgress: () => stop.signal.throwIfAborted() });
  await client.query(`create index ix_expiresattime on ${table} (expiresattime)`);
  await client.query(`vacuum analyze ${table}`);

  const quiet = await diagnose(url);
  // Sessions that have ended leave their counts at once; the rest within a second.
  await delay(2_000);
  const before = await rowsRead(client);
  const again = await diagnose(url);
  await delay(2_000);
  const rows = (await rowsRead(client)) - before;

  const idle: number[] = [];
  const beside: number[] = [];
  const durations: number[] = [];
  const cpuBefore = cpuTimes();
  for (let round = 0; round < rounds && !stop.signal.aborted; round += 1) {
    // By turns, each beside a load of its own that is warm.
    idle.push(...(await underLoad(url, () => delay(again.ms))));
    const [latencies, run] = await diagnosedUnderLoad(url);
    beside.push(...latencies);
    durations.push(run.ms);
    console.error(`  round ${round + 1}: ${(run.ms / 1_000).toFixed(2)} s`);
  }
  const cpuAfter = cpuTimes();
  const p99 = (latencies: number[]) => percentiles(latencies, [0.99])[0] ?? Number.NaN;
  const [calm, busy] = [p99(idle), p99(beside)];
  const seconds = Math.max(quiet.ms, again.ms, ...durations) / 1_000;
  console.log(`# Diagnosis of ${numberText(entries)} entries

| what | figure |
| --- | --: |
| the slowest of ${durations.length + 2} diagnoses | ${seconds.toFixed(2)} s |
| rows read, by pg_stat_user_tables and pg_stat_user_indexes | ${numberText(rows)} |
| sign-ins' p99 without it (${numberText(idle.length)} operations) | ${calm.toFixed(2)} ms |
| sign-ins' p99 beside it (${numberText(beside.length)} operations) | ${busy.toFixed(2)} ms |
| ratio | ${(busy / calm).toFixed(2)} |

CPU busy while measured: ${((100 * (cpuAfter.busy - cpuBefore.busy)) / (cpuAfter.all - cpuBefore.all)).toFixed(0)} %. Checks: ${JSON.stringify(again.report.counts)}; the longest: ${longest(again.report)}.`);
  await client.end();
} finally {
  await server.stop();
}
process.exit();

async function diagnose(url: string): Promise<{ ms: number; report: DiagnosisReport }> {
  const settings = readSettings({ TOKEN_CACHE_CONNECTION_STRING: url }, 'file');
  const start = now();
  const { report, error } = await new Maintenance(settings, () => undefined, noRecordStore).diagnosis.diagnose('bench');
  if (!report) throw new Error(error?.message);
  return { ms: now() - start, report };
}

/** Rows that were read of the table by scans and samples, and entries of its indexes, since the server's start. */
async function rowsRead(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ rows: string }>(
    `select coalesce(seq_tup_read, 0) + (select coalesce(sum(idx_tup_read), 0) from pg_stat_user_indexes as i where i.relid = t.relid) as rows
     from pg_stat_user_tables as t where t.relid = $1::regclass`,
    [table],
  );
  return Number(rows[0]?.rows ?? 0);
}

async function underLoad(url: string, work: () => Promise<unknown>): Promise<number[]> {
  const options = { url, connections: connections ?? 4, rate: rate ?? 50, warmUpMs: 2_000 };
  const load = new Child<SignInOptions, LoadDone>('signIns.ts', options, stop.signal);
  try {
    await load.ready();
    const from = now();
    await work();
    const { reads, revives, failures } = await load.finish({ from, to: now() });
    if (failures.length > 0) throw new Error(`${failures.length} operations of the load failed: ${failures[0]}`);
    return [...reads, ...revives];
  } finally {
    load.kill();
  }
}

async function diagnosedUnderLoad(url: string): Promise<[number[], { ms: number }]> {
  let run = { ms: 0 };
  const latencies = await underLoad(url, async () => {
    run = await diagnose(url);
  });
  return [latencies, run];
}

function longest({ checks }: DiagnosisReport): string {
  return [...checks]
    .sort((a, b) => b.milliseconds - a.milliseconds)
    .slice(0, 3)
    .map(({ check, milliseconds }) => `${check} ${milliseconds} ms`)
    .join(', ');
}
