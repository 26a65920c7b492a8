import { type Clock, systemClock } from '../../src/lib/clock.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import type { PurgeContext, PurgePolicy } from '../../src/lib/sql/purgeRequest.ts';
import type { PositionStore } from '../../src/lib/sql/walks.ts';

export const indexPolicy = {
  name: 'IX_TokenCache_ExpiresAtTime',
  timeBudgetMs: 60_000,
  offlineRowLimit: Number.POSITIVE_INFINITY,
};

/** No pauses, no grace beyond a minute, and a load limit that a test machine does not reach. */
export const quickPolicy: PurgePolicy = {
  graceMs: 60_000,
  batchTargetMs: 50,
  pauseRatio: 0,
  paceMs: 0,
  timeBudgetMs: 60_000,
  loadLimits: { percent: 100, lockWaits: 1_000 },
  index: indexPolicy,
};

/** A position kept in memory. */
export function memoryPosition(start?: string): PositionStore & { value: string | undefined } {
  const store = {
    value: start,
    read: async () => store.value,
    write: async (position: string | undefined) => {
      store.value = position;
    },
  };
  return store;
}

export function purgeContext(
  table: CacheTable,
  changes: Partial<PurgePolicy> = {},
  rest: Partial<PurgeContext> = {},
): PurgeContext {
  return { table, policy: { ...quickPolicy, ...changes }, clock: systemClock, position: memoryPosition(), ...rest };
}

/** A clock that is so many ms further on each time it is asked, and does not sleep. */
export function steppingClock(stepMs: number): Clock {
  let elapsed = 0;
  return {
    now: () => new Date(),
    elapsed: () => {
      elapsed += stepMs;
      return elapsed;
    },
    sleep: async (ms) => {
      elapsed += ms;
    },
    random: () => 0,
  };
}

/** A clock that runs as the system's does, but for waits: it lists them, and is past them at once. */
export function skippingClock(): Clock & { readonly waits: readonly number[] } {
  const waits: number[] = [];
  let skipped = 0;
  return {
    ...systemClock,
    elapsed: () => systemClock.elapsed() + skipped,
    sleep: async (ms) => {
      waits.push(ms);
      skipped += ms;
    },
    waits,
  };
}

/** The table with some of its functions replaced. */
export function overriding(
  table: CacheTable,
  changes: { [K in keyof CacheTable]?: CacheTable[K] | undefined },
): CacheTable {
  return new Proxy(table, {
    get: (target, property) => {
      if (property in changes) return changes[property as keyof CacheTable];
      const value = Reflect.get(target, property, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
