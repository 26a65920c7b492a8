import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';

/** Keys as Microsoft.Identity.Web makes them; `redis-benchmark` fills the last group of the object id in. */
const keyBefore = '11111111-2222-4333-8444-';
const keyAfter = '.99999999-2222-4333-8444-555555555555';

/** A server of the bench's own, filled with entries as the .NET library writes them. */
export interface BenchRedis {
  port: number;
  client: Redis;
  stop(): Promise<void>;
}

export async function startBenchRedis(entries: number): Promise<BenchRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'token-cache-bench-redis-'));
  const port = await freePort();
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', '--loglevel', 'warning'];
  const child = spawn('redis-server', [...args, '--maxmemory', '4gb', '--maxmemory-policy', 'volatile-lru'], {
    stdio: 'ignore',
  });
  const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 50 });
  client.on('error', () => undefined);
  await client.ping();
  for (let from = 0; from < entries; from += 20_000) await client.eval(seed, 0, from, Math.min(entries, from + 20_000));
  return {
    port,
    client,
    stop: async () => {
      client.disconnect();
      child.kill();
      await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const seed = `
for i = ARGV[1], ARGV[2] - 1 do
  local key = string.format('${keyBefore}%012d${keyAfter}', i)
  redis.call('HSET', key, 'absexp', '-1', 'sldexp', '36000000000', 'data', string.rep('x', 200))
  redis.call('EXPIRE', key, 86400)
end`;

export interface LoadFigures {
  requestsPerSecond: number;
  p99Ms: number;
}

/** Reads of random entries, as sign-ins make them, from 20 connections. */
const loadArguments = (port: number, entries: number, requests: number) => [
  ...['-p', String(port), '-c', '20', '-n', String(requests), '-r', String(entries), '--csv'],
  ...['HMGET', `${keyBefore}__rand_int__${keyAfter}`, 'absexp', 'sldexp', 'data'],
];

/** One run of redis-benchmark, and its own figures. */
export async function runLoad(port: number, entries: number, requests: number): Promise<LoadFigures> {
  const { stdout } = await promisify(execFile)('redis-benchmark', loadArguments(port, entries, requests));
  const [head = [], values = []] = stdout
    .trim()
    .split('\n')
    .slice(-2)
    .map((line) => line.slice(1, -1).split('","'));
  const figure = (name: string) => Number(values[head.indexOf(name)] ?? Number.NaN);
  return { requestsPerSecond: figure('rps'), p99Ms: figure('p99_latency_ms') };
}

export interface WindowFigures {
  /** Requests per second of each window. */
  quiet: number[];
  watched: number[];
}

/**
 * Throughput of one long run in windows that lie side by side, with and without a watch by turns: what else the machine does
 * changes less from one window to the next than from one run to another.
 */
export async function throughputByWindows(
  { port, client }: BenchRedis,
  entries: number,
  watch: () => Promise<unknown>,
  { pairs, windowMs }: { pairs: number; windowMs: number },
): Promise<WindowFigures> {
  const load = spawn('redis-benchmark', loadArguments(port, entries, 2_000_000_000), { stdio: 'ignore' });
  const served = async () => Number(/cmdstat_hmget:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0);
  const window = async (watched: boolean) => {
    const [before, start] = [await served(), performance.now()];
    const end = new Promise((resolve) => setTimeout(resolve, windowMs));
    if (watched) await watch();
    await end;
    return ((await served()) - before) / ((performance.now() - start) / 1_000);
  };
  const figures: WindowFigures = { quiet: [], watched: [] };
  try {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    for (let pair = 0; pair < pairs; pair += 1)
      for (const kind of pair % 2 === 0 ? (['quiet', 'watched'] as const) : (['watched', 'quiet'] as const))
        figures[kind].push(await window(kind === 'watched'));
    return figures;
  } finally {
    load.kill();
    if (load.exitCode === null) await once(load, 'exit');
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
