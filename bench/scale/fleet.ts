import { setTimeout as delay } from 'node:timers/promises';
import { parseDuration } from '../../src/lib/durations.ts';
import type { RunRecord } from '../../src/lib/runs/runRecord.ts';
import { deletedBy } from '../../src/lib/runs/tries.ts';
import type { BenchStorage } from './storage.ts';
import { expiredEntries, liveEntries, type SeededTable, seedTables } from './tables.ts';
import { Workers } from './workers.ts';

export interface FleetRound {
  workers: number;
  /** From the timer's firing to the end of the last run. */
  drainedSeconds: number;
  /** Seconds from the timer's firing to each cache's start, in order. */
  lateness: number[];
  deleted: number;
  left: number;
  liveAsBefore: boolean;
  poisoned: number;
}

/** Many caches on one server: one firing of the timer, worked off by so many processes. */
export async function fleetRound(
  url: string,
  storage: BenchStorage,
  tables: SeededTable[],
  { workers, atOnce }: { workers: number; atOnce: number },
  signal: AbortSignal,
): Promise<FleetRound> {
  await seedTables(url, tables, signal);
  const since = new Date();
  const before = await liveEntries(url, tables, since);
  const caches = tables.map(({ name }, index) => ({
    name: nameOf(index),
    engine: 'postgres',
    connectionStringSetting: 'CACHE',
    table: `public.${name}`,
  }));
  const group = new Workers(
    {
      AzureWebJobsStorage: storage.connectionString,
      TOKEN_CACHES: JSON.stringify(caches),
      CACHE: url,
      WORK_QUEUE: 'always',
      SERVER_CONCURRENCY: String(atOnce),
    },
    signal,
  );
  try {
    await group.start(workers);
    const firedAt = Date.now();
    await group.fire();
    while ((await storage.queued()) > 0) await delay(250, undefined, { signal });
    const runs = await Promise.all(tables.map(async (_, index) => done(await storage.purges(nameOf(index)), firedAt)));
    const started = runs.map(({ startedAt }) => (Date.parse(startedAt) - firedAt) / 1_000);
    const ended = runs.map(({ duration }, index) => (started[index] ?? 0) + (parseDuration(duration) ?? 0) / 1_000);
    return {
      workers,
      drainedSeconds: Math.max(...ended),
      lateness: started.sort((a, b) => a - b),
      deleted: runs.reduce((sum, run) => sum + deletedBy(run), 0),
      left: await expiredEntries(url, tables, since),
      liveAsBefore: before === (await liveEntries(url, tables, since)),
      poisoned: await storage.poisoned(),
    };
  } finally {
    await group.stop();
  }
}

const nameOf = (index: number) => `cache-${index}`;

function done(runs: RunRecord<'purge'>[], since: number): RunRecord<'purge'> {
  const run = runs.find(({ outcome, queuedAt = '' }) => outcome === 'succeeded' && Date.parse(queuedAt) >= since);
  if (!run) throw new Error('A cache has no run that succeeded.');
  return run;
}
