import { randomUUID } from 'node:crypto';
import type { InvocationContext } from '@azure/functions';
import { beforeEach, describe, expect, it } from 'vitest';
import { describeFailures } from '../../src/functions/support/failures.ts';
import { logTo } from '../../src/functions/support/log.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { MaintenanceError } from '../../src/lib/errors.ts';
import { Repeats } from '../../src/lib/repeats.ts';
import { noRecordStore, type RecordStore } from '../../src/lib/runs/recordStore.ts';
import { newRunId, parseRunId } from '../../src/lib/runs/runId.ts';
import { type Job, type Log, runJob } from '../../src/lib/runs/runJob.ts';

describe('run ids', () => {
  it('sort the newest run first, and carry what finds the record', () => {
    const ids = [1, 2, 3].map((minute) => newRunId('purge', 'web', new Date(2026, 0, 1, 0, minute)));
    expect([...ids].sort()).toEqual(ids.reverse());
    expect(parseRunId(ids[0] ?? '')).toMatchObject({ job: 'purge', cache: 'web' });
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
  const job: Job<{ deleted: number }> = {
    job: 'purge',
    cache: 'web',
    trigger: 'timer',
    run: async () => ({ deleted: 3 }),
    summarize: ({ deleted }) => `${deleted} deleted`,
    warnings: () => ['mind the gap.'],
  };
  const run = (changes: Partial<typeof job>, records: RecordStore = noRecordStore) =>
    runJob({ clock: systemClock, records, log }, { ...job, ...changes });
  beforeEach(() => {
    lines.length = 0;
  });

  it('gives the report, and one line for the reader after its warnings', async () => {
    expect(await run({})).toMatchObject({ outcome: 'succeeded', report: { deleted: 3 }, trigger: 'timer' });
    expect(lines.map(([level]) => level)).toEqual(['warn', 'info']);
    expect(lines[1]?.[1]).toMatch(/^purge web: 3 deleted in PT/);
  });

  it('gives a warning once that its report has twice', async () => {
    await run({ warnings: () => ['mind the gap.', 'mind the step.', 'mind the gap.'] });
    expect(lines.filter(([level]) => level === 'warn').map(([, text]) => text)).toEqual([
      'purge web: mind the gap.',
      'purge web: mind the step.',
    ]);
  });

  it('gives an error with a code and what to do, and never throws', async () => {
    const failing = async () => {
      throw new MaintenanceError('table_missing', 'It is not there.', 'Set TOKEN_CACHE_TABLE.');
    };
    expect(await run({ run: failing })).toMatchObject({
      outcome: 'failed',
      error: { code: 'table_missing', advice: 'Set TOKEN_CACHE_TABLE.' },
    });
    expect(lines).toEqual([['error', 'purge web: failed (table_missing): It is not there. Set TOKEN_CACHE_TABLE.']]);
  });

  it('says of an unexpected failure that it is a defect', async () => {
    const failing = async () => {
      throw new TypeError('x is undefined');
    };
    expect(await run({ run: failing })).toMatchObject({ outcome: 'failed', error: { code: 'internal_error' } });
  });

  it('costs nothing but a warning when its record cannot be kept', async () => {
    const broken = { ...noRecordStore, addRun: () => Promise.reject(new Error('disk full')) };
    expect(await run({}, broken)).toMatchObject({ outcome: 'succeeded' });
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
        { job: 'purge', cache, trigger: 'timer', run: async () => ({}), summarize: () => 'done' },
      );
    expect(lines.filter((line) => line.includes('could not be kept'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('done'))).toHaveLength(3);
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
