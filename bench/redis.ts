/**
 * `npm run bench:redis`: what the watch of a Redis costs the sign-ins, and how long it takes. Loads of `redis-benchmark`
 * without a watch and with one take turns; the figures go to stdout as Markdown. A bench is not a test, so it exits 0.
 */

import { spawnSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { Maintenance } from '../src/lib/app/maintenance.ts';
import { parseDuration } from '../src/lib/durations.ts';
import { noRecordStore } from '../src/lib/runs/recordStore.ts';
import { readSettings } from '../src/lib/settings/settings.ts';
import { median } from './figures.ts';
import {
  type BenchRedis,
  type LoadFigures,
  runLoad,
  startBenchRedis,
  throughputByWindows,
  type WindowFigures,
} from './redisLoad.ts';

const usage = `Usage: npm run bench:redis -- [options]
  --entries N   entries of the cache (default 1000000)
  --rounds N    rounds of each kind, for the latency (default 6)
  --seconds N   length of a round, about; one watch runs within it (default 5)
  --pairs N     pairs of windows of 1 s, for the throughput (default 100)`;

const { entries, rounds, seconds, pairs } = readArguments();
const windowMs = 1_000;
if (spawnSync('redis-benchmark', ['--version']).status !== 0) {
  console.error('redis-benchmark is missing. On Debian: apt-get install redis-server redis-tools');
  process.exit(1);
}

say(`Starting a Redis with ${entries.toLocaleString('en-US')} entries …`);
const redis = await startBenchRedis(entries);
// A bench that is stopped leaves no server behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void redis.stop().finally(() => process.exit(130)));
try {
  const watch = watchOf(redis);
  await watch();
  const alone = await timesOf(watch, 10);
  const { requestsPerSecond } = await runLoad(redis.port, entries, 20_000);
  const requests = Math.round(requestsPerSecond * seconds);
  const quiet: LoadFigures[] = [];
  const watched: LoadFigures[] = [];
  const beside: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // Turns about, each kind first as often: a machine grows slower or faster in the course of a bench.
    for (const kind of round % 2 === 0 ? ['quiet', 'watched'] : ['watched', 'quiet']) {
      const load = runLoad(redis.port, entries, requests);
      if (kind === 'watched') {
        await new Promise((resolve) => setTimeout(resolve, (seconds * 1_000) / 3));
        beside.push(await watch());
      }
      (kind === 'quiet' ? quiet : watched).push(await load);
    }
    say(
      `  round ${round + 1} of ${rounds}: ${text(quiet[round]?.requestsPerSecond)} requests/s without, ${text(watched[round]?.requestsPerSecond)} with`,
    );
  }
  say(`  ${pairs} pairs of windows …`);
  const windows = await throughputByWindows(redis, entries, watch, { pairs, windowMs });
  const cpuMs = await serverTime(redis, watch);
  print({ alone, beside, quiet, watched, windows, cpuMs });
} finally {
  await redis.stop();
}

/** One watch, as the timer runs it; the time that its report gives, in ms. */
function watchOf({ port }: BenchRedis): () => Promise<number> {
  const env = { TOKEN_CACHE_CONNECTION_STRING: `127.0.0.1:${port},abortConnect=False` };
  const maintenance = new Maintenance(readSettings(env, 'table'), () => undefined, noRecordStore);
  return async () => {
    const { outcome, report, duration, error } = await maintenance.redisCaches.watch('default', 'cli');
    if (outcome === 'failed' || !report?.nodes[0]?.up) throw new Error(`The watch failed: ${error?.message}`);
    return parseDuration(duration) ?? Number.NaN;
  };
}

async function timesOf(watch: () => Promise<number>, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) times.push(await watch());
  return times;
}

