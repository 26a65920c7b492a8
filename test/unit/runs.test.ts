import { randomUUID } from 'node:crypto';
import type { InvocationContext } from '@azure/functions';
import { beforeEach, describe, expect, it } from 'vitest';
import { describeFailures } from '../../src/functions/support/failures.ts';
import { logTo } from '../../src/functions/support/log.ts';
import { diagnosisReport } from '../../src/lib/checks/diagnosisReport.ts';
import { runChecks } from '../../src/lib/checks/runChecks.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { errorCodes } from '../../src/lib/errorCodes.ts';
import { MaintenanceError } from '../../src/lib/errors.ts';
import { Repeats } from '../../src/lib/repeats.ts';
import { noRecordStore } from '../../src/lib/runs/recordStore.ts';
import { newRunId, parseRunId } from '../../src/lib/runs/runId.ts';
import { type Log, type RunDeps, runJob } from '../../src/lib/runs/runJob.ts';
import { memoryRecords } from '../support/memoryRecords.ts';
import { purgeReport } from '../support/records.ts';

const minute = 60_000;
const start = new Date('2026-11-24T06:00:00Z');
const at = (minutes: number) => new Date(start.getTime() + minutes * minute);

describe('run ids', () => {
  it('sort the newest run first, and carry what finds the record', () => {
    const ids = [1, 2, 3].map((minutes) => newRunId('purge', 'web', at(minutes)));
    expect([...ids].sort()).toEqual(ids.reverse());
    expect(parseRunId(ids[0] ?? '')).toMatchObject({ job: 'purge', subject: 'web' });
  });

  it.each(['', 'purge', 'purge.web', '../../etc.web.00000000000deadbeef', 'purge.Web.00000000000deadbeef'])(
    'are not %j',
    (text) => {
      expect(parseRunId(text)).toBeUndefined();
    },
  );
});

describe('a run', () => {
  const lines: [string, string][] = [];
  const log: Log = (level, message) => void lines.push([level, message]);
  const run = (
    work: Parameters<typeof runJob<'purge'>>[1]['work'],
    changes: Partial<RunDeps & { dryRun: boolean }> = {},
  ) => {
    const { dryRun = false, ...deps } = changes;
    const job = { job: 'purge' as const, subject: 'web', started: 'timer', dryRun, work };
    return runJob({ clock: systemClock, records: noRecordStore, log, ...deps }, job);
  };
  const failing = (error: unknown) => () => Promise.reject(error);
  beforeEach(() => {
    lines.length = 0;
  });

  it('gives the report, and one line for the reader after its warnings, each told once', async () => {
    const report = purgeReport({ deleted: 3, warnings: ['Mind the gap.', 'Mind the gap.'] });
    expect(await run(async () => report)).toMatchObject({
      outcome: 'succeeded',
      dryRun: false,
      report,
      trigger: 'timer',
    });
    expect(lines.map(([level]) => level)).toEqual(['warn', 'info']);
    expect(lines[1]?.[1]).toMatch(/^purge web: drained, 3 expired entries deleted .* in PT/);
  });

  it.each([
    ['succeeded', 'drained'],
    ['succeeded', 'timeBudget'],
    ['succeeded', 'rowLimit'],
    ['succeeded', 'unhealthy'],
    ['skipped', 'busy'],
    ['aborted', 'aborted'],
  ] as const)('is %s where it stopped by %s', async (outcome, stopReason) => {
    expect(await run(async () => purgeReport({ stopReason }))).toMatchObject({ outcome });
  });

  it('is aborted where it is a diagnosis with a check that was stopped', async () => {
    const check = {
      id: 'hangs',
      symptom: 'slow',
      timeLimitMs: 60_000,
      run: () => new Promise<never>(() => undefined),
    } as const;
    const examination = { subject: 'x', checks: [check], of: null };
    const checks = await runChecks(examination, systemClock, AbortSignal.abort());
    const work = async () => diagnosisReport(start, checks, {});
    const diagnose = { job: 'diagnose' as const, subject: 'all', started: 'cli', dryRun: false, work };
    expect(await runJob({ clock: systemClock, records: noRecordStore, log }, diagnose)).toMatchObject({
      outcome: 'aborted',
    });
  });

  it.each(Object.entries(errorCodes).map(([code, facts]) => [code, facts.outcome] as const))(
    'that ends with %s is %s',
    async (code, outcome) => {
      const error = new MaintenanceError(code as keyof typeof errorCodes, 'It is so', 'Do this.');
      expect(await run(failing(error))).toMatchObject({ outcome, error: { code, message: 'It is so.' } });
      expect(lines).toEqual([
        [outcome === 'failed' ? 'error' : 'warn', `purge web: ${outcome} (${code}). It is so. Do this.`],
      ]);
    },
  );

  // A table that changed would change the tests above with it.
  it('is refused for the caller’s and the ring’s no alone, and aborted where it was stopped', () => {
    const codes = (ending: string) =>
      Object.entries(errorCodes).flatMap(([code, { outcome }]) => (outcome === ending ? [code] : []));
    expect(codes('aborted').sort()).toEqual(['aborted', 'run_aborted', 'watch_aborted']);
    expect(codes('refused').sort()).toEqual([
      'app_unknown',
      'app_unreadable',
      'body_too_large',
      'cache_required',
      'cache_unknown',
      'clear_not_allowed',
      'confirmation_wrong',
      'content_type_unsupported',
      'engine_unsuitable',
      'instance_name_missing',
      'json_invalid',
      'key_ring_observed',
      'key_ring_unknown',
      'key_unknown',
      'not_acceptable',
      'prefix_ambiguous',
      'purge_request_invalid',
      'reason_unwritable',
      'request_invalid',
      'revocation_in_future',
      'rings_unreadable',
      'role_missing',
      'run_in_progress',
      'run_unknown',
      'too_many_requests',
      'user_name_taken',
    ]);
  });

  it.each(Object.entries(errorCodes))('that ends with %s answers as its outcome is', (_code, { outcome, status }) => {
    expect(status >= 400 && status < 500).toBe(outcome === 'refused');
    expect(status).toBeLessThan(600);
  });

  it('says of an unexpected failure that it is a defect', async () => {
    expect(await run(failing(new TypeError('x is undefined')))).toMatchObject({
      outcome: 'failed',
      error: { code: 'internal_error' },
    });
  });

  it('keeps what it did before it failed, and whether it was dry', async () => {
    const records = memoryRecords();
    const report = purgeReport({ deleted: 4_857, stopReason: 'failed' });
    const error = new MaintenanceError('database_error', 'A foreign key', 'Look.');
    await run(
      async ({ soFar }) => {
        soFar(report);
        throw error;
      },
      { records },
    );
    await run(failing(error), { records, dryRun: true });
    expect(records.runs).toMatchObject([
      { outcome: 'failed', dryRun: true },
      { outcome: 'failed', dryRun: false, report: { deleted: 4_857 } },
    ]);
  });

  it('costs nothing but a warning when its record cannot be kept', async () => {
    const records = { ...noRecordStore, addRun: () => Promise.reject(new Error('disk full')) };
    expect(await run(async () => purgeReport(), { records })).toMatchObject({ outcome: 'succeeded' });
    expect(lines.at(-1)?.[1]).toContain('disk full');
  });
});

