/** What lives in a session: SET options, the run's lock, and the login with its token; through the real driver. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { errorFault } from '../support/sqlServer/faults.ts';
import { useScenario } from '../support/sqlServer/scenario.ts';
import { defaultOptions } from '../support/sqlServer/settings.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);
const scenario = useScenario(database, endpoint);

describe('SET options', () => {
  const deletes = () => endpoint().received.filter(({ name }) => name === 'deleteRange' || name === 'deleteKeyRange');
  const inForce = { xactAbort: 'ON', deadlockPriority: 'LOW', lockTimeout: '1000', isolation: 'READ COMMITTED' };

  it('are in force in the very request that deletes, also after a reconnect', async () => {
    const cache = scenario.open();
    endpoint().faults.on('deleteRange', { kind: 'reset', when: 'before' }, { skip: 1 });
    const outcome = await scenario.run(cache);
    const sessions = new Set(deletes().map(({ session }) => session));
    expect(sessions.size).toBe(2);
    for (const { during, inProcedure } of deletes()) {
      expect(during).toMatchObject(inForce);
      expect(inProcedure).toBe(true);
    }
    await scenario.sound(cache, outcome);
  });

  it('are those of a new session again when the connection goes back to the pool', async () => {
    await scenario.run(scenario.open());
    expect(deletes().length).toBeGreaterThan(1);
    for (const { after } of endpoint().received) expect(after).toEqual(defaultOptions);
  });
});

describe("the run's lock", () => {
  afterEach(() => vi.restoreAllMocks());
  /** The session that asked for the lock last. */
  const holder = () => endpoint().received.findLast(({ name }) => name === 'tryLock')?.session;

  it('that is lost with its connection ends the run at the next batch', async () => {
    const cache = scenario.open();
    let killed: Promise<void> | undefined;
    const outcome = await scenario.run(
      cache,
      {
        onProgress: () => {
          killed ??= endpoint().kill(({ id }) => id === holder());
        },
      },
      { batchTargetMs: 10, pauseRatio: 10, timeBudgetMs: 3_600_000 },
      // In the pause after the first batch the connection goes, and its end is seen.
      () => Promise.resolve(killed).then(() => systemClock.sleep(200)),
    );
    expect(outcome.report).toMatchObject({ stopReason: 'aborted', batches: 1 });
    expect(outcome.report?.warnings.join(' ')).toContain("run's lock was lost");
    await scenario.sound(cache, outcome);
  });

  it('is free for the next run at once when its connection is lost', async () => {
    const lock = await scenario.open().tryLock('purge');
    expect(await lock?.isHeld()).toBe(true);
    await endpoint().kill(({ id }) => id === holder());
    const next = await scenario.open().tryLock('purge');
    expect(next).toBeDefined();
    await expect.poll(() => lock?.isHeld(), { timeout: 5_000 }).toBe(false);
    await lock?.release();
    expect(await next?.isHeld()).toBe(true);
    await next?.release();
  });

  it.each([
    ['answers that it does not hold it', 'unlocked'],
    ['answers with an error', 'error'],
    ['hangs', 'hang'],
    ['is dead without a word', 'blackHole'],
  ] as const)('counts as lost where its session %s', async (_, way) => {
    const lock = await scenario.open().tryLock('purge');
    if (way === 'unlocked')
      for (const { pid } of await database.advisoryLocks())
        await database.query('select pg_terminate_backend($1)', [pid]);
    if (way === 'error') endpoint().faults.on('lockMode', errorFault(40197));
    if (way === 'hang' || way === 'blackHole') endpoint().faults.on('lockMode', { kind: way });
    const { now } = performance;
    const later = now.call(performance) + 6_000;
    vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + 6_000);
    expect(performance.now()).toBeGreaterThanOrEqual(later);
    expect(await lock?.isHeld()).toBe(false);
    await lock?.release();
  });
});

describe('an Entra login', () => {
  const connectionString = () =>
    `Server=tcp:127.0.0.1,${endpoint().port};Database=cache;Authentication=Active Directory Default;TrustServerCertificate=true;Connect Timeout=2`;
  const accepted = new Set<string>();
  const expired = {
    number: 18456,
    severity: 14,
    message: "Login failed for user '<token-identified principal>'. Token is expired.",
  };
  const withToken = (tokens: () => string) => {
    const asked: (string | string[])[] = [];
    const credential = async () => ({
      getToken: async (scope: string | string[]) => {
        asked.push(scope);
        return { token: tokens(), expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    });
    endpoint().login.token = (token) => (accepted.has(token) ? undefined : expired);
    return { cache: scenario.open({ connectionString: connectionString(), credential }), asked };
  };

  it('gets its token for Azure SQL, anew for each connection', async () => {
    accepted.add('first-token');
    const { cache, asked } = withToken(() => 'first-token');
    const outcome = await scenario.run(cache);
    expect(outcome.report).toMatchObject({ stopReason: 'drained' });
    expect(new Set(asked)).toEqual(new Set(['https://database.windows.net/.default']));
    expect(asked.length).toBeGreaterThan(1);
    await scenario.sound(cache, outcome);
  });

  it('with a token longer than a packet goes through', async () => {
    const token = 'x'.repeat(20_000);
    accepted.add(token);
    expect((await scenario.run(withToken(() => token).cache)).report).toMatchObject({ stopReason: 'drained' });
  });

  it('whose token expires in mid-run fetches a new one, and tells neither', async () => {
    accepted.clear();
    accepted.add('old-secret-token');
    let refused = 0;
    const { cache } = withToken(() => (refused > 0 ? 'new-secret-token' : 'old-secret-token'));
    endpoint().login.token = (token) => {
      if (accepted.has(token)) return undefined;
      refused += 1;
      return expired;
    };
    let struck = false;
    const outcome = await scenario.run(
      cache,
      {
        onProgress: () => {
          if (struck) return;
          struck = true;
          accepted.clear();
          accepted.add('new-secret-token');
          const lockHolder = endpoint().received.findLast(({ name }) => name === 'tryLock')?.session;
          void endpoint().kill(({ id }) => id !== lockHolder);
        },
      },
      { batchTargetMs: 10, pauseRatio: 10, timeBudgetMs: 3_600_000 },
    );
    expect(refused).toBeGreaterThan(0);
    expect(outcome.report, outcome.error?.message).toMatchObject({ stopReason: 'drained' });
    expect(JSON.stringify(outcome)).not.toMatch(/(old|new)-secret-token/);
    await scenario.sound(cache, outcome);
  });

  it('for which no token can be had says so', async () => {
    const credential = async () => ({
      getToken: async () => {
        throw Object.assign(new Error('no managed identity here'), { name: 'CredentialUnavailableError' });
      },
    });
    const outcome = await scenario.run(scenario.open({ connectionString: connectionString(), credential }));
    expect(outcome.error).toMatchObject({ code: 'login_failed', advice: expect.stringContaining('az login') });
  });
});
