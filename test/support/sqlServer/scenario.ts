/** What the tests of faults have in common: a filled table behind the endpoint, runs on it, and what must hold after each. */
import { afterEach, beforeEach, expect } from 'vitest';
import type { Clock } from '../../../src/lib/clock.ts';
import type { CacheTable } from '../../../src/lib/sql/cacheTable.ts';
import { purge } from '../../../src/lib/sql/purge.ts';
import type { PurgeReport } from '../../../src/lib/sql/purgeReport.ts';
import type { PurgePolicy, PurgeRequest } from '../../../src/lib/sql/purgeRequest.ts';
import type { SqlServerOptions } from '../../../src/lib/sql/sqlserver/sqlServerCacheTable.ts';
import { openSqlServer } from '../openTables.ts';
import { purgeContext, skippingClock } from '../policies.ts';
import type { TestDatabase } from '../testDatabase.ts';
import type { TestTable } from '../testTable.ts';
import { azureSqlDatabase, type TdsEndpoint } from './endpoint.ts';
import { endpointEngine } from './engine.ts';

const hour = 3_600_000;
export const expiredEntries = 3_000;
const aliveEntries = 20;
const aliveIds = Array.from({ length: aliveEntries }, (_, index) => `a${index}`).sort();

export interface Outcome {
  report?: PurgeReport;
  error?: { code: string; message: string; advice: string; kind?: string };
  /** How long the run waited, in ms, before it tried again or went on; the tests skip these waits. */
  waits: readonly number[];
}

type Changes = Partial<Pick<SqlServerOptions, 'statementTimeoutMs' | 'credential' | 'keptLook'>> & {
  connectionString?: string;
};

export interface Scenario {
  table(): TestTable;
  endpoint(): TdsEndpoint;
  open(changes?: Changes): CacheTable;
  run(
    cache: CacheTable,
    request?: PurgeRequest,
    policy?: Partial<PurgePolicy>,
    sleep?: Clock['sleep'],
  ): Promise<Outcome>;
  /**
   * What must hold after every fault: no entry lost or wrongly deleted, what was counted is what was deleted (but for
   * answers that were lost), no secret told, the lock free, and the same connections good for the next run, which drains.
   */
  sound(cache: CacheTable, outcome: Outcome): Promise<void>;
}

export function useScenario(database: TestDatabase, endpoint: () => TdsEndpoint, indexed = true): Scenario {
  const engine = endpointEngine(database, endpoint);
  let table: TestTable;
  let opened: CacheTable[] = [];

  beforeEach(async () => {
    Object.assign(endpoint().server, azureSqlDatabase);
    endpoint().received.length = 0;
    table = await engine.create(engine.ordinaryName);
    await table.insert([
      ...Array.from({ length: expiredEntries }, (_, index) => ({ id: `e${index}`, expiresInMs: -hour - index })),
      ...aliveIds.map((id) => ({ id, expiresInMs: hour })),
    ]);
    if (indexed) await table.createIndex('by_expiry', ['ExpiresAtTime']);
  });
  afterEach(async () => {
    endpoint().faults.clear();
    await Promise.all(opened.map((cache) => cache.close()));
    opened = [];
    await endpoint().kill();
    await engine.drop(engine.ordinaryName);
  });

  const open = ({ connectionString, ...changes }: Changes = {}) => {
    const text = connectionString ?? endpoint().connectionString('TrustServerCertificate=true');
    const cache = openSqlServer(text, engine.ordinaryName, { statementTimeoutMs: 2_000, ...changes });
    opened.push(cache);
    return cache;
  };

  const run: Scenario['run'] = async (cache, request = {}, policy = {}, sleep) => {
    const skipping = skippingClock();
    const clock = { ...skipping, ...(sleep && { sleep }) };
    try {
      const report = (await purge(purgeContext(cache, policy, { clock }), request)) as PurgeReport;
      return { report, waits: clock.waits };
    } catch (error) {
      return { error: error as NonNullable<Outcome['error']>, waits: clock.waits };
    }
  };

  const sound = async (cache: CacheTable, outcome: Outcome) => {
    endpoint().faults.clear();
    const ids = await table.ids();
    expect(ids.filter((id) => id.startsWith('a'))).toEqual(aliveIds);
    const left = ids.length - aliveEntries;
    if (outcome.report) {
      const { deleted, unansweredBatches } = outcome.report;
      if (unansweredBatches === 0) expect(left).toBe(expiredEntries - deleted);
      else expect(left).toBeLessThanOrEqual(expiredEntries - deleted);
      if (outcome.report.stopReason === 'drained') expect(left).toBe(0);
    }
    noSecretIn(outcome, endpoint());
    const lock = await open().tryLock('purge');
    expect(lock, 'the lock is free').toBeDefined();
    await lock?.release();
    const next = await run(cache);
    expect(next.report, next.error?.message).toMatchObject({ stopReason: 'drained', retries: 0 });
    expect(await table.ids()).toEqual(aliveIds);
  };

  return { table: () => table, endpoint, open, run, sound };
}

/** Neither the report nor the error, its stack and all its properties included, holds the password. */
export function noSecretIn(outcome: Outcome, { login }: TdsEndpoint): void {
  const { error } = outcome;
  const told = [
    JSON.stringify(outcome),
    ...(error ? Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name))) : []),
  ].join('\n');
  expect(told).not.toContain(login.password);
  expect(told).not.toContain(login.password.replaceAll('"', '""'));
  expect(told.toLowerCase()).not.toContain('password=');
}
