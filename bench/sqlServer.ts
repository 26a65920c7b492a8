/**
 * `npm run bench:sqlserver`: what the SQL Server adapter and the purge loop cost beside the driver. The purge, a bare loop of
 * the same two statements with tedious alone, and a bare `DELETE TOP` delete the same entries through the TDS endpoint, in turn,
 * in one run.
 * The endpoint answers from an embedded PostgreSQL, set up so that its disk does not count: the rates are this machine's, and
 * only the ratio says anything, best on an idle machine. The client's CPU time beside it does not depend on others.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../dev/embeddedPostgres.ts';
import { openTable } from '../src/lib/app/cacheTables.ts';
import { systemClock } from '../src/lib/clock.ts';
import { readSettings } from '../src/lib/settings/settings.ts';
import { purge } from '../src/lib/sql/purge.ts';
import { numberText } from '../src/lib/sql/summaries.ts';
import { createTable, createViews } from '../test/support/sqlServer/engine.ts';
import { nowTicks } from '../test/support/sqlServer/entry.ts';
import type { EndpointReady } from './endpointProcess.ts';
import { machineText, median } from './figures.ts';
import { type Deleted, deleteTopLoop, tediousLoop } from './tediousLoop.ts';

const { values } = parseArgs({
  options: { entries: { type: 'string', default: '300000' }, rounds: { type: 'string', default: '7' } },
});
const entries = wholeNumber('--entries', values.entries);
const rounds = wholeNumber('--rounds', values.rounds);
const table = 'dbo."TokenCache"';
/** `rate` in rows a second; `deleting` the same without what lies before the first batch and behind the last; `cpu` in µs of the client's CPU time a row. */
interface Figures {
  rate: number;
  deleting: number;
  cpu: number;
}
const ways = ['purge', 'loop', 'deleteTop'] as const;
type Way = (typeof ways)[number];
type Round = Record<Way, Figures>;

const batchRows = 2_000;

const postgres = await startPostgres(
  ['shared_buffers=512MB', 'fsync=off', 'synchronous_commit=off', 'autovacuum=off'].flatMap((setting) => [
    '-c',
    setting,
  ]),
);
await postgres.createDatabase('cache');
const database = new pg.Client(postgres.url('cache'));
await database.connect();
let child: ChildProcess | undefined;
try {
  await seed();
  child = fork(new URL('endpointProcess.ts', import.meta.url), [postgres.url('cache')]);
  const [endpoint] = (await once(child, 'message')) as [EndpointReady];
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // The order changes, so that what the first leaves behind serves both.
    const order = ways.map((_, index) => ways[(index + round) % ways.length] ?? 'purge');
    const figures: Partial<Round> = {};
    for (const way of order) figures[way] = await measure(way, endpoint);
    const text = order.map((way) => `${way} ${numberText(Math.round(figures[way]?.rate ?? 0))} rows/s`).join(', ');
    console.error(`round ${round + 1}: ${text}`);
    measured.push(figures as Round);
  }
  print(measured);
} finally {
  child?.disconnect();
  await database.end();
  await postgres.stop();
}
process.exit();

/** Incompressible values of 1 to 3 KB, all expired, each at a time of its own. */
async function seed(): Promise<void> {
  console.error(`Seeding ${numberText(entries)} entries …`);
  const pool = Buffer.from(Array.from({ length: 1 << 20 }, () => Math.floor(Math.random() * 256)));
  await database.query(createViews);
  await database.query(`create schema dbo; ${createTable('dbo.template')}`);
  for (let done = 0; done < entries; done += 10_000) {
    await database.query(
      `insert into dbo.template ("Id", "Value", "ExpiresAtTime")
       select gen_random_uuid() || '.' || gen_random_uuid(), substr($1::bytea, (1 + (n * 7919) % 1000000)::int, (1000 + n % 2000)::int),
              ${nowTicks} - 36000000000 - n * 10000
       from generate_series($2::bigint, $3::bigint) as n`,
      [pool, done, Math.min(entries, done + 10_000) - 1],
    );
  }
}

