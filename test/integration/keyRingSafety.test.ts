/** No command leaves the apps worse off than they were: what is written, removed or begun anew, on a folder. */
import { mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pruneKeyRing } from '../../src/lib/keyRing/jobs/prune.ts';
import { revokeKeys } from '../../src/lib/keyRing/jobs/revoke.ts';
import { rewrapKeyRing } from '../../src/lib/keyRing/jobs/rewrap.ts';
import { ringStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { CertificateProtector } from '../../src/lib/keyRing/protectors/certificate.ts';
import { loadCertificate } from '../../src/lib/keyRing/protectors/certificateFile.ts';
import type { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { Secret } from '../../src/lib/secret.ts';
import { selfSigned } from '../support/certificates.ts';
import { day, idFrom, plainKey, revocation } from '../support/ringBuilder.ts';
import { fill, jobDeps, ringFolder, turnableClock } from '../support/testRing.ts';

const now = Date.parse('2026-06-01T00:00:00Z');
const hour = 3_600_000;
const [old, current] = [idFrom(1), idFrom(2)];
const clock = turnableClock(now);
let store: FolderStore;
let folder: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  clock.set(now);
  ({ store, folder, remove } = await ringFolder());
});
afterEach(() => remove());

const deps = (changes = {}) => ({ ...jobDeps({ store, clock, policy: { pruneAfterMs: 30 * day } }), ...changes });
const copies = () => readdir(join(folder, 'backup')).catch(() => []);
const texts = async () => (await store.read()).elements.map(({ xml }) => xml.reveal());
const all = { target: { createdBefore: undefined }, reason: 'test', confirm: 'web' };

describe('a revocation', () => {
  it.each([['\u001b[31m'], ['\0'], ['\ufffe'], ['\uffff'], ['\ud800'], ['a\u0008']])(
    'with a reason that XML cannot hold is refused (%j)',
    async (reason) => {
      await fill(store, [plainKey({ id: current, creation: now - day })]);
      const before = await texts();
      await expect(revokeKeys(deps(), 'web', { ...all, reason })).rejects.toMatchObject({ code: 'reason_unwritable' });
      expect(await texts()).toEqual(before);
    },
  );

  it('keeps a reason of any other character, and the ring as it was', async () => {
    await fill(store, [plainKey({ id: current, creation: now - day })]);
    const { copy } = await revokeKeys(deps(), 'web', { ...all, reason: `<&>"' \u00e9 \u{1f600}\t]]>` });
    expect(await copies()).toEqual([copy?.replace('backup/', '')]);
    expect((await ringStatus(deps())).revocations).toBe(1);
    expect((await texts()).every((text) => /^[\x20-\x7e\n]*$/.test(text))).toBe(true);
  });

  it('of all keys hits one dated ahead by its id, and not the successor', async () => {
    await fill(store, [
      plainKey({ id: current, creation: now - day }),
      plainKey({ id: idFrom(3), creation: now + 10 * day, activation: now - day }),
    ]);
    const report = await revokeKeys(deps(), 'web', all);
    const status = await ringStatus(deps());
    const states = Object.fromEntries(status.keys.map(({ id, state }) => [id, state]));
    expect(report.keys.map((id) => states[id])).toEqual(['revoked', 'revoked']);
    expect(status.defaultKey).toBe(report.successor?.id);
  });
});

describe('a revocation of all that is dated ahead', () => {
  it('by hours lets a new key be dated after it', async () => {
    await fill(store, [plainKey({ id: current, creation: now - day }), revocation(now + 3 * hour, '*')]);
    expect((await ringStatus(deps())).findings.map(({ check }) => check)).toContain('revocation_ahead');
    const { outcome, status } = await rotateKeyRing(deps());
    expect(outcome).toBe('published');
    expect(status.defaultKey).not.toBeNull();
    expect(await rotateKeyRing(deps())).toMatchObject({ outcome: 'nothingToDo' });
  });

  it('by days stops the run, which names who and when, and publishes no key that is born revoked', async () => {
    await fill(store, [plainKey({ id: current, creation: now - day }), revocation(now + 3 * day, '*')]);
    const run = rotateKeyRing(deps());
    await expect(run).rejects.toMatchObject({ code: 'revocation_ahead' });
    await expect(run).rejects.toThrow(/2026-06-04T00:00:00Z .*element-.*"test"/);
    expect(await texts()).toHaveLength(2);
  });

  it('by days stops a dry run, and a plan, as it stops the run', async () => {
    await fill(store, [plainKey({ id: current, creation: now - day }), revocation(now + 3 * day, '*')]);
    await expect(rotateKeyRing(deps(), { dryRun: true })).rejects.toMatchObject({ code: 'revocation_ahead' });
    await fill(store, [plainKey({ id: idFrom(7), creation: now + 4 * day, activation: now - day })]);
    await expect(revokeKeys(deps(), 'web', { target: { key: idFrom(7) }, reason: 'test' })).rejects.toMatchObject({
      code: 'revocation_ahead',
    });
  });
});

