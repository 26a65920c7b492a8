/**
 * `npm run bench:everyday`: what users feel of the purge that runs 48 times a day, and what it asks of the server. The packaged
 * functions' timer, a fixed loop of 1,000, one DELETE, and nothing at all take turns beside the sign-ins of bench:purge, with 0,
 * 2,000 and 20,000 expired among a million live entries. Records are not kept: the emulator of the storage would take the cores.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startPostgres } from '../dev/embeddedPostgres.ts';
import { onStopSignal } from '../dev/stopSignal.ts';
import { numberText } from '../src/lib/sql/summaries.ts';
import { countStatements } from '../test/support/postgresStatements.ts';
import { Child, type LoadDone, now, type SignInOptions, type Window } from './children.ts';
import { Databases } from './databases.ts';
import { printEveryday } from './everyday/figures.ts';
import { type EverydayRun, type EverydayWay, everydayWays, handWritten } from './everyday/ways.ts';
import { startFunctions } from './functionsChild.ts';
import { serverFlags } from './machine.ts';
import { table } from './ways.ts';

const usage =
  'Usage: npm run bench:everyday -- [--entries N] [--rounds N] [--repeats N] [--expired N,N] [--pace PURGE_PACE]';
const option = (byDefault: string) => ({ type: 'string', default: byDefault }) as const;
const { values } = parseArgs({
  options: {
    entries: option('1000000'),
    rounds: option('2'),
    repeats: option('6'),
    expired: option('0,2000,20000'),
    pace: { type: 'string' },
  },
});
const [entries = 0, rounds = 0, repeats = 0] = [values.entries, values.rounds, values.repeats].map(Number);
const sizes = values.expired.split(',').map(Number);
const positive = [entries, rounds, repeats].every((value) => Number.isSafeInteger(value) && value > 0);
if (!positive || !sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) {
  console.error(usage);
  process.exit(2);
}

const prefix = 'everyday.';
/** What is written for a run has come to rest: at 20,000 entries some 140 MB. */
const settleMs = (expired: number) => (expired > 2_000 ? 3_000 : 500);
/** An operation counts that is due in the second from the run's beginning, or until its end; the idle load as long as a paced run. */
const windowMs = (way: EverydayWay, expired: number) => (way === 'idle' && expired > 2_000 ? 5_000 : 1_000);
const stop = new AbortController();
onStopSignal(() => stop.abort());

const postgres = await startPostgres(serverFlags);
const databases = new Databases(postgres);
try {
  say(`Seeding ${numberText(entries)} live entries …`);
  await databases.seedTemplate(entries, false, stop.signal, { expiredShare: 0, liveForHours: 2 });
  const runs: EverydayRun[] = [];
  for (let round = 0; round < rounds; round += 1) runs.push(...(await measureRound(round)));
  const counts = await countAsked();
  console.log(printEveryday({ entries, rounds, repeats, pace: values.pace, runs, counts }));
} catch (error) {
  if (!stop.signal.aborted) throw error;
  process.exitCode = 130;
} finally {
  await postgres.stop();
}
process.exit();

function settingsOf(url: string): Record<string, string> {
  return {
    TOKEN_CACHE_CONNECTION_STRING: url,
    TOKEN_CACHE_TABLE: table,
    RECORD_STORE: 'none',
    ...(values.pace && { PURGE_PACE: values.pace }),
  };
}

/** All ways by turns on one fresh copy: what slows the machine for a while slows all of them. */
async function measureRound(round: number): Promise<EverydayRun[]> {
  await databases.createCopy();
  const functions = startFunctions(settingsOf(databases.copyUrl));
  const options = { url: databases.copyUrl, connections: 4, rate: 50, warmUpMs: 2_000 };
  const revived = { prefix, count: Math.max(...sizes) };
  const load = new Child<SignInOptions, LoadDone>('signIns.ts', { ...options, revived }, stop.signal);
  try {
    await load.ready();
    // Drivers are loaded, and the code has been compiled.
    for (let warm = 0; warm < 3; warm += 1) await functions.invoke('purgeExpiredEntries');
    const from = now();
    const runs: Omit<EverydayRun, 'operations'>[] = [];
    for (const expired of sizes) {
      for (let repeat = 0; repeat < repeats * (expired > 2_000 ? 1 : 3); repeat += 1) {
        for (let turn = 0; turn < everydayWays.length; turn += 1) {
          stop.signal.throwIfAborted();
          const way = everydayWays[(round + repeat + turn) % everydayWays.length] ?? 'idle';
          if (expired > 0) await databases.expire(prefix, expired);
          await delay(settleMs(expired));
          const run = await runOnce(way, functions);
          await delay(Math.max(0, run.from + windowMs(way, expired) - now()));
          const left = await databases.countExpired(new Date(Date.now() - 90_000));
          runs.push({ way, expired, ...run, left: way === 'idle' ? 0 : left });
          if (way === 'idle') await handWritten('singleDelete', databases.copyUrl);
        }
      }
      say(`  round ${round + 1}: ${numberText(expired)} expired done`);
    }
    const { operations, failures } = await load.finish({ from, to: now() } satisfies Window);
    if (failures.length > 0) say(`${failures.length} failures of the load, first: ${failures[0]}`);
    return runs.map((run) => {
      const to = Math.max(run.to, run.from + windowMs(run.way, run.expired));
      return { ...run, operations: operations.filter(({ due }) => due >= run.from && due < to) };
    });
  } finally {
    load.kill();
    await functions.end();
    await databases.dropCopy();
  }
}

async function runOnce(way: EverydayWay, functions: ReturnType<typeof startFunctions>) {
  if (way !== 'timer') return handWritten(way, databases.copyUrl);
  const { from, to, cpuMs, bytes } = await functions.invoke('purgeExpiredEntries');
  return { from, to, cpuMs, bytes };
}

/** What one run asks of the server, read along on its line. */
async function countAsked() {
  await databases.createCopy();
  const counter = await countStatements(postgres.port);
  const url = new URL(databases.copyUrl);
  url.port = String(counter.port);
  const functions = startFunctions(settingsOf(url.href));
  try {
    await functions.invoke('purgeExpiredEntries');
    const counts = [];
    for (const expired of sizes) {
      for (const way of everydayWays.filter((each) => each !== 'idle')) {
        if (expired > 0) await databases.expire(prefix, expired);
        const before = { ...counter, statements: counter.statements.length };
        if (way === 'timer') await functions.invoke('purgeExpiredEntries');
        else await handWritten(way, url.href);
        counts.push({
          way,
          expired,
          connections: counter.connections - before.connections,
          statements: counter.statements.length - before.statements,
          roundTrips: counter.roundTrips - before.roundTrips,
        });
      }
    }
    return counts;
  } finally {
    await functions.end();
    await counter.close();
    await databases.dropCopy();
  }
}

function say(line: string): void {
  console.error(line);
}
