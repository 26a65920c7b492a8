/** What a clear of unreadable entries promises on every engine, on the real adapter. */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClearRequest } from '../../src/lib/clearRequest.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { EntryJudge } from '../../src/lib/entryForm.ts';
import { MaintenanceError } from '../../src/lib/errors.ts';
import { entryJudge, type KeyVerdicts } from '../../src/lib/keyRing/entries/judgeEntries.ts';
import { headerOf } from '../../src/lib/payloadHeader.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { type ClearHooks, clearTable } from '../../src/lib/sql/clear.ts';
import type { ClearPlan, ClearReport } from '../../src/lib/sql/clearReport.ts';
import { quickPolicy as policy } from '../support/policies.ts';
import type { TestEngine, TestTable } from '../support/testTable.ts';

const hour = 3_600_000;
const [good, revoked, locked, strange] = [1, 2, 3, 4].map(() => randomUUID()) as [string, string, string, string];
const verdicts: KeyVerdicts = new Map([
  [good, 'readable'],
  [revoked, 'revoked'],
  [locked, 'doesNotUnwrap'],
]);
const judge = (expected?: 'plain' | 'encrypted') => entryJudge({ verdicts: async () => verdicts, expect: expected });
const user = () => `${randomUUID()}.${randomUUID()}`;
const payload = (keyId: string) => Buffer.concat([Buffer.from(headerOf(keyId), 'hex'), randomBytes(200)]);
const plain = Buffer.from('{"AccessToken":{"x":{"secret":"…"}}}');

