/** Removing the entries of a Redis cache that nobody can read, on real servers. */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { EntryJudge } from '../../src/lib/entryForm.ts';
import { entryJudge, type KeyVerdicts } from '../../src/lib/keyRing/entries/judgeEntries.ts';
import { headerOf } from '../../src/lib/payloadHeader.ts';
import { clearRedisCache } from '../../src/lib/redis/clear.ts';
import type { RedisClearReport } from '../../src/lib/redis/clearReport.ts';
import { clear, clearContext } from '../support/redisClear.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';

const [good, strange] = [randomUUID(), randomUUID()];
const verdicts: KeyVerdicts = new Map([[good, 'readable']]);
const judge = () => entryJudge({ verdicts: async () => verdicts, expect: undefined });
const payload = (keyId: string) => Buffer.concat([Buffer.from(headerOf(keyId), 'hex'), randomBytes(300)]);
const user = () => `web:${randomUUID()}.${randomUUID()}`;

describe.skipIf(!redisFound)('a clear of the unreadable entries of a Redis cache', () => {
  afterEach(stopAllRedisServers);

  it('removes these, and leaves every other', async () => {
    const { client, node } = await startRedis();
    const put = async (data: Buffer, key = user()) => {
      await client.hset(key, { absexp: '-1', sldexp: '-1', data });
      return key;
    };
    const kept = [
      await put(payload(good)),
      await put(Buffer.from('{"AccessToken":{}}')),
      await put(payload(strange), 'web:session'),
      await put(payload(strange), `api:${randomUUID()}.${randomUUID()}`),
    ];
    for (let entry = 0; entry < 250; entry++) await put(payload(strange));
    await put(Buffer.from('x'.repeat(30)));
    const context = clearContext(node, 'web:');
    const unreadable = {
      reasons: { keyInNoRing: 250, foreignFormat: 1 },
      users: 251,
      usersOfAll: 253,
      looked: 254,
      complete: true,
    };
    const plan = await clear(context, { confirm: undefined, judge: judge() });
    expect(plan).toMatchObject({ dryRun: true, wouldDelete: { count: 251 }, unreadable });
    expect(await client.dbsize()).toBe(255);
    expect(await clear(context, { judge: judge() })).toMatchObject({ deleted: 251, stopReason: 'drained', unreadable });
    expect((await client.keys('*')).sort()).toEqual([...kept].sort());
  });

  it('leaves an entry that was written anew after it was looked at', async () => {
    const { client, node } = await startRedis();
    const key = user();
    await client.hset(key, { absexp: '-1', sldexp: '-1', data: payload(strange) });
    const base = judge();
    const report = await clear(clearContext(node, 'web:'), {
      judge: async (entries) => {
        const reasons = await base(entries);
        await client.hset(key, { data: payload(good) });
        return reasons;
      },
    });
    expect(report).toMatchObject({ deleted: 0, unreadable: { users: 0, looked: 1 } });
    expect(await client.exists(key)).toBe(1);
  });

  it('that fails says that not every entry was looked at', async () => {
    const { client, node } = await startRedis();
    for (let entry = 0; entry < 250; entry++) await client.hset(user(), { data: payload(strange) });
    const told: RedisClearReport[] = [];
    let batches = 0;
    const base = judge();
    const failing: EntryJudge = async (entries) => {
      batches += 1;
      if (batches > 1) throw new Error('the ring');
      return base(entries);
    };
    const request = { confirm: 'web', judge: failing };
    const running = clearRedisCache(clearContext(node, 'web:'), 'web', request, (report) => told.push(report));
    await expect(running).rejects.toThrow('the ring');
    const [{ deleted, unreadable } = {}] = told;
    expect(deleted).toBe(250 - (await client.dbsize()));
    expect(unreadable).toMatchObject({ reasons: { keyInNoRing: deleted }, complete: false });
  });
});
