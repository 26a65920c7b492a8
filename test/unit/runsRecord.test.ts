import { describe, expect, it } from 'vitest';
import { type JobName, jobNames } from '../../src/lib/runs/catalogue.ts';
import { summaryOf } from '../../src/lib/runs/runJob.ts';
import { readRecord } from '../../src/lib/runs/runRecord.ts';
import { failed, purgeReport, record } from '../support/records.ts';
import { type Reports, reports } from '../support/reports.ts';

const start = new Date('2026-11-24T06:00:00Z');

describe('a record', () => {
  const jobOf: Record<keyof Reports, JobName> = {
    index: 'index',
    purgePlan: 'purge',
    counts: 'counts',
    purge: 'purge',
    clearPlan: 'clear',
    clear: 'clear',
    watch: 'redis',
    watchDown: 'redis',
    redisClearPlan: 'clear',
    redisClear: 'clear',
    app: 'app',
    appUnknown: 'app',
    revokePlan: 'revokeKeys',
    revoke: 'revokeKeys',
    ringStatusLate: 'keyRingStatus',
    rotatePlan: 'rotateKeyRing',
    rotate: 'rotateKeyRing',
    ringStatus: 'keyRingStatus',
    rewrap: 'rewrapKeyRing',
    prune: 'pruneKeyRing',
  };

  it.each(Object.entries(jobOf) as [keyof Reports, JobName][])('has its whole report: %s of %s', (name, job) => {
    const kept = { ...record(job, 'web', start), report: reports[name] };
    expect(readRecord(JSON.parse(JSON.stringify(kept)))).toEqual(kept);
    expect(summaryOf(job, reports[name] as never)).toMatch(/^[^\n]+$/);
  });

  it('is of each job: none is without a sample', () => {
    // The diagnosis has its own tests.
    expect(new Set(Object.values(jobOf))).toEqual(new Set(jobNames.filter((job) => job !== 'diagnose')));
  });

  it('of an earlier version is read in the present shape', () => {
    const { subject: _s, dryRun: _d, ...rest } = record('purge', 'web', start);
    const earlier = { ...rest, cache: 'web' };
    const read = (changes: object) => readRecord({ ...earlier, ...changes });
    expect(read({ report: reports.purge })).toEqual({ ...rest, subject: 'web', dryRun: false, report: reports.purge });
    expect(read({ report: reports.purgePlan })).toMatchObject({ dryRun: true, report: { dryRun: true } });
    expect(read({ report: purgeReport({ stopReason: 'busy' }) })).toMatchObject({ outcome: 'skipped' });
    expect(read({ report: purgeReport({ stopReason: 'aborted' }) })).toMatchObject({ outcome: 'aborted' });
    expect(read(failed('database_unavailable'))).toMatchObject({ outcome: 'failed', dryRun: false });
    expect(read(failed('cache_unknown'))).toMatchObject({ outcome: 'refused' });
    expect(read({ report: { ...reports.purge, deleted: 9 }, parts: 4, outcome: 'running' })).toMatchObject({
      outcome: 'running',
      parts: 4,
      report: { deleted: 9 },
    });
  });

  it('without a report that can be read is read without it', () => {
    const kept = record('counts', 'web', start);
    for (const report of [null, 7, 'text', [], {}, { cut: true, beginning: '{"at":' }])
      expect(readRecord({ ...kept, report })).toEqual(kept);
  });

  it.each([undefined, null, 7, 'text', {}, { job: 'purge' }, { ...record('purge', 'web', start), job: 'sweep' }])(
    'is none where it is %j',
    (kept) => {
      expect(readRecord(kept)).toBeUndefined();
    },
  );
});
