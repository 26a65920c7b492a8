/** What a SQL Server, or what speaks like one, may refuse: the run does without, and says why. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { AppPurge } from '../../src/lib/sql/cacheTable.ts';
import { countEntries } from '../../src/lib/sql/counts.ts';
import { ensureExpiryIndex } from '../../src/lib/sql/ensureExpiryIndex.ts';
import { KeptFacts } from '../../src/lib/sql/keptFacts.ts';
import { indexPolicy } from '../support/policies.ts';
import { errorFault, type Fault } from '../support/sqlServer/faults.ts';
import { expiredEntries, useScenario } from '../support/sqlServer/scenario.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);
const always = { times: 10_000 };

describe('where the server refuses', () => {
  const scenario = useScenario(database, endpoint);

  it.each([229, 2812])('application locks (%i), the run goes on without', async (number) => {
    const cache = scenario.open();
    endpoint().faults.on('tryLock', errorFault(number), always);
    const outcome = await scenario.run(cache);
    expect(outcome.report).toMatchObject({ stopReason: 'drained', deleted: expiredEntries });
    expect(outcome.report?.warnings.join(' ')).toContain('The server gives no application lock');
    await scenario.sound(cache, outcome);
  });

  it.each([321, 102, 650, 651])('table hints (%i), statements run without', async (number) => {
    const cache = scenario.open();
    endpoint().faults.on('deleteRange', errorFault(number));
    const outcome = await scenario.run(cache);
    expect(outcome.report).toMatchObject({ stopReason: 'drained', deleted: expiredEntries, retries: 0 });
    expect(outcome.report?.warnings.join(' ')).toContain('The server refuses table hints');
    await scenario.sound(cache, outcome);
  });

  it.each([
    ['nextRanges', 321],
    ['deleteRange', 651],
  ])('hints of %s (%i), locked entries are gone around', async (statement, number) => {
    const cache = scenario.open();
    endpoint().faults.on(statement, errorFault(number));
    const unlock = await scenario.table().lock(['e10', 'e2000']);
    const { report } = await scenario.run(cache);
    expect(report).toMatchObject({ stopReason: 'drained', deleted: expiredEntries - 2, skippedLocked: 2 });
    await unlock();
    expect((await scenario.run(cache)).report).toMatchObject({ stopReason: 'drained', deleted: 2 });
  });

  it('statistics views, rows are counted and sizes come from the catalogue', async () => {
    const cache = scenario.open();
    endpoint().faults.on('catalogue', errorFault(262), always);
    const report = await countEntries(cache, systemClock);
    expect(report.entries).toEqual({ count: expiredEntries + 20, estimated: false });
    expect(report.dataBytes).toBeGreaterThan(0);
    expect(report.notes.join(' ')).toContain('partition statistics cannot be read');
  });

  it('the catalogue as well, sizes are unknown', async () => {
    const cache = scenario.open();
    endpoint().faults.on('catalogue', errorFault(297), always).on('catalogueWithoutStats', errorFault(208), always);
    const report = await countEntries(cache, systemClock);
    expect(report).toMatchObject({ entries: { count: expiredEntries + 20, estimated: false }, dataBytes: null });
    expect(report.notes.join(' ')).toContain('Sizes are unknown');
  });
});

describe('the expiry index', () => {
  const scenario = useScenario(database, endpoint, false);
  const ensure = (cache = scenario.open(), changes: Partial<typeof indexPolicy> = {}) =>
    ensureExpiryIndex(cache, { ...indexPolicy, ...changes }, systemClock);

  it.each([1088, 262, 229, 15247])(
    'that may not be created (%i): along the primary key, and who may',
    async (number) => {
      const cache = scenario.open();
      endpoint().faults.on('createIndex', errorFault(number), always);
      const outcome = await scenario.run(cache);
      expect(outcome.report).toMatchObject({ stopReason: 'drained', way: 'key', index: 'missing' });
      expect(outcome.report?.warnings.join(' ')).toContain(
        'GRANT ALTER ON [dbo].[TokenCache] TO [app user]; or create the index once yourself: CREATE INDEX',
      );
      await scenario.sound(cache, outcome);
    },
  );

  it('whose build meets a lock for long is left for the next run', async () => {
    Object.assign(endpoint().server, { engineEdition: 2, productVersion: '15.0.4000.1' });
    const cache = scenario.open();
    endpoint().faults.on('createIndex', errorFault(1222), always);
    const outcome = await scenario.run(cache, {}, { timeBudgetMs: 4_000 });
    expect(outcome.report).toMatchObject({ stopReason: 'drained', way: 'key', index: 'missing' });
    expect(outcome.report?.warnings.join(' ')).toContain('1222');
    await scenario.sound(cache, outcome);
  });

  it('that somebody else created first (1913) is as good', async () => {
    endpoint().faults.on('createIndex', { ...errorFault(1913), after: true } as Fault);
    expect(await ensure()).toMatchObject({ outcome: 'created', after: 'present', warnings: [] });
  });

  it('whose name another index has (1913) says so', async () => {
    await scenario.table().createIndex(indexPolicy.name, ['SlidingExpirationInSeconds']);
    await expect(ensure()).rejects.toMatchObject({ code: 'index_name_taken' });
  });

  it.each([1712, 155])(
    'that cannot be built online after all (%i) is built offline, and it says so',
    async (number) => {
      endpoint().faults.on('createIndex', errorFault(number));
      const report = await ensure();
      expect(report).toMatchObject({ outcome: 'created', after: 'present' });
      expect(report.warnings.join(' ')).toContain('built offline');
    },
  );

  it('is not built offline on a table too large for that', async () => {
    endpoint().faults.on('createIndex', errorFault(1712));
    await expect(ensure(scenario.open(), { offlineRowLimit: 100 })).rejects.toMatchObject({
      code: 'offline_build_refused',
      advice: expect.stringContaining('CREATE INDEX'),
    });
    expect(await scenario.table().indexNames()).toEqual([]);
  });

  it('is built offline by an edition that cannot do it online, if the table is small enough', async () => {
    // Standard edition, 2019.
    Object.assign(endpoint().server, { engineEdition: 2, productVersion: '15.0.4000.1' });
    await expect(ensure(scenario.open(), { offlineRowLimit: 100 })).rejects.toMatchObject({
      code: 'offline_build_refused',
    });
    expect(await ensure(scenario.open())).toMatchObject({ outcome: 'created' });
  });

  it('whose build was paused is resumed', async () => {
    await database.query(
      `insert into sys.index_resumable_operations select 'dbo."TokenCache"'::regclass, 'half_built', 1, 41.5`,
    );
    const cache = scenario.open();
    expect(await cache.expiryIndex.state()).toEqual({ kind: 'paused', name: 'half_built', percent: 41 });
    expect(await ensure(cache)).toMatchObject({ outcome: 'created', before: 'paused', name: 'half_built' });
    expect(await scenario.table().indexNames()).toEqual(['half_built']);
  });

  it('that is disabled is rebuilt', async () => {
    await scenario.table().createIndex('by_expiry', ['ExpiresAtTime']);
    await database.query("update pg_index set indisvalid = false where indexrelid = 'dbo.by_expiry'::regclass");
    expect(await ensure()).toMatchObject({ outcome: 'rebuilt', before: 'disabled', name: 'by_expiry' });
  });

  it('is created although paused builds cannot be seen', async () => {
    endpoint().faults.on('resumableBuilds', errorFault(297), always);
    const report = await ensure();
    expect(report).toMatchObject({ outcome: 'created' });
    expect(report.warnings.join(' ')).toContain('Whether an index build is paused cannot be seen');
  });
});

describe("the web app's own purge, by Query Store", () => {
  const scenario = useScenario(database, endpoint);
  const appPurge = async () => {
    const { appPurge } = await countEntries(scenario.open(), systemClock);
    return appPurge;
  };
  /** As many minutes ago as given; 90 s the last time, 120 s the longest. */
  const seen = (minutesAgo: number, table = '[dbo].[TokenCache]', outcome = 0) =>
    database.query(
      `insert into sys.query_store values ($1,
         (extract(epoch from now()) * 10000000)::bigint + 621355968000000000 - $2::bigint * 600000000, 90000000, $3, 7, 120000000)`,
      [`(@UtcNow datetimeoffset(7))DELETE FROM ${table} WHERE @UtcNow > ExpiresAtTime`, minutesAgo, outcome],
    );
  const reset = () =>
    database.query('delete from sys.query_store; update sys.database_query_store_options set actual_state = 2');

  it('that still runs is told, with when and how long', async () => {
    await seen(3 * 24 * 60);
    await seen(25, '[dbo].[TokenCache]', 3);
    expect(await appPurge()).toEqual({
      state: 'running',
      lastRunAt: expect.stringMatching(/^\d{4}-/),
      lastDuration: 'PT1M30S',
      lastOutcome: 'cancelled',
      longest: 'PT2M',
      runs: 14,
    });
    await reset();
  });

  it('that has stopped is told as such', async () => {
    await seen(3 * 24 * 60);
    expect(await appPurge()).toMatchObject({ state: 'stopped', lastOutcome: 'done' });
    await reset();
  });

  it('of another table, or never seen, is not seen', async () => {
    await seen(5, '[dbo].[TokenCache2]');
    expect(await appPurge()).toEqual({ state: 'notSeen' });
    await reset();
  });

  it('is unknown where Query Store is off', async () => {
    await database.query('update sys.database_query_store_options set actual_state = 0');
    expect(await appPurge()).toEqual({ state: 'unknown', reason: 'Query Store is off in this database' });
    await reset();
  });

  it.each([262, 297])('is unknown without the right (%i), and the GRANT is told', async (number) => {
    endpoint().faults.on('appPurge', errorFault(number), always);
    expect(await appPurge()).toEqual({
      state: 'unknown',
      reason: 'Query Store needs GRANT VIEW DATABASE STATE TO [app user]',
    });
  });

  it('is unknown where it cannot be read', async () => {
    endpoint().faults.on('appPurge', errorFault(208), always);
    expect(await appPurge()).toMatchObject({ state: 'unknown', reason: expect.stringContaining('208') });
  });

  it('is looked for once an hour in an instance', async () => {
    const keptLook = new KeptFacts(systemClock).of<AppPurge>('web|appPurge');
    const look = () => countEntries(scenario.open({ keptLook }), systemClock);
    const { appPurge } = await look();
    await seen(5);
    expect((await look()).appPurge).toEqual(appPurge);
    expect(endpoint().received.filter(({ name }) => name === 'appPurge')).toHaveLength(1);
    await reset();
  });

  it('is unknown on a server that has no Query Store', async () => {
    Object.assign(endpoint().server, { engineEdition: 3, productVersion: '12.0.6000.1' });
    expect(await appPurge()).toEqual({ state: 'unknown', reason: 'this server has no Query Store' });
  });
});
