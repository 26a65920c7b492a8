import { setTimeout as delay } from 'node:timers/promises';
import { deletedBy } from '../../src/lib/runs/tries.ts';
import type { BenchStorage } from './storage.ts';
import { expiredEntries, liveEntries, type SeededTable, seedTables } from './tables.ts';
import { Workers } from './workers.ts';

export interface ChainRound {
  kills: number;
  seconds: number;
  parts: number;
  deleted: number;
  incomplete: boolean;
  left: number;
  liveAsBefore: boolean;
  poisoned: number;
}

/** As long as a part of the run, in the bench: short, so that there are several. */
const timeBudget = 'PT15S';
const longestMs = 60 * 60_000;

/** One cache drained by continuations, by two processes; every so often one of them is killed and replaced. */
export async function chainRound(
  url: string,
  storage: BenchStorage,
  entries: number,
  killEveryMs: number | undefined,
  signal: AbortSignal,
): Promise<ChainRound> {
  const tables: SeededTable[] = [{ name: 'tokencache', entries }];
  await seedTables(url, tables, signal);
  const since = new Date();
  const before = await liveEntries(url, tables, since);
  const workers = new Workers(
    {
      AzureWebJobsStorage: storage.connectionString,
      TOKEN_CACHE_CONNECTION_STRING: url,
      WORK_QUEUE: 'always',
      PURGE_TIME_BUDGET: timeBudget,
    },
    signal,
  );
  let kills = 0;
  const finished = new AbortController();
  try {
    await workers.start(2);
    const firedAt = Date.now();
    await workers.fire();
    const killing = (async () => {
      while (killEveryMs !== undefined && !finished.signal.aborted) {
        await delay(killEveryMs, undefined, { signal: finished.signal }).catch(() => undefined);
        if (finished.signal.aborted) return;
        // Twice each by turns: of two, one of which works, every second kill hits that one, as chance would have it.
        const place = Math.floor(kills / 2) % 2;
        kills += 1;
        await workers.kill(place);
      }
    })();
    const run = await untilDone(storage, firedAt, signal);
    const seconds = (Date.now() - firedAt) / 1_000;
    finished.abort();
    await killing;
    return {
      kills,
      seconds,
      parts: run.parts ?? 0,
      deleted: deletedBy(run),
      incomplete: run.incomplete ?? false,
      left: await expiredEntries(url, tables, since),
      liveAsBefore: before === (await liveEntries(url, tables, since)),
      poisoned: await storage.poisoned(),
    };
  } finally {
    finished.abort();
    await workers.stop();
  }
}

async function untilDone(storage: BenchStorage, since: number, signal: AbortSignal) {
  while (Date.now() - since < longestMs) {
    const [run] = await storage.purges('default');
    if (run && run.outcome !== 'running' && Date.parse(run.queuedAt ?? '') >= since) return run;
    await delay(200, undefined, { signal });
  }
  throw new Error('The chain did not end within an hour.');
}