export function describeClearOfUnreadable(engine: TestEngine): void {
  describe(`a clear of unreadable entries on ${engine.name}`, () => {
    let table: TestTable;
    let opened: CacheTable[];
    beforeEach(async () => {
      opened = [];
      table = await engine.create(engine.ordinaryName);
    });
    afterEach(async () => {
      await Promise.all(opened.map((cache) => cache.close()));
      await engine.drop(engine.ordinaryName);
    });
    const open = () => {
      const cache = table.open();
      opened.push(cache);
      return cache;
    };
    const clear = (request: ClearRequest, hooks?: ClearHooks) =>
      clearTable({ table: open(), policy, clock: systemClock }, 'web', request, hooks);
    const insert = async (values: Buffer[], expiresInMs = hour, key = user) => {
      const entries = values.map((value) => ({ id: key(), expiresInMs, value }));
      await table.insert(entries);
      return entries.map(({ id }) => id);
    };

    it('removes those that nobody can read, and none else', async () => {
      const kept = [
        ...(await insert([payload(good), plain, payload(good)])),
        // Others who share the table have these; and what has expired is the purge's.
        ...(await insert([Buffer.from('a session'), payload(strange)], hour, randomUUID)),
        ...(await insert([payload(strange)], hour, () => `session:${randomUUID()}`)),
        ...(await insert([payload(strange)], -hour)),
      ];
      const gone = await insert([
        ...Array.from({ length: 60 }, () => payload(strange)),
        payload(revoked),
        payload(locked),
        Buffer.from([0x1f, 0x8b, 8, 0]),
        Buffer.from('{"AccessToken":{"x":{"sec'),
        Buffer.from('09f0c9f0aa', 'hex'),
      ]);
      const reasons = { keyInNoRing: 60, keyRevoked: 1, keyDoesNotUnwrap: 1, foreignFormat: 3 };
      const figures = { reasons, users: 65, usersOfAll: 68, looked: 71, complete: true };
      const plan = (await clear({ judge: judge() })) as ClearPlan;
      expect(plan).toMatchObject({ dryRun: true, wouldDelete: { count: 65, estimated: false }, unreadable: figures });
      expect(await table.ids()).toHaveLength(kept.length + gone.length);
      const report = (await clear({ judge: judge(), confirm: 'web' })) as ClearReport;
      expect(report).toMatchObject({ stopReason: 'drained', deleted: 65, way: 'key', unreadable: figures });
      expect(await table.ids()).toEqual([...kept].sort());
      expect(await clear({ judge: judge(), confirm: 'web' })).toMatchObject({ deleted: 0, unreadable: { users: 0 } });
    });

    it('takes the other form too, where it is told what the apps write', async () => {
      const [encrypted] = await insert([payload(good)]);
      const [json] = await insert([plain]);
      expect(await clear({ judge: judge('encrypted') })).toMatchObject({ unreadable: { reasons: { plain: 1 } } });
      expect(await clear({ judge: judge('plain') })).toMatchObject({ unreadable: { reasons: { encrypted: 1 } } });
      await clear({ judge: judge('encrypted'), confirm: 'web' });
      expect(await table.ids()).toEqual([encrypted]);
      expect(json).toBeDefined();
    });

    it('leaves an entry that was written anew after it was looked at', async () => {
      const [returned = ''] = await insert([payload(strange)]);
      const base = judge();
      const report = (await clear({
        confirm: 'web',
        judge: async (entries) => {
          const reasons = await base(entries);
          if (entries.length > 0) {
            await table.setValue(returned, payload(good));
          }
          return reasons;
        },
      })) as ClearReport;
      expect(report).toMatchObject({ deleted: 0, skippedLocked: 1 });
      expect(await table.ids()).toEqual([returned]);
    });

    it('passes over entries that an app holds locked', async () => {
      const [held = ''] = await insert([payload(strange), payload(strange), payload(strange)]);
      const unlock = await table.lock([held]);
      const report = (await clear({ judge: judge(), confirm: 'web' })) as ClearReport;
      expect(report).toMatchObject({ stopReason: 'drained', deleted: 2, skippedLocked: 1 });
      await unlock();
      expect(await table.ids()).toEqual([held]);
    });

    it('removes nothing where the rings cannot be read', async () => {
      await insert([payload(strange)]);
      const failing = entryJudge({ verdicts: () => Promise.reject(new Error('the ring')), expect: undefined });
      await expect(clear({ judge: failing, confirm: 'web' })).rejects.toThrow('the ring');
      expect(await table.ids()).toHaveLength(1);
    });

    it('tells which it removed before it failed, and that it is of the unreadable alone where another is at work', async () => {
      await insert(Array.from({ length: 1_000 }, () => payload(strange)));
      const told: ClearReport[] = [];
      let batches = 0;
      const base = judge();
      const failing: EntryJudge = async (entries) => {
        batches += 1;
        if (batches > 1) throw new Error('the ring');
        return base(entries);
      };
      const running = clear({ judge: failing, confirm: 'web' }, { onFailure: (report) => told.push(report) });
      await expect(running).rejects.toThrow('the ring');
      const deleted = 1_000 - (await table.ids()).length;
      expect(deleted).toBeGreaterThan(0);
      expect(told).toMatchObject([
        { stopReason: 'failed', deleted, unreadable: { reasons: { keyInNoRing: deleted }, complete: false } },
      ]);
      const lock = await open().tryLock('purge');
      const busy = await clear({ judge: judge(), confirm: 'web' });
      await lock?.release();
      // Without application locks none is busy.
      expect(busy).toMatchObject({ dryRun: false, unreadable: { users: expect.any(Number) } });
    });

    it('fails, and is not refused, where the rings can be read no more after entries were removed', async () => {
      await insert(Array.from({ length: 3_000 }, () => payload(revoked)));
      let reads = 0;
      const rings = async (): Promise<KeyVerdicts> => {
        reads += 1;
        if (reads === 1) return verdicts;
        throw new MaintenanceError('rings_unreadable', 'The ring is away.', 'Nothing was removed.');
      };
      const base = entryJudge({ verdicts: rings, expect: undefined });
      // The second batch has an entry of a key that is new.
      let batches = 0;
      const late: EntryJudge = (entries) => {
        batches += 1;
        const start = Buffer.from(headerOf(strange), 'hex');
        return base(batches === 1 ? entries : entries.map((entry) => ({ ...entry, start })));
      };
      const error = await clear({ judge: late, confirm: 'web' }).catch((reason: unknown) => reason);
      expect((await table.ids()).length).toBeLessThan(3_000);
      expect(error).toMatchObject({ code: 'key_ring_unavailable', advice: expect.not.stringContaining('Nothing') });
    });

    it('is no plan where it was stopped', async () => {
      await insert([payload(strange), payload(strange)]);
      const stop = new AbortController();
      const base = judge();
      const stopping: EntryJudge = (entries) => {
        stop.abort();
        return base(entries);
      };
      await expect(clear({ judge: stopping, signal: stop.signal })).rejects.toMatchObject({ code: 'aborted' });
    });
  });
}
