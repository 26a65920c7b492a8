/** What every record store must do. Where records lie, and what is done with old ones, is each store's own. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RecordStore } from '../../src/lib/runs/recordStore.ts';
import type { RunRecord } from '../../src/lib/runs/runRecord.ts';
import { purgePlan, purgeReport, record } from '../support/records.ts';

export const runRecord = (subject: string, startedAt: Date, report = purgeReport()) =>
  record('purge', subject, startedAt, { trigger: 'cli', report });

export interface RecordStoreUnderTest {
  store: RecordStore;
  remove(): Promise<void>;
}

export function describeRecordStore(name: string, create: () => Promise<RecordStoreUnderTest>): void {
  describe(`the record store in ${name}`, () => {
    let subject: RecordStoreUnderTest;
    beforeEach(async () => {
      subject = await create();
    });
    afterEach(() => subject.remove());

    it('gives the newest runs of a job on a subject first, and each by its id', async () => {
      const { store } = subject;
      const runs = [3, 1, 2].map((day) => runRecord('web', new Date(2026, 0, day)));
      for (const run of [...runs, runRecord('web-2', new Date(2027, 0, 1))]) await store.addRun(run);
      expect(await store.latestRuns('purge', 'web', 2)).toEqual([runs[0], runs[2]]);
      expect(await store.latestRuns('purge', 'web', 100)).toHaveLength(3);
      expect(await store.latestRuns('index', 'web', 100)).toEqual([]);
      expect(await store.getRun(runs[1]?.runId ?? '')).toEqual(runs[1]);
    });

    it('keeps a run once, however often it is added', async () => {
      const run = runRecord('web', new Date(2026, 0, 1));
      await subject.store.addRun(run);
      await subject.store.addRun({ ...run, outcome: 'failed' });
      expect(await subject.store.latestRuns('purge', 'web', 10)).toEqual([{ ...run, outcome: 'failed' }]);
    });

    it.each([
      '',
      'nonsense',
      'purge.web.00000000000deadbeef',
      "purge.web.00000000000deadbeef' or '1' eq '1",
      '../../../etc/passwd',
    ])('knows no run %j', async (id) => {
      expect(await subject.store.getRun(id)).toBeUndefined();
    });

    it('keeps large reports', async () => {
      const report = purgePlan({ statement: 'x'.repeat(50_000), warnings: ['äöü€😀'.repeat(500)] });
      const run = record('purge', 'web', new Date(2026, 0, 1), { dryRun: true, report });
      await subject.store.addRun(run);
      expect(await subject.store.getRun(run.runId)).toEqual(run);
    });

    it('reads records of earlier versions in the present shape, beside those of this one', async () => {
      const { store } = subject;
      const { subject: cache, dryRun: _, ...rest } = runRecord('web', new Date(2026, 0, 1));
      const earlier = { ...rest, cache, parts: 3 };
      await store.addRun(earlier as unknown as RunRecord);
      const present = { ...rest, subject: 'web', dryRun: false, parts: 3 };
      expect(await store.getRun(rest.runId)).toEqual(present);
      const run = runRecord('web', new Date(2026, 0, 2));
      await store.addRun(run);
      expect(await store.latestRuns('purge', 'web', 10)).toEqual([run, present]);
    });

    it('passes over what is not a record', async () => {
      const { store } = subject;
      const run = runRecord('web', new Date(2026, 0, 1));
      await store.addRun(run);
      await store.addRun({ runId: runRecord('web', new Date(2026, 0, 2)).runId } as RunRecord);
      expect(await store.latestRuns('purge', 'web', 10)).toEqual([run]);
    });

    it('keeps states by any key, and forgets them', async () => {
      const { store } = subject;
      for (const key of ['position|purge|web', 'a/b\\c#d?e', 'ü 😀']) {
        expect(await store.readState(key)).toBeUndefined();
        await store.writeState(key, { at: key, list: [1, 2] });
        expect(await store.readState(key)).toEqual({ at: key, list: [1, 2] });
        await store.writeState(key, 'other');
        expect(await store.readState(key)).toBe('other');
        await store.writeState(key, undefined);
        await store.writeState(key, undefined);
        expect(await store.readState(key)).toBeUndefined();
      }
    });
  });
}
