/** Revoking and pruning, on a folder. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MaintenanceError } from '../../src/lib/errors.ts';
import { pruneKeyRing } from '../../src/lib/keyRing/jobs/prune.ts';
import { revokeKeys } from '../../src/lib/keyRing/jobs/revoke.ts';
import { ringStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import type { RotateDeps } from '../../src/lib/keyRing/jobs/rotate.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import type { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { day, idFrom, instant, plainKey, revocation, ringOf } from '../support/ringBuilder.ts';
import { fill, jobDeps, ringFolder, turnableClock } from '../support/testRing.ts';

const now = Date.parse('2026-06-01T00:00:00Z');
const [expired, current, next] = [idFrom(0x10), idFrom(0x20), idFrom(0x8000_0000)];
const clock = turnableClock(now);
let store: FolderStore;
let folder: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  clock.set(now);
  ({ store, folder, remove } = await ringFolder());
  await fill(store, [
    plainKey({ id: expired, creation: now - 170 * day }),
    plainKey({ id: current, creation: now - 80 * day }),
    plainKey({ id: next, creation: now - 4 * day, activation: now + 10 * day, expiration: now + 86 * day }),
  ]);
});
afterEach(() => remove());
const deps = (keyUse?: RotateDeps['keyUse'], policy = {}) => ({
  ...jobDeps({ store, clock, policy }),
  ...(keyUse && { keyUse }),
});
const texts = async () => (await store.read()).elements.map(({ xml }) => xml.reveal());
const entriesOf =
  (counts: Record<string, number>, complete = true) =>
  async () => [{ cache: 'web', entries: new Map(Object.entries(counts)), complete }];
const reason = 'leaked';

describe('revoking', () => {
  it('is a plan at first: which keys, how many entries, when consumers notice; nothing is written', async () => {
    const before = await texts();
    const report = await revokeKeys(deps(entriesOf({ [current]: 41, [expired]: 2, other: 7 })), 'web', {
      target: { createdBefore: undefined },
      reason,
    });
    expect(report).toMatchObject({
      outcome: 'planned',
      dryRun: true,
      keys: [expired, current, next],
      unreadableEntries: { count: 43, estimated: false },
      successor: { id: null, activation: '2026-06-01T00:00:00Z' },
    });
    expect(report.consumers.map(({ noticesAt }) => noticesAt)).toEqual([
      '2026-06-01T00:00:00Z',
      '2026-06-02T00:00:00Z',
      '2026-06-02T00:00:00Z',
    ]);
    expect(await texts()).toEqual(before);
  });

  it('is refused with another confirmation than the name of the ring, and on an observed ring', async () => {
    const request = { target: { key: current }, reason };
    await expect(revokeKeys(deps(), 'web', { ...request, confirm: 'yes' })).rejects.toMatchObject({
      code: 'confirmation_wrong',
    });
    for (const confirm of ['web', undefined])
      await expect(
        revokeKeys(deps(undefined, { mode: 'observe' }), 'web', { ...request, confirm }),
      ).rejects.toMatchObject({ code: 'key_ring_observed' });
    for (const key of [idFrom(9), '*', 'key'])
      await expect(revokeKeys(deps(), 'web', { target: { key }, reason })).rejects.toMatchObject({
        code: 'key_unknown',
      });
    const inBraces = { target: { key: `{${current.toUpperCase()}}` }, reason };
    expect(await revokeKeys(deps(), 'web', inBraces)).toMatchObject({ outcome: 'planned', keys: [current] });
    await expect(
      revokeKeys(deps(), 'web', { target: { createdBefore: instant(now + 1) }, reason }),
    ).rejects.toMatchObject({ code: 'revocation_in_future' });
    expect(await texts()).toHaveLength(3);
  });

  it('of all keys publishes a successor that is active from its creation and not hit itself', async () => {
    const { successor } = await revokeKeys(deps(), 'web', {
      target: { createdBefore: undefined },
      reason,
      confirm: 'web',
    });
    const ring = ringOf(await texts());
    const made = ring.keys.find(({ id }) => id === successor?.id);
    expect(made && [`${made.creation}`, `${made.activation}`]).toEqual([
      '2026-06-01T00:00:00Z',
      '2026-06-01T00:00:00Z',
    ]);
    expect(ring.revocations).toMatchObject([{ key: '*' }]);
    expect(`${ring.revocations[0]?.date}`).toBe('2026-06-01T00:00:00Z');
    const status = await ringStatus(deps());
    expect(status).toMatchObject({ defaultKey: successor?.id, appsWouldMint: false });
    const revoked = status.keys.filter(({ state }) => state === 'revoked');
    expect(revoked.map((key) => key.revoked)).toEqual(Array(3).fill('2026-06-01T00:00:00Z'));
    expect(status.keys.map((key) => key.revoked)).toContain(null);
  });

  it('is not held up by a cache that does not answer', async () => {
    const keyUse = async () => {
      throw new MaintenanceError('database_unavailable', 'The database does not answer.', 'Wait.');
    };
    const report = await revokeKeys(deps(keyUse), 'web', { target: { key: current }, reason, confirm: 'web' });
    expect(report).toMatchObject({ outcome: 'revoked', unreadableEntries: null });
    expect(report.warnings).toEqual([expect.stringContaining('database_unavailable')]);
    await expect(pruneKeyRing(deps(keyUse), {})).rejects.toMatchObject({ code: 'database_unavailable' });
  });

  it('of the default alone leaves the others as they are, and takes effect at once', async () => {
    const report = await revokeKeys(deps(), 'web', { target: { key: current }, reason: 'a < b & "c"', confirm: 'web' });
    expect(report).toMatchObject({ outcome: 'revoked', dryRun: false, keys: [current], untouched: [expired, next] });
    const { keys, defaultKey } = await ringStatus(deps());
    expect(defaultKey).toBe(report.successor?.id);
    expect(keys.find(({ id }) => id === next)?.state).toBe('next');
    expect((await texts()).join()).toContain('<reason>a &lt; b &amp; &quot;c&quot;</reason>');
  });

  it('of a key that is not in use needs no successor', async () => {
    const report = await revokeKeys(deps(), 'web', { target: { key: expired }, reason, confirm: 'web' });
    expect(report).toMatchObject({ outcome: 'revoked', keys: [expired], successor: null });
    expect(await revokeKeys(deps(), 'web', { target: { key: expired }, reason, confirm: 'web' })).toMatchObject({
      outcome: 'nothingToDo',
    });
  });

  it('of a published successor lets rotation publish another in its place', async () => {
    await revokeKeys(deps(), 'web', { target: { key: next }, reason, confirm: 'web' });
    const { keys } = await rotateKeyRing(deps());
    expect(keys).toMatchObject([{ reason: 'successor', activation: '2026-06-11T00:00:00Z' }]);
    for (let ahead = 0; ahead < 80; ahead++) {
      clock.set(now + ahead * day);
      await rotateKeyRing(deps());
      expect((await ringStatus(deps())).appsWouldMint, `day ${ahead}`).toBe(false);
    }
  });

  it('up to an instant spares the keys created from then on', async () => {
    const report = await revokeKeys(deps(), 'web', {
      target: { createdBefore: instant(now - 80 * day) },
      reason,
      confirm: 'web',
    });
    expect(report).toMatchObject({ keys: [expired], untouched: [current, next], successor: null });
  });
});

describe('pruning', () => {
  const longAgo = idFrom(0x01);
  beforeEach(async () => {
    await fill(store, [
      plainKey({ id: longAgo, creation: now - 600 * day }),
      revocation(now - 590 * day, longAgo),
      revocation(now - 700 * day, '*'),
      revocation(now - 3 * day, idFrom(0x99)),
      revocation(now - 3 * day, expired),
      '<mystery />',
    ]);
  });

  it('shows first what it would remove', async () => {
    const before = await texts();
    const report = await pruneKeyRing(deps(), { dryRun: true });
    expect(report).toMatchObject({ outcome: 'wouldPrune', keys: [longAgo], copy: null });
    expect(report.revocations.map(({ key }) => key).sort()).toEqual(['*', longAgo, idFrom(0x99)].sort());
    expect(await texts()).toEqual(before);
  });

  it('removes keys that expired long ago and revocations that hit no key, and keeps the ring as it was', async () => {
    const before = await texts();
    const { copy, outcome } = await pruneKeyRing(deps(), {});
    expect(outcome).toBe('pruned');
    const ring = ringOf(await texts());
    expect(ring.keys.map(({ id }) => id).sort()).toEqual([expired, current, next]);
    expect(ring.revocations.map(({ key }) => key)).toEqual([expired]);
    expect(ring.foreign).toHaveLength(1);
    const kept = await readdir(join(folder, copy ?? ''));
    expect(kept).toHaveLength(before.length);
    expect((await readdir(folder)).filter((name) => name.endsWith('.xml'))).toHaveLength(5);
    expect(await pruneKeyRing(deps(), {})).toMatchObject({ outcome: 'nothingToDo', copy: null });
  });

  it('keeps a key that a cached entry still names, with its revocation, be it from a sample', async () => {
    for (const complete of [true, false]) {
      const report = await pruneKeyRing(deps(entriesOf({ [longAgo]: 3 }, complete)), { dryRun: true });
      expect(report).toMatchObject({ keys: [], keptForEntries: [{ id: longAgo, entries: 3 }] });
      expect(report.revocations.map(({ key }) => key)).not.toContain(longAgo);
    }
  });

  it('removes nothing while there is no default: apps may be using an expired key', async () => {
    await fill(store, [revocation(now, current)]);
    expect(await pruneKeyRing(deps(), {})).toMatchObject({ outcome: 'nothingToDo' });
  });

  it('is off in rotation unless enabled', async () => {
    expect((await rotateKeyRing(deps())).prune).toBeNull();
    expect((await rotateKeyRing(deps(undefined, { prune: true }))).prune).toMatchObject({ outcome: 'pruned' });
  });

  it('keeps the revocation of a key that cannot be read at present', async () => {
    await fill(store, [`<key id="${idFrom(0x77)}" version="1" />`, revocation(now, idFrom(0x77))]);
    const { revocations } = await pruneKeyRing(deps(), { dryRun: true });
    expect(revocations.map(({ key }) => key)).not.toContain(idFrom(0x77));
  });
});
