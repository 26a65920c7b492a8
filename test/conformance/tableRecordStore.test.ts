/** The record store in Azure Table Storage, on Azurite. */
import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalStorage, startAzurite } from '../../dev/azurite.ts';
import { recordTableName, TableRecordStore } from '../../src/lib/runs/tableRecordStore.ts';
import { purgeReport } from '../support/records.ts';
import { describeRecordStore, runRecord } from './recordStore.ts';

let storage: LocalStorage;
beforeAll(async () => {
  storage = await startAzurite();
});
afterAll(() => storage.stop());

const client = () =>
  TableClient.fromConnectionString(storage.connectionString, recordTableName, { allowInsecureConnection: true });
const day = 86_400_000;
/** Near the records of the suite: older ones would be removed. */
const suiteNow = () => new Date(2026, 0, 10);

describeRecordStore('Azure Table Storage', async () => ({
  store: new TableRecordStore(async () => client(), suiteNow),
  remove: async () => void (await client().deleteTable()),
}));

describe('the record store in Azure Table Storage', () => {
  it('removes runs that are older than 90 days', async () => {
    let now = new Date(2026, 5, 1);
    const store = new TableRecordStore(
      async () => client(),
      () => now,
    );
    const at = (days: number) => new Date(now.getTime() + days * day);
    const runs = [runRecord('web', at(-100)), runRecord('web', at(-80)), runRecord('web', at(0))];
    for (const run of runs) await store.addRun(run);
    now = at(1);
    await store.addRun(runRecord('web', now));
    expect((await store.latestRuns('purge', 'web', 10)).map(({ startedAt }) => startedAt)).toEqual(
      [now, at(-1), at(-81)].map((date) => date.toISOString()),
    );
    await client().deleteTable();
  });

  it('keeps a record without its report where that is too large for an entity, and marks it', async () => {
    const store = new TableRecordStore(
      async () => client(),
      () => new Date(),
    );
    const run = runRecord('web', new Date(), purgeReport({ warnings: ['x'.repeat(500_000)] }));
    const { report: _, ...rest } = run;
    await store.addRun(run);
    expect(await store.getRun(run.runId)).toEqual({ ...rest, cut: true });
    await client().deleteTable();
  });

  it('takes an entity that is not JSON for none', async () => {
    const store = new TableRecordStore(async () => client(), suiteNow);
    const [whole, damaged] = [1, 2].map((day) => runRecord('web', new Date(2026, 0, day)));
    for (const run of [whole, damaged]) if (run) await store.addRun(run);
    await client().upsertEntity(
      { partitionKey: 'purge|web', rowKey: damaged?.runId.split('.')[2] ?? '', json0: '{ broken' },
      'Replace',
    );
    expect(await store.getRun(damaged?.runId ?? '')).toBeUndefined();
    expect(await store.latestRuns('purge', 'web', 10)).toEqual([whole]);
    await client().deleteTable();
  });

  it('fails where the storage is not there, and works once it is', async () => {
    let there = false;
    const store = new TableRecordStore(
      async () => {
        if (!there) throw new Error('no storage');
        return client();
      },
      () => new Date(),
    );
    await expect(store.readState('x')).rejects.toThrow('no storage');
    there = true;
    expect(await store.readState('x')).toBeUndefined();
    await client().deleteTable();
  });
});