/** Time that the server spends in the commands of one watch, by its own count. */
async function serverTime({ client }: BenchRedis, watch: () => Promise<number>): Promise<number> {
  await client.config('RESETSTAT');
  await watch();
  const stats = await client.info('commandstats');
  const lines = [...stats.matchAll(/cmdstat_([^:]+):calls=\d+,usec=(\d+)/g)].filter(
    ([, name]) => name !== 'config|resetstat',
  );
  return lines.reduce((sum, [, , usec]) => sum + Number(usec), 0) / 1_000;
}

interface Results {
  alone: number[];
  beside: number[];
  quiet: LoadFigures[];
  watched: LoadFigures[];
  windows: WindowFigures;
  cpuMs: number;
}

function print({ alone, beside, quiet, watched, windows, cpuMs }: Results): void {
  const rates = (figures: LoadFigures[]) => median(figures.map(({ requestsPerSecond }) => requestsPerSecond));
  const tails = (figures: LoadFigures[]) => median(figures.map(({ p99Ms }) => p99Ms));
  const losses = windows.quiet.map((rate, pair) => (1 - (windows.watched[pair] ?? Number.NaN) / rate) * 100);
  const loss = median(losses);
  // How sure the median is, by the spread of the middle half: how far chance alone may move it.
  const sorted = [...losses].sort((a, b) => a - b);
  const middleHalf = (sorted[Math.floor(0.75 * sorted.length)] ?? 0) - (sorted[Math.floor(0.25 * sorted.length)] ?? 0);
  const error = (1.57 * middleHalf) / Math.sqrt(losses.length);
  console.log(`# Redis bench

- Machine: ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${(totalmem() / 2 ** 30).toFixed(1)} GB memory, Node.js ${process.versions.node}. Server, load and watch share it.
- Data: ${entries.toLocaleString('en-US')} entries as the .NET library writes them. Load: redis-benchmark, 20 connections, HMGET of random entries.
- Latency: ${rounds} runs of about ${seconds} s of each kind, by turns. Throughput: one run in ${2 * pairs} windows of ${windowMs / 1_000} s, by turns without and with one watch.

| | without watch | with one watch in each |
| --- | --- | --- |
| requests/s of the runs, median | ${text(rates(quiet))} | ${text(rates(watched))} |
| p99 of the runs, median | ${tails(quiet).toFixed(2)} ms | ${tails(watched).toFixed(2)} ms |
| requests/s of the windows, median | ${text(median(windows.quiet))} | ${text(median(windows.watched))} |

| one watch | median | slowest |
| --- | --- | --- |
| on the idle server | ${text(median(alone))} ms | ${text(Math.max(...alone))} ms |
| under the load | ${text(median(beside))} ms | ${text(Math.max(...beside))} ms |

- Throughput lost with a watch in every window of ${windowMs / 1_000} s, median of the pairs: ${loss.toFixed(2)} % ± ${error.toFixed(2)}
- The same at one watch in 5 minutes: ${((loss * windowMs) / 300_000).toFixed(4)} % ± ${((error * windowMs) / 300_000).toFixed(4)}
- The server spends ${cpuMs.toFixed(1)} ms in the commands of one watch: ${((cpuMs / 300_000) * 100).toFixed(4)} % of 5 minutes.`);
}

function text(value: number | undefined): string {
  return Math.round(value ?? Number.NaN).toLocaleString('en-US');
}

function readArguments() {
  const option = { type: 'string' } as const;
  try {
    const { values } = parseArgs({ options: { entries: option, rounds: option, seconds: option, pairs: option } });
    const number = (name: keyof typeof values, otherwise: number, most: number) => {
      const value = Number(values[name] ?? otherwise);
      if (Number.isInteger(value) && value >= 1 && value <= most) return value;
      throw new Error(`--${name} expects a whole number from 1 to ${most}`);
    };
    return {
      entries: number('entries', 1_000_000, 10_000_000),
      rounds: number('rounds', 6, 100),
      seconds: number('seconds', 5, 600),
      pairs: number('pairs', 100, 1_000),
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}

function say(line: string): void {
  console.error(line);
}
