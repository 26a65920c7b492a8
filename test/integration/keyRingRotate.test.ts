/** Rotation and status, on a folder: what is published and when, what is found, and what stays as it is. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ringStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import type { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { day, idFrom, plainKey, revocation } from '../support/ringBuilder.ts';
import { fill, jobDeps, ringFolder, turnableClock } from '../support/testRing.ts';

const start = Date.parse('2026-06-01T00:00:00Z');
const key = (number: number, times: Omit<Parameters<typeof plainKey>[0], 'id'>) =>
  plainKey({ id: idFrom(number), ...times });

let store: FolderStore;
let folder: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  ({ store, folder, remove } = await ringFolder());
});
afterEach(() => remove());

const clock = turnableClock(start);
beforeEach(() => clock.set(start));
const deps = (policy = {}) => jobDeps({ store, clock, policy });
const checks = async (policy = {}) => (await ringStatus(deps(policy))).findings.map(({ check }) => check);

describe('rotation', () => {
  it('publishes the first key of an empty ring, active at once', async () => {
    const report = await rotateKeyRing(deps());
    expect(report).toMatchObject({
      outcome: 'published',
      keys: [{ reason: 'empty', activation: '2026-06-01T00:00:00Z' }],
    });
    const [made] = report.status.keys;
    expect(made).toMatchObject({
      id: report.keys[0]?.id,
      state: 'default',
      created: '2026-06-01T00:00:00Z',
      expires: '2026-08-30T00:00:00Z',
      madeBy: 'token-cache-maintenance',
      unwraps: true,
    });
    expect(report.nextActionAt).toBe('2026-08-16T00:00:00Z');
  });

  it('has nothing to do until the lead time, and says when it will have', async () => {
    await rotateKeyRing(deps());
    for (const elapsed of [0, 1, 75 * day, 76 * day - 1]) {
      clock.set(start + elapsed);
      expect(await rotateKeyRing(deps())).toMatchObject({
        outcome: 'nothingToDo',
        keys: [],
        nextActionAt: '2026-08-16T00:00:00Z',
      });
    }
    expect((await readdir(folder)).filter((name) => name.endsWith('.xml'))).toHaveLength(1);
  });

  it('publishes the successor at the lead time, activated exactly when the default expires', async () => {
    await fill(store, [
      key(1, { creation: '2026-03-10T12:34:56.1234567Z', expiration: '2026-06-08T12:34:56.7654321Z' }),
    ]);
    const { outcome, keys, status } = await rotateKeyRing(deps());
    expect(outcome).toBe('published');
    expect(keys).toMatchObject([
      { reason: 'successor', activation: '2026-06-08T12:34:56.7654321Z', expiration: '2026-08-30T00:00:00Z' },
    ]);
    expect(status.keys.map(({ state }) => state).sort()).toEqual(['default', 'next']);
    expect(await rotateKeyRing(deps())).toMatchObject({ outcome: 'nothingToDo' });
  });

  it('keeps a ring rotating for years, with a default at every moment and a successor read days before', async () => {
    await rotateKeyRing(deps());
    for (let elapsed = 0; elapsed < 800 * day; elapsed += day) {
      clock.set(start + elapsed);
      const { status } = await rotateKeyRing(deps());
      expect(status.defaultKey, `day ${elapsed / day}`).not.toBeNull();
      expect(status.appsWouldMint, `day ${elapsed / day}`).toBe(false);
    }
    const { keys } = await ringStatus(deps());
    expect(keys.length).toBeGreaterThan(9);
    expect(keys.length).toBeLessThan(13);
    for (const { created, activated } of keys.slice(1)) {
      const ahead = Date.parse(activated) - Date.parse(created);
      expect(ahead === 0 || ahead >= 4 * day).toBe(true);
    }
  });

  it('publishes a default at once where there is none', async () => {
    await fill(store, [key(1, { creation: start - 200 * day })]);
    expect(await rotateKeyRing(deps())).toMatchObject({
      keys: [{ reason: 'noDefault', activation: '2026-06-01T00:00:00Z' }],
      status: { defaultKey: expect.any(String), appsWouldMint: false },
    });
  });

  it('outdoes a revoked key that waits for its activation, which would leave apps without a default', async () => {
    await fill(store, [
      key(1, { creation: start - 10 * day }),
      key(0x8000_0000, { creation: start - day, activation: start + 3 * day }),
      revocation(start, idFrom(0x8000_0000)),
    ]);
    const { keys } = await rotateKeyRing(deps());
    expect(keys).toMatchObject([{ reason: 'successor', activation: '2026-06-04T00:00:00Z' }]);
    expect(keys[0]?.id && keys[0].id < idFrom(0x8000_0000)).toBe(true);
    for (const later of [0, 3 * day - 5 * 60_000 - 1, 3 * day - 5 * 60_000, 3 * day, 3 * day + 1]) {
      clock.set(start + later);
      expect((await ringStatus(deps())).appsWouldMint).toBe(false);
    }
  });

  it('writes nothing to a ring that is observed, nor in a dry run, and says what it would do', async () => {
    for (const request of [
      { policy: { mode: 'observe' as const }, dryRun: false },
      { policy: {}, dryRun: true },
    ]) {
      const report = await rotateKeyRing(deps(request.policy), { dryRun: request.dryRun });
      expect(report).toMatchObject({ outcome: 'wouldPublish', keys: [{ id: null, reason: 'empty' }] });
      expect(await readdir(folder).catch(() => [])).toEqual([]);
    }
  });

  it('takes over the algorithms and the type name of the ring', async () => {
    const gcm = key(1, { creation: start - 80 * day })
      .replace(
        '<encryption algorithm="AES_256_CBC" /><validation algorithm="HMACSHA256" />',
        '<encryption algorithm="AES_256_GCM" />',
      )
      .replace(
        'Microsoft.AspNetCore.DataProtection"',
        'Microsoft.AspNetCore.DataProtection, Version=8.0.0.0, Culture=neutral, PublicKeyToken=adb9793829ddae60"',
      );
    await fill(store, [gcm]);
    await rotateKeyRing(deps());
    const texts = (await store.read()).elements.map(({ xml }) => xml.reveal());
    for (const text of texts) {
      expect(text).toContain('<encryption algorithm="AES_256_GCM" />');
      expect(text).not.toContain('HMACSHA256');
      expect(text).toContain('DataProtection, Version=8.0.0.0,');
    }
  });

  it.each(['<key', '<a/><b/>', '', '<key>&x;</key>'])(
    'writes nothing beside a file that is not XML (%s)',
    async (text) => {
      await rotateKeyRing(deps());
      await writeFile(join(folder, 'key-broken.xml'), text);
      clock.turn(85 * day);
      await expect(rotateKeyRing(deps())).rejects.toMatchObject({ code: 'key_ring_damaged' });
      expect((await readdir(folder)).filter((name) => name.endsWith('.xml'))).toHaveLength(2);
      expect(await checks()).toContain('element_not_well_formed');
    },
  );
});

describe('findings', () => {
  const ours = key(1, { creation: start - day });
  const dpapi =
    'Microsoft.AspNetCore.DataProtection.XmlEncryption.DpapiXmlDecryptor, Microsoft.AspNetCore.DataProtection';
  const byApp = (xml: string) => xml.replace(/<!-- Made by.*? -->/, '');
  const cases: [string, string[]][] = [
    ['no_default_key', [key(1, { creation: start - 100 * day })]],
    ['no_default_soon', [key(1, { creation: start - 88 * day })]],
    ['no_successor', [key(1, { creation: start - 80 * day })]],
    ['rotation_stopped', [key(1, { creation: start - 82 * day })]],
    ['last_usable_key', [ours]],
    ['racing_keys', [byApp(ours), byApp(key(2, { creation: start - day + 100 }))]],
    ['activated_at_creation', [key(1, { creation: start - 9 * day }), byApp(key(2, { creation: start - day }))]],
    ['automatic_generation', [key(1, { creation: start - 9 * day }), byApp(key(2, { creation: start - day }))]],
    ['keys-in-plain-text', [ours]],
    ['duplicate_key', [ours, key(2, { creation: start }).replace(idFrom(2), idFrom(1).toUpperCase())]],
    ['revocation_unreadable', [ours, '<revocation version="1"><key id="nonsense" /></revocation>']],
    ['foreign_element', [ours, '<other xmlns="urn:x" />']],
    ['key_passed_over', [ours, '<key id="x" version="1" />']],
    ['dpapi_key', [key(3, { creation: start, readable: false }).replace('Nobody.HasThis, Nowhere', dpapi)]],
    ['versions_differ', [key(3, { creation: start, expiration: '9999-12-31T23:59:59.9999999Z' })]],
    ['date_without_zone', [ours.replace(/Z<\/creationDate>/, '</creationDate>')]],
    ['key_unreadable', [ours.replace(/<descriptor.*<\/descriptor>/s, '')]],
    ['key_protected_otherwise', [key(3, { creation: start, readable: false })]],
    ['clock_skew', [key(1, { creation: start + 600_000 })]],
  ];
  it.each(cases)('say %s', async (check, elements) => {
    await fill(store, elements);
    const { findings } = await ringStatus(deps());
    expect(findings.map((finding) => finding.check)).toContain(check);
    for (const { what, advice } of findings)
      for (const sentence of [what, advice]) expect(sentence).toMatch(/^[A-Z].{20,}[^.]\.$/s);
  });

  it('are few for a ring in good order', async () => {
    const serious = (findings: { check: string; level: string }[]) =>
      findings.filter(({ level }) => level !== 'info').map(({ check }) => check);
    const first = await rotateKeyRing(deps());
    expect(serious(first.status.findings)).toEqual(['keys-in-plain-text']);
    clock.turn(80 * day);
    const { status } = await rotateKeyRing(deps());
    expect(status.findings.map(({ check, level }) => `${check} ${level}`)).toEqual(['keys-in-plain-text critical']);
  });

  it('do not call an observed ring stopped while apps still have time to publish', async () => {
    await fill(store, [key(1, { creation: start - 82 * day })]);
    expect(await checks({ mode: 'observe' })).not.toContain('rotation_stopped');
    clock.turn(6.5 * day);
    expect(await checks({ mode: 'observe' })).toContain('rotation_stopped');
  });
});
