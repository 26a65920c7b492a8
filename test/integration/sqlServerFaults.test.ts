/** What a purge does when statements fail, by the numbers that SQL Server gives; by script, through the real driver. */
import { describe, expect, it } from 'vitest';
import { errorFault, type Fault } from '../support/sqlServer/faults.ts';
import { expiredEntries, useScenario } from '../support/sqlServer/scenario.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);

/** Every statement of an ordinary run that may meet a fault and be tried again, or done without. */
const statementsOfARun = [
  'traits',
  'tableKind',
  'clock',
  'tryLock',
  'backlog',
  'nextRanges',
  'deleteRange',
  'resourceStats',
  'lockWaits',
  'unlock',
];

describe('a fault that passes', () => {
  const scenario = useScenario(database, endpoint);

  /** No statement is cancelled on a machine that is busy, where retries are counted. */
  const unhurried = { statementTimeoutMs: 60_000 };
  const faults: [string, Fault][] = [
    ['a deadlock (1205)', errorFault(1205)],
    ['a failover (40613)', errorFault(40613)],
    ['a reset before it', { kind: 'reset', when: 'before' }],
    ['a reset in the middle of its answer', { kind: 'reset', when: 'middle' }],
    ['a reset after it was committed, before its answer', { kind: 'reset', when: 'after' }],
    ['an answer in packets of one byte', { kind: 'oneBytePackets' }],
  ];
  for (const [name, fault] of faults) {
    it.each(statementsOfARun)(`at the statement %s: ${name}`, async (statement) => {
      const cache = scenario.open();
      endpoint().faults.on(statement, fault);
      const before = endpoint().faults.struck.length;
      // With somebody who looks on, what has expired is counted first.
      const outcome = await scenario.run(cache, { onProgress: () => undefined });
      expect(endpoint().faults.struck.slice(before)).toEqual([statement]);
      expect(outcome.report, outcome.error?.message).toMatchObject({ stopReason: 'drained' });
      await scenario.sound(cache, outcome);
    });
  }

  it.each([40613, 40501, 40197, 10928, 10929, 49918, 8645])(
    'error %i at batches: tried again after a wait that grows, at the same size',
    async (number) => {
      const cache = scenario.open(unhurried);
      endpoint().faults.on('deleteRange', errorFault(number), { skip: 1, times: 3 });
      const outcome = await scenario.run(cache);
      expect(outcome.report).toMatchObject({ stopReason: 'drained', retries: 3 });
      // 0.1, 0.2 and 0.4 s, each with a random factor from 1 to 2.
      expect(outcome.waits.map((ms) => Math.floor(Math.log2(ms / 100)))).toEqual([0, 1, 2]);
      await scenario.sound(cache, outcome);
    },
  );

  it.each([1205, 1222, 1204])('error %i at batches: tried again with fewer rows', async (number) => {
    const cache = scenario.open(unhurried);
    endpoint().faults.on('deleteRange', errorFault(number), { times: 3 });
    // A target that no batch comes near: the size would only grow.
    const outcome = await scenario.run(cache, { maxRows: 100 }, { batchTargetMs: 10_000 });
    expect(outcome.report).toMatchObject({ stopReason: 'rowLimit', retries: 3, unansweredBatches: 0, deleted: 100 });
    expect(outcome.report?.batchSize).toBeLessThan(1_000);
    await scenario.sound(cache, outcome);
  });

  it('is an answer that was lost: its batch is repeated, and said not to be counted', async () => {
    const cache = scenario.open(unhurried);
    endpoint().faults.on('deleteRange', { kind: 'reset', when: 'after' });
    const outcome = await scenario.run(cache);
    expect(outcome.report).toMatchObject({ stopReason: 'drained', retries: 1, unansweredBatches: 1 });
    expect(outcome.report?.deleted).toBeLessThan(expiredEntries);
    await scenario.sound(cache, outcome);
  });

  it('is a failover after the commit (40197): the same', async () => {
    const cache = scenario.open(unhurried);
    endpoint().faults.on('deleteRange', { ...errorFault(40197), after: true } as Fault);
    const outcome = await scenario.run(cache);
    expect(outcome.report).toMatchObject({ stopReason: 'drained', retries: 1, unansweredBatches: 1 });
    await scenario.sound(cache, outcome);
  });

  it('is a statement that hangs: cancelled at its deadline, and tried again with fewer rows', async () => {
    const cache = scenario.open({ statementTimeoutMs: 500 });
    endpoint().faults.on('deleteRange', { kind: 'hang' });
    const outcome = await scenario.run(cache, { maxRows: 100 }, { batchTargetMs: 10_000 });
    expect(outcome.report).toMatchObject({ stopReason: 'rowLimit', retries: 1, unansweredBatches: 0 });
    expect(outcome.report?.batchSize).toBeLessThan(1_000);
    await scenario.sound(cache, outcome);
  });
});