/** One way on a fresh copy, from its first connection to its end. */
async function measure(way: Way, endpoint: EndpointReady): Promise<Figures> {
  await database.query(
    `drop table if exists ${table}; ${createTable(table).replace('create table', 'create unlogged table')}; insert into ${table} select * from dbo.template;
     create index by_expiry on ${table} ("ExpiresAtTime"); analyze ${table}`,
  );
  await database.query('checkpoint');
  const start = performance.now();
  const cpu = process.cpuUsage();
  const bracketed = '[dbo].[TokenCache]';
  const deleted =
    way === 'purge'
      ? await purgeOnce(endpoint)
      : way === 'loop'
        ? await tediousLoop(endpoint, bracketed, batchRows)
        : await deleteTopLoop(endpoint, bracketed);
  const seconds = (performance.now() - start) / 1_000;
  if (deleted.rows !== entries) throw new Error(`${way} deleted ${deleted.rows} of ${entries} entries`);
  const { user, system } = process.cpuUsage(cpu);
  return { rate: entries / seconds, deleting: (1_000 * entries) / deleted.ms, cpu: (user + system) / entries };
}

/** As it is deployed, but without the pauses that it makes for the sign-ins' sake. */
async function purgeOnce({ connectionString }: EndpointReady): Promise<Deleted> {
  const settings = readSettings(
    { TOKEN_CACHE_CONNECTION_STRING: connectionString, PURGE_TIME_BUDGET: 'PT6H', PURGE_PAUSE_RATIO: '0' },
    'table',
  );
  const [subject] = settings.sqlCaches;
  if (!subject) throw new Error('The settings name no cache.');
  const cache = await openTable(subject, settings.statementTimeoutMs, systemClock);
  const position = { read: async () => undefined, write: async () => undefined };
  try {
    let begun = 0;
    let ended = 0;
    const onBatch = ({ tookMs }: { tookMs: number }) => {
      ended = performance.now();
      begun ||= ended - tookMs;
    };
    const report = await purge({ table: cache, policy: settings.purge, clock: systemClock, position }, { onBatch });
    if (report.dryRun || report.stopReason !== 'drained' || report.way !== 'expiry') throw new Error('an odd run');
    return { rows: report.deleted, ms: ended - begun };
  } finally {
    await cache.close();
  }
}

function print(measured: Round[]): void {
  const rowOf = (title: string, way: Way) => {
    const of = (figure: keyof Figures) => median(measured.map((round) => round[way][figure]));
    const to = (other: Way, figure: keyof Figures) =>
      median(measured.map((round) => round[way][figure] / round[other][figure])).toFixed(2);
    return `| ${title} | ${numberText(Math.round(of('rate')))} | ${to('loop', 'rate')} | ${to('deleteTop', 'rate')} | ${to('deleteTop', 'deleting')} | ${of('cpu').toFixed(1)} |`;
  };
  console.log(
    [
      `${machineText()}; ${numberText(entries)} entries of 1 to 3 KB, medians of ${measured.length} rounds.`,
      '',
      '| way | rows/s | of the bare loop | of DELETE TOP | of DELETE TOP, set-up aside | client CPU, µs/row |',
      '| --- | --: | --: | --: | --: | --: |',
      rowOf(`purge, adaptive batches of up to ${numberText(batchRows)}`, 'purge'),
      rowOf(`its statements in a bare loop with tedious, batches of ${numberText(batchRows)}`, 'loop'),
      rowOf('`DELETE TOP (1000)` in a bare loop with tedious, as Hangfire', 'deleteTop'),
    ].join('\n'),
  );
}

function wholeNumber(flag: string, text: string): number {
  const value = /^\d{1,8}$/.test(text) ? Number(text) : 0;
  if (value > 0) return value;
  console.error(
    `${flag} expects a whole number, not ${text}.\nUsage: npm run bench:sqlserver -- [--entries N] [--rounds N]`,
  );
  process.exit(2);
}
