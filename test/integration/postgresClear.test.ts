/** A clear on PostgreSQL: entries at the end of time, and a table that apps go on using. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { clearTable } from '../../src/lib/sql/clear.ts';
import { quickPolicy } from '../support/policies.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import type { TestTable } from '../support/testTable.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const hour = 3_600_000;

describe('a clear on PostgreSQL', () => {
  let table: TestTable;
  beforeEach(async () => {
    table = await engine.create(engine.ordinaryName);
    await table.insert(Array.from({ length: 50 }, (_, index) => ({ id: `e${index}`, expiresInMs: hour + index })));
  });
  afterEach(() => engine.drop(engine.ordinaryName));

  const clear = async () => {
    const cache = table.open();
    try {
      return await clearTable({ table: cache, policy: quickPolicy, clock: systemClock }, 'web', { confirm: 'web' });
    } finally {
      await cache.close();
    }
  };

  it.each(['infinity', '9999-12-31 23:59:59.999999+00'])('deletes entries that expire at %s', async (end) => {
    await database.query(`update public.tokencache set expiresattime = $1 where id in ('e1', 'e2')`, [end]);
    for (const indexed of [false, true]) {
      if (indexed) await database.query('create index by_expiry on public.tokencache (expiresattime)');
      const expected = indexed ? 1 : 50;
      if (indexed) {
        await table.insert([{ id: 'again', expiresInMs: hour }]);
        await database.query('update public.tokencache set expiresattime = $1', [end]);
      }
      expect(await clear()).toMatchObject({ stopReason: 'drained', deleted: expected, remaining: { count: 0 } });
    }
    expect(await table.ids()).toEqual([]);
  });
});
