/** What a run asks of the server that happens 48 times a day: counts of statements and connections, which no load changes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { ensureExpiryIndex } from '../../src/lib/sql/ensureExpiryIndex.ts';
import { purge } from '../../src/lib/sql/purge.ts';
import { openPostgres } from '../support/openTables.ts';
import { indexPolicy, purgeContext } from '../support/policies.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { countStatements, type StatementCounter } from '../support/postgresStatements.ts';
import { endpointEngine } from '../support/sqlServer/engine.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const hour = 3_600_000;
const live = Array.from({ length: 500 }, (_, index) => ({ id: `live${index}`, expiresInMs: hour + index }));
const expired = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: `e${index}`, expiresInMs: -hour - index }));

describe('on PostgreSQL a purge', () => {
  const engine = postgresEngine(database);
  let counter: StatementCounter;
  beforeEach(async () => {
    counter = await countStatements(Number(new URL(database.url).port));
  });
  afterEach(async () => {
    await counter.close();
    await engine.drop(engine.ordinaryName);
  });

  /** A run on a table with its index, through the line that is read along. */
  async function runOn(entries: { id: string; expiresInMs: number }[]) {
    const table = await engine.create(engine.ordinaryName);
    await table.insert(entries);
    const first = table.open();
    await ensureExpiryIndex(first, indexPolicy, systemClock);
    await first.close();
    const url = new URL(database.url);
    url.port = String(counter.port);
    const cache = openPostgres(url.href, engine.ordinaryName);
    const report = await purge(purgeContext(cache));
    await cache.close();
    return { report, ids: await table.ids() };
  }

  it.each([
    ['finds nothing expired', live],
    ['finds an empty table', []],
  ])('that %s asks at most 8 statements on 2 connections', async (_case, entries) => {
    const { report } = await runOn(entries);
    expect(report).toMatchObject({
      stopReason: 'drained',
      deleted: 0,
      expiredRemaining: { count: 0, estimated: false },
    });
    expect(counter.connections).toBeLessThanOrEqual(2);
    expect(counter.statements.length, counter.statements.join('\n')).toBeLessThanOrEqual(8);
  });

  it('that finds half an hour of entries adds only what it deletes with', async () => {
    const { report, ids } = await runOn([...live, ...expired(300)]);
    expect(report).toMatchObject({ stopReason: 'drained', deleted: 300, oldestExpiredAge: { after: null } });
    expect(ids).toHaveLength(live.length);
    expect(counter.connections).toBeLessThanOrEqual(2);
    const { batches } = report as { batches: number };
    // A look and a delete for each batch, a last pass, and what chooses the way.
    expect(counter.statements.length, counter.statements.join('\n')).toBeLessThanOrEqual(14 + 2 * batches);
  });
});

describe('on SQL Server a purge', () => {
  const endpoint = useEndpoint(database);
  const engine = endpointEngine(database, endpoint);
  afterEach(() => engine.drop(engine.ordinaryName));

  it('that finds nothing expired asks at most 9 statements', async () => {
    const table = await engine.create(engine.ordinaryName);
    await table.insert(live);
    const first = table.open();
    await ensureExpiryIndex(first, indexPolicy, systemClock);
    await first.close();
    const before = endpoint().received.length;
    const cache = table.open();
    const report = await purge(purgeContext(cache));
    await cache.close();
    expect(report).toMatchObject({ stopReason: 'drained', deleted: 0 });
    // Without what the driver sends at each login and reset: its SET options.
    const asked = endpoint()
      .received.slice(before)
      .flatMap(({ name }) => name ?? []);
    expect(asked.length, asked.join(' ')).toBeLessThanOrEqual(9);
  });
});