describe('the log of an invocation', () => {
  const lines: string[] = [];
  const keep = (text: string) => void lines.push(text);
  const invocation = () => ({ info: keep, warn: keep, error: keep }) as unknown as InvocationContext;
  beforeEach(() => void lines.splice(0));

  it('has a warning once that all of its runs give', async () => {
    const broken = {
      ...noRecordStore,
      addRun: () => Promise.reject(new Error(`away\nRequestId:${randomUUID()}\nTime:${new Date().toISOString()}`)),
    };
    const context = invocation();
    for (const cache of ['web', 'shop', 'mail'])
      await runJob(
        { clock: systemClock, records: broken, log: logTo(context) },
        { job: 'purge', subject: cache, started: 'timer', dryRun: false, work: async () => purgeReport() },
      );
    expect(lines.filter((line) => line.includes('could not be kept'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('drained'))).toHaveLength(3);
    logTo(invocation())('warn', 'The record of a run could not be kept: away', {});
    expect(lines.filter((line) => line.includes('could not be kept'))).toHaveLength(2);
  });

  it('names a reason once, with all that failed for it', () => {
    const error = { code: 'settings_invalid', message: 'PURGE_GRACE is wrong.', advice: 'Correct it.' };
    const other = { ...error, code: 'table_missing' };
    expect(
      describeFailures([
        { subject: 'web', error },
        { subject: 'shop', error: other },
        { subject: 'mail', error },
      ]),
    ).toEqual([
      'web, mail: settings_invalid: PURGE_GRACE is wrong. Correct it.',
      'shop: table_missing: PURGE_GRACE is wrong. Correct it.',
    ]);
  });
});

describe('a line', () => {
  it('is a repeat until its time is over', () => {
    let elapsed = 0;
    const repeats = new Repeats({ ...systemClock, elapsed: () => elapsed }, 1_000);
    expect([repeats.has('a'), repeats.has('b'), repeats.has('a')]).toEqual([false, false, true]);
    elapsed = 1_000;
    expect(repeats.has('a')).toBe(false);
  });
});