describe('a fault that stays', () => {
  const scenario = useScenario(database, endpoint);
  const always = { times: 10_000 };

  it.each([40613, 40501, 40197, 10928, 10929, 49918, 8645])(
    'error %i: tried again until the budget ends, then told',
    async (number) => {
      const cache = scenario.open();
      endpoint().faults.on('deleteRange', errorFault(number), always);
      const outcome = await scenario.run(cache, {}, { timeBudgetMs: 30_000 });
      expect(outcome.error).toMatchObject({ code: 'database_unavailable', kind: 'transient' });
      expect(outcome.error?.message).toContain(String(number));
      expect(outcome.waits.reduce((sum, ms) => sum + ms)).toBeGreaterThan(10_000);
      await scenario.sound(cache, outcome);
    },
  );

  it.each([1205, 1222, 1204])('error %i: a normal end at the budget, which the next run takes up', async (number) => {
    const cache = scenario.open();
    endpoint().faults.on('deleteRange', errorFault(number), always);
    const outcome = await scenario.run(cache, {}, { timeBudgetMs: 30_000 });
    expect(outcome.report).toMatchObject({ stopReason: 'timeBudget', deleted: 0 });
    expect(outcome.report?.batchSize).toBeLessThan(500);
    await scenario.sound(cache, outcome);
  });

  it.each([
    ['deleteRange', 229, 'permission_missing', 'GRANT SELECT, DELETE ON [dbo].[TokenCache] TO [app user];'],
    ['deleteRange', 230, 'permission_missing', 'GRANT SELECT, DELETE ON [dbo].[TokenCache] TO [app user];'],
    ['clock', 229, 'permission_missing', 'GRANT SELECT, DELETE ON [dbo].[TokenCache] TO [app user];'],
    ['clock', 208, 'table_missing', 'TOKEN_CACHE_TABLE'],
    ['clock', 207, 'column_missing', 'Id, Value and ExpiresAtTime'],
    ['deleteRange', 208, 'table_missing', 'TOKEN_CACHE_TABLE'],
    ['deleteRange', 9002, 'log_full', 'log backup'],
    ['deleteRange', 8622, 'index_lost', 'The next run creates it again.'],
    ['deleteRange', 3906, 'database_read_only', 'ApplicationIntent'],
    ['deleteRange', 1105, 'disk_full', 'file group'],
    ['clock', 40544, 'disk_full', 'size limit'],
    ['clock', 911, 'database_missing', 'no such database'],
    ['clock', 942, 'database_unavailable', 'offline'],
    ['clock', 916, 'permission_missing', 'CREATE USER [app user] FOR LOGIN [app user];'],
    ['clock', 4405, 'table_unsuitable', 'view'],
    ['clock', 999, 'database_error', 'token-cache diagnose'],
  ])('at %s, error %i: the run stops at once, with %s', async (statement, number, code, advice) => {
    const cache = scenario.open();
    const before = endpoint().faults.struck.length;
    endpoint().faults.on(statement, errorFault(number), always);
    const outcome = await scenario.run(cache);
    expect(outcome.error).toMatchObject({ code, kind: 'permanent', advice: expect.stringContaining(advice) });
    expect(outcome.error?.message).toContain(`SQL Server ${number}`);
    expect(endpoint().faults.struck.slice(before)).toEqual([statement]);
    await scenario.sound(cache, outcome);
  });

  it.each([
    ['resourceStats', 262],
    ['lockWaits', 297],
    ['lockWaits', 300],
    ['lockWaits', 15247],
  ])('%s, error %i: the load is not watched, and the GRANT is told', async (statement, number) => {
    const cache = scenario.open();
    endpoint().faults.on(statement, errorFault(number), always);
    const outcome = await scenario.run(cache);
    expect(outcome.report).toMatchObject({ stopReason: 'drained', deleted: expiredEntries });
    expect(outcome.report?.warnings.join(' ')).toContain('need GRANT VIEW DATABASE STATE TO [app user]');
    await scenario.sound(cache, outcome);
  });
});
