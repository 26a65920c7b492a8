/** The diagnosis of this tool itself, and what it promises: bounded, read-only, without content, one check never stopping another. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../dev/freePort.ts';
import { type Check, pass } from '../../../src/lib/checks/check.ts';
import { runChecks } from '../../../src/lib/checks/runChecks.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { MaintenanceError } from '../../../src/lib/errors.ts';
import { registry } from '../../../src/lib/findings/diagnosis/registry.ts';
import { readTimers, recordTimerStart } from '../../../src/lib/findings/timers.ts';
import { diagnose, entries, entry, plainValue } from '../../support/diagnosis.ts';
import { createPostgresCache, fillPostgres, postgresTable } from '../../support/diagnosisTables.ts';
import { memoryRecords } from '../../support/memoryRecords.ts';
import { failed, record } from '../../support/records.ts';
import { useTestDatabase } from '../../support/testDatabase.ts';

const database = useTestDatabase();
const env = () => ({ TOKEN_CACHE_CONNECTION_STRING: database.url });

describe('of itself, the diagnosis blames', () => {
  beforeEach(async () => {
    await createPostgresCache(database);
    await fillPostgres(database, entries(20));
  });

  it('settings that cannot be used, and looks at the rest', async () => {
    const { blamed, report } = await diagnose({ ...env(), PURGE_TIME_BUDGET: 'soon' });
    expect(blamed).toEqual(['settings: settings_invalid']);
    expect(report.checks.find(({ check }) => check === 'connection')?.status).toBe('pass');
  });

  it('a record store that cannot be read', async () => {
    const records = { ...memoryRecords(), readState: () => Promise.reject(new Error('no storage')) };
    expect((await diagnose(env(), { records })).blamed).toEqual(['storage: storage_unreadable']);
  });

  it('runs that are not recorded, of the function app alone', async () => {
    expect((await diagnose(env(), { timers: async () => [] })).blamed).toEqual(['storage: no_records']);
    expect((await diagnose(env())).blamed).toEqual([]);
  });

  it('a timer that has stopped', async () => {
    const records = memoryRecords();
    await recordTimerStart(
      records,
      { name: 'purgeExpiredEntries', schedule: '0 */30 * * * *' },
      'one',
      new Date(Date.now() - 5 * 3_600_000),
    );
    const timer = { name: 'purgeExpiredEntries', schedule: '0 */30 * * * *', enabled: true };
    const timers = () => readTimers({ records, timers: [timer], deployment: 'one', now: new Date() });
    expect((await diagnose(env(), { records, timers })).blamed).toEqual(['timers: timer_missed']);
  });

  it('timers of which none is recorded to have fired: that is not known to be well', async () => {
    const records = memoryRecords();
    const timer = { name: 'purgeExpiredEntries', schedule: '0 */30 * * * *', enabled: true };
    const timers = () => readTimers({ records, timers: [timer], deployment: 'one', now: new Date() });
    const { blamed, unknown } = await diagnose(env(), { records, timers });
    expect({ blamed, unknown }).toEqual({ blamed: [], unknown: ['timers: no_timer_seen'] });
  });

  it('telemetry that does not arrive', async () => {
    const settings = { ...env(), OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` };
    expect((await diagnose(settings)).blamed).toEqual(['telemetry: telemetry_unreachable']);
  });

  it('an identity that gets no token', async () => {
    // No identity can be had here: nothing listens, and no tool is logged in.
    const url = new URL(database.url);
    url.password = '';
    const environment = { ...process.env };
    Object.assign(process.env, { AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' });
    try {
      const { blamed } = await diagnose({ TOKEN_CACHE_CONNECTION_STRING: url.href });
      expect(blamed).toContain('identity: no_identity');
      expect(blamed.filter((each) => !each.startsWith('identity'))).toEqual(['connection: login_failed']);
    } finally {
      process.env = environment;
    }
  });

  it('a backlog with the failure of the last purge', async () => {
    const records = memoryRecords();
    await records.addRun(record('purge', 'default', new Date(), failed('permission_missing')));
    await fillPostgres(
      database,
      entries(5, () => ({ expiresInMs: -86_400_000 })),
    );
    expect((await diagnose(env(), { records })).blamed).toEqual(['expired-backlog: purge_fails']);
  });
});

describe('the diagnosis', () => {
  afterEach(() => database.query(`drop table if exists ${postgresTable}`));

  it('changes nothing, shows no content, and keys as a hash unless asked for', async () => {
    await createPostgresCache(database);
    const secret = plainValue();
    const key = `${randomUUID()}.${randomUUID()}`;
    await fillPostgres(database, [entry({ key, value: secret.subarray(0, 900) }), ...entries(20)]);
    const state = () =>
      database.query(`select md5(string_agg(t::text, ',' order by id)) as digest from ${postgresTable} as t`);
    const before = await state();
    const { report } = await diagnose(env());
    expect(await state()).toEqual(before);
    const text = JSON.stringify(report);
    expect(text).not.toMatch(/secret-|resource0|refresh-token/);
    expect(text).not.toContain(key);
    expect(text).toMatch(/#[0-9a-f]{12}/);
    const shown = await diagnose(env(), { showKeys: true });
    expect(JSON.stringify(shown.report)).toContain(key);
  });

  it('is recorded as a run, without keys', async () => {
    await createPostgresCache(database);
    const records = memoryRecords();
    await diagnose(env(), { records });
    expect(records.runs[0]).toMatchObject({ job: 'diagnose', subject: 'all', dryRun: false, outcome: 'succeeded' });
  });

  it('can be narrowed to one cache, and refuses a name that is unknown', async () => {
    await createPostgresCache(database);
    const { report } = await diagnose(env(), { caches: ['default'] });
    expect(new Set(report.checks.map(({ subject }) => subject))).toEqual(
      new Set(['token-cache-maintenance', 'cache default']),
    );
    await expect(diagnose(env(), { caches: ['other'] })).rejects.toThrow('cache_unknown');
  });

  it('goes on where a check throws, hangs or is late', async () => {
    const check = (id: string, run: Check<null>['run'], timeLimitMs = 200): Check<null> => ({
      id,
      symptom: 'slow',
      timeLimitMs,
      run,
    });
    let ended = false;
    const checks = [
      check('throws', () => {
        throw new Error('a defect');
      }),
      check('refuses', () => Promise.reject(new MaintenanceError('permission_missing', 'It may not.', 'GRANT it.'))),
      check('hangs', (_subject, _clock, signal) => {
        signal.addEventListener('abort', () => {
          ended = true;
        });
        return new Promise(() => undefined);
      }),
      check('passes', async () => pass('fine')),
    ];
    const reports = await runChecks({ subject: 'x', checks, of: null }, systemClock);
    expect(reports.map(({ check: id, status, cause }) => [id, status, cause])).toEqual([
      ['throws', 'unknown', 'internal_error'],
      ['refuses', 'unknown', 'permission_missing'],
      ['hangs', 'unknown', 'time_limit'],
      ['passes', 'pass', null],
    ]);
    expect(reports[1]?.advice).toBe('GRANT it.');
    expect(ended).toBe(true);
  });

  it('ends at once where it is stopped', async () => {
    const stop = new AbortController();
    const checks: Check<null>[] = [
      { id: 'hangs', symptom: 'slow', timeLimitMs: 60_000, run: () => new Promise(() => undefined) },
    ];
    const running = runChecks({ subject: 'x', checks, of: null }, systemClock, stop.signal);
    stop.abort();
    expect((await running)[0]).toMatchObject({ status: 'unknown', cause: 'run_aborted' });
  });

  it('has a name of its own for each check, all within 30 s', () => {
    for (const checks of Object.values(registry) as readonly (readonly Pick<Check<never>, 'id' | 'timeLimitMs'>[])[]) {
      const ids = checks.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { timeLimitMs } of checks) expect(timeLimitMs).toBeLessThan(30_000);
    }
  });
});