describe('prune', () => {
  const unreadable = () => plainKey({ id: current, creation: now - day }).replace(/<value>[^<]*/, '<value>!!!');

  it('keeps the expired key that apps fall back on where the newest does not decrypt', async () => {
    await fill(store, [plainKey({ id: old, creation: now - 300 * day }), unreadable()]);
    expect(await pruneKeyRing(deps(), {})).toMatchObject({ outcome: 'nothingToDo', keptForApps: [old] });
  });

  it('keeps it too where nobody can tell whether the newest decrypts', async () => {
    await fill(store, [
      plainKey({ id: old, creation: now - 300 * day }),
      plainKey({ id: current, creation: now - day, readable: false }),
    ]);
    expect(await pruneKeyRing(deps(), {})).toMatchObject({ outcome: 'nothingToDo', keptForApps: [old] });
  });

  it('keeps what apps fall back on before the next run', async () => {
    await fill(store, [
      plainKey({ id: old, creation: now - 300 * day }),
      plainKey({ id: current, creation: now - 90 * day, expiration: now + hour }),
      revocation(now - day, '00000000-0000-4000-8000-000000000000'),
    ]);
    const report = await pruneKeyRing(deps(), { dryRun: true });
    // From version 9 on the rejected candidate is left out, and the old key is what is left.
    expect(report.keptForApps).toEqual([old]);
  });

  it('counts an entry that is too large to be looked into as naming every key, and says that it saw a sample', async () => {
    await fill(store, [
      plainKey({ id: old, creation: now - 300 * day }),
      plainKey({ id: current, creation: now - day }),
    ]);
    const use = (unread: number) => ({
      keyUse: async () => [{ cache: 'web', entries: new Map(), complete: false, unread }],
    });
    expect(await pruneKeyRing(deps(use(3)), { dryRun: true })).toMatchObject({
      outcome: 'nothingToDo',
      keptForEntries: [{ id: old, entries: 3 }],
      sampled: true,
    });
    expect(await pruneKeyRing(deps(use(0)), { dryRun: true })).toMatchObject({ keys: [old], sampled: true });
  });
});

describe('re-wrapping', () => {
  it('that cannot move a key says so in the dry run as in the run', async () => {
    const place = await mkdtemp(join(tmpdir(), 'certificates-'));
    const load = async (name: string) => {
      await writeFile(join(place, name), selfSigned(name).pfx);
      return loadCertificate({ path: join(place, name), password: new Secret('fixture') });
    };
    try {
      const [lost, ours] = [await load('lost.pfx'), await load('ours.pfx')];
      await rotateKeyRing(deps({ protector: new CertificateProtector([lost]) }));
      const left = deps({ protector: new CertificateProtector([ours]) });
      for (const dryRun of [true, false]) {
        const { keys, failed } = await rewrapKeyRing(left, { dryRun });
        expect([keys, failed.map(({ code }) => code)]).toEqual([[], ['key_protected_otherwise']]);
      }
      const both = deps({ protector: new CertificateProtector([ours, lost]) });
      expect(await rewrapKeyRing(both, { dryRun: true })).toMatchObject({ outcome: 'wouldRewrap', copy: null });
      const { copy } = await rewrapKeyRing(both, {});
      expect(await copies()).toEqual([copy?.replace('backup/', '')]);
    } finally {
      await rm(place, { recursive: true });
    }
  });
});

describe('a ring that lost its keys', () => {
  const lost = { hadKeys: async () => 2 };

  it('is a critical finding, and is begun anew where somebody accepts it alone', async () => {
    for (const dryRun of [true, false])
      await expect(rotateKeyRing(deps(lost), { dryRun })).rejects.toMatchObject({ code: 'key_ring_emptied' });
    expect(await texts()).toEqual([]);
    const { findings } = await ringStatus(deps(lost));
    expect(findings.find(({ check }) => check === 'ring_emptied')).toMatchObject({ level: 'critical' });
    // A rotation at once would make the loss final.
    expect(findings.find(({ check }) => check === 'no_default_key')?.advice).toMatch(/^Restore the ring/);
    expect(await rotateKeyRing(deps({ ...lost, acceptEmpty: true }))).toMatchObject({ outcome: 'published' });
  });

  it('is not told apart from a first one while the records cannot be read', async () => {
    const hadKeys = async () => 'unknown' as const;
    await expect(rotateKeyRing(deps({ hadKeys }))).rejects.toMatchObject({ code: 'key_ring_emptied' });
  });

  it('is not a first one', async () => {
    expect(await rotateKeyRing(deps({ hadKeys: async () => 0 }))).toMatchObject({ outcome: 'published' });
  });
});

it('copies of a ring never leave its folder through a link', async () => {
  await fill(store, [plainKey({ id: current, creation: now - day })]);
  const elsewhere = await mkdtemp(join(tmpdir(), 'elsewhere-'));
  try {
    await symlink(elsewhere, join(folder, 'backup'));
    await expect(revokeKeys(deps(), 'web', all)).rejects.toMatchObject({ code: 'key_ring_forbidden' });
    expect(await readdir(elsewhere)).toEqual([]);
    expect(await texts()).toHaveLength(1);
  } finally {
    await rm(elsewhere, { recursive: true });
  }
});

it('a file over the limit is not read, and nothing is written beside it', async () => {
  await mkdir(folder, { recursive: true });
  await fill(store, [plainKey({ id: current, creation: now - 85 * day })]);
  await writeFile(join(folder, 'large.xml'), '');
  await truncate(join(folder, 'large.xml'), 3 * 2 ** 30);
  const { findings } = await ringStatus(deps());
  expect(findings.find(({ check }) => check === 'not_judged')?.what).toContain('large.xml has more than 1024 KiB');
  await expect(rotateKeyRing(deps())).rejects.toMatchObject({ code: 'key_ring_damaged' });
});
