/** Key rings protected by Key Vault: rotation, re-wrapping, and every way in which a vault refuses. */
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { revokeKeys } from '../../src/lib/keyRing/jobs/revoke.ts';
import { rewrapKeyRing } from '../../src/lib/keyRing/jobs/rewrap.ts';
import { ringStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { type RotateReport, rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { KeyRingError } from '../../src/lib/keyRing/keyRingError.ts';
import { Patience } from '../../src/lib/keyRing/patience.ts';
import { KeyVaultProtector } from '../../src/lib/keyRing/protectors/keyVault.ts';
import type { KeyRingStore } from '../../src/lib/keyRing/reading/keyRingStore.ts';
import type { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { day } from '../support/ringBuilder.ts';
import { jobDeps, ringFolder, turnableClock } from '../support/testRing.ts';
import { startVault, type Vault } from '../support/vault.ts';

let vault: Vault;
let folder: FolderStore;
let remove: () => Promise<void>;
const clock = turnableClock(Date.now());
beforeEach(async () => {
  clock.set(Date.now());
  vault = await startVault();
  ({ store: folder, remove } = await ringFolder());
});
afterEach(async () => {
  await vault.close();
  await remove();
});

const deps = (policy = {}) => jobDeps({ store: folder, clock, policy, protector: new KeyVaultProtector(vault) });
const texts = async () => (await folder.read()).elements.map(({ xml }) => xml.reveal());
const old = () => vault.addVersion({ created: new Date(Date.now() - 60 * day) });

/** A ring of two keys, wrapped with the vault's only version. */
async function rotated(): Promise<void> {
  clock.turn(-80 * day);
  await rotateKeyRing(deps({ rewrapAfterMs: undefined }));
  clock.turn(80 * day);
  await rotateKeyRing(deps({ rewrapAfterMs: undefined }));
}

describe('a ring protected by Key Vault', () => {
  it('names the full version of the key, and unwraps each key before it is published', async () => {
    const version = old();
    await rotateKeyRing(deps());
    const [text] = await texts();
    expect(text).toContain(`<kid>${version}</kid>`);
    expect(text).toContain('AzureKeyVaultXmlDecryptor, Azure.Extensions.AspNetCore.DataProtection.Keys"');
    expect(vault.requests.map(({ operation }) => operation)).toEqual(
      expect.arrayContaining(['versions', 'wrapkey', 'unwrapkey']),
    );
  });

  it('moves to a new version: kid and key change, all else stays byte for byte', async () => {
    const first = old();
    await rotated();
    const before = await texts();
    const second = vault.addVersion();
    vault.requests.length = 0;
    const report = await rewrapKeyRing(deps(), {});
    expect(report).toMatchObject({
      outcome: 'rewrapped',
      newest: second,
      failed: [],
      stillNeeded: [second],
      noLongerNeeded: [first],
    });
    expect(report.keys).toHaveLength(2);
    const after = await texts();
    const without = (list: string[]) =>
      list.map((text) => text.replace(/<kid>[^<]*<\/kid><key>[^<]*<\/key>/, '')).sort();
    expect(without(after)).toEqual(without(before));
    for (const text of after) expect(text).toContain(`<kid>${second}</kid>`);
    expect((await ringStatus(deps())).keys.map(({ unwraps }) => unwraps)).toEqual([true, true]);
    expect(await rewrapKeyRing(deps(), {})).toMatchObject({
      outcome: 'nothingToDo',
      keys: [],
      noLongerNeeded: [first],
    });
  });

  it('moves by the timer once the new version is old enough', async () => {
    old();
    await rotated();
    vault.addVersion({ created: new Date(Date.now() - 6 * day) });
    expect((await rotateKeyRing(deps())).rewrap).toBeNull();
    clock.turn(2 * day);
    expect((await rotateKeyRing(deps())).rewrap).toMatchObject({ outcome: 'rewrapped' });
    expect((await rotateKeyRing(deps())).rewrap).toBeNull();
  });

  it('tells of keys that moved where the store is silent from then on, by the timer too', async () => {
    old();
    await rotated();
    const second = vault.addVersion({ created: new Date(Date.now() - 8 * day) });
    let silent = false;
    const store: KeyRingStore = {
      description: 'a folder',
      read: async () => {
        if (silent) throw new KeyRingError('key_ring_unavailable', 'No answer.', 'Wait.');
        return folder.read();
      },
      write: async (ring, change) => {
        const outcome = await folder.write(ring, change);
        silent = true;
        return outcome;
      },
      keepCopy: (ring, at) => folder.keepCopy(ring, at),
      close: async () => undefined,
    };
    const told: RotateReport[] = [];
    const rotation = rotateKeyRing({ ...deps(), store }, {}, (report) => told.push(report));
    await expect(rotation).rejects.toMatchObject({ code: 'key_ring_unavailable' });
    const rewrap = { outcome: 'rewrapped', newest: second, stillNeeded: [second], copy: expect.any(String) };
    const failed = { check: 'rotation-failed', what: expect.stringContaining('The change was written') };
    expect(told).toMatchObject([
      {
        outcome: 'nothingToDo',
        rewrap,
        status: { findings: expect.arrayContaining([expect.objectContaining(failed)]) },
      },
    ]);
    expect(told[0]?.rewrap?.keys).toHaveLength(2);
  });

  it('leaves keys behind that expired long ago, and says that their version is still needed', async () => {
    const first = old();
    await rotated();
    const second = vault.addVersion();
    clock.turn(30 * day);
    const report = await rewrapKeyRing(deps({ pruneAfterMs: 10 * day }), {});
    expect(report.keys).toHaveLength(1);
    expect([...report.stillNeeded].sort()).toEqual([first, second].sort());
    expect(report.noLongerNeeded).toEqual([]);
  });

  it('shows what a dry run would do, and writes nothing', async () => {
    old();
    await rotated();
    const before = await texts();
    vault.addVersion();
    expect(await rewrapKeyRing(deps(), { dryRun: true })).toMatchObject({
      outcome: 'wouldRewrap',
      keys: expect.arrayContaining([expect.any(String)]),
    });
    expect(await texts()).toEqual(before);
  });

  it('unwraps with an expired version, and wraps with the newest that is not', async () => {
    const first = old();
    await rotated();
    vault.change(first, { expires: new Date(Date.now() - day) });
    const status = await ringStatus(deps());
    expect(status.keys.map(({ unwraps }) => unwraps)).toEqual([true, true]);
    expect(status.findings).toContainEqual(
      expect.objectContaining({ check: 'protector_version_expired', level: 'warning' }),
    );
    await expect(rewrapKeyRing(deps(), {})).rejects.toMatchObject({ code: 'key_vault_no_version' });
    // By the timer it is a finding, since the rotation itself succeeded.
    expect((await rotateKeyRing(deps())).status.findings).toContainEqual({
      check: 'rotation-failed',
      level: 'warning',
      what: expect.stringMatching(/^The automatic re-wrap failed \(key_vault_no_version\)\. .*\.$/),
      advice: expect.any(String),
    });
    const second = vault.addVersion();
    expect(await rewrapKeyRing(deps(), {})).toMatchObject({ outcome: 'rewrapped', newest: second });
  });

  it('calls keys of a disabled or deleted version unreadable, and takes others on', async () => {
    const first = old();
    await rotated();
    const second = vault.addVersion();
    vault.change(first, { enabled: false });
    const status = await ringStatus(deps());
    expect(status.keys.map(({ state }) => state)).toEqual(['unreadable', 'unreadable']);
    expect(status.findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['protector_version_disabled', 'key_unreadable', 'no_default_key']),
    );
    expect(await rewrapKeyRing(deps(), {})).toMatchObject({
      outcome: 'nothingToDo',
      failed: [{ code: 'key_unreadable' }, { code: 'key_unreadable' }],
    });
    vault.change(first, { enabled: true });
    expect(await rewrapKeyRing(deps(), {})).toMatchObject({ outcome: 'rewrapped', newest: second });
    vault.change(second, { deleted: true });
    expect((await ringStatus(deps())).keys.map(({ unwraps }) => unwraps)).toEqual([false, false]);
  });

  it('says that a key which refuses to wrap is none for this, as an EC key', async () => {
    old();
    vault.setFaults(({ operation }) => (operation === 'wrapkey' ? { status: 400, code: 'BadParameter' } : undefined));
    const run = rotateKeyRing(deps());
    await expect(run).rejects.toMatchObject({ code: 'key_vault_unsuitable' });
    await expect(run).rejects.toThrow(/refuses to wrap \(BadParameter\)/);
    expect(await texts()).toEqual([]);
  });

  it('says that a version which the settings name is not there, and takes one in another letter case', async () => {
    const id = old();
    const named = (keyId: string) => ({ ...deps(), protector: new KeyVaultProtector({ ...vault, keyId }) });
    const other = id.replace(/[^/]+$/, '0'.repeat(32));
    await expect(rotateKeyRing(named(other))).rejects.toThrow(`The vault has no version ${other}.`);
    const upper = id.replace(/[^/]+$/, (version) => version.toUpperCase());
    expect(await rotateKeyRing(named(upper))).toMatchObject({ outcome: 'published' });
  });

  it.each([
    [401, 'Unauthorized', 'key_vault_forbidden'],
    [403, 'ForbiddenByRbac', 'key_vault_forbidden'],
    [429, 'Throttled', 'key_vault_unavailable'],
    [500, 'InternalError', 'key_vault_unavailable'],
    [503, 'ServiceUnavailable', 'key_vault_unavailable'],
  ])('publishes nothing while the vault answers %i, and says why without a secret', async (status, code, expected) => {
    old();
    vault.setFaults(() => ({ status, code, retryAfter: '0' }));
    const error = await rotateKeyRing(deps()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: expected });
    expect(inspect(error, { depth: 5 })).not.toContain('token-of-the-test');
    expect(await texts()).toEqual([]);
    vault.setFaults(() => undefined);
    expect(await rotateKeyRing(deps())).toMatchObject({ outcome: 'published' });
  });

  it.each(['wrapkey', 'unwrapkey', 'versions'] as const)(
    'gets over a %s that is throttled once, or whose answer is lost',
    async (operation) => {
      old();
      for (const fault of [{ status: 429, code: 'Throttled', retryAfter: '0' }, 'loseAnswer'] as const) {
        let left = 1;
        vault.setFaults((request) => (request.operation === operation && left-- > 0 ? fault : undefined));
        clock.turn(76 * day);
        expect(await rotateKeyRing(deps())).toMatchObject({ outcome: 'published' });
        expect(left).toBeLessThan(1);
      }
      expect(await texts()).toHaveLength(2);
    },
  );

  it('publishes nothing when its present key cannot be tried', async () => {
    old();
    await rotateKeyRing(deps());
    clock.turn(80 * day);
    vault.setFaults(({ operation }) =>
      operation === 'unwrapkey' ? { status: 403, code: 'ForbiddenByPolicy' } : undefined,
    );
    await expect(rotateKeyRing(deps())).rejects.toMatchObject({ code: 'key_vault_forbidden' });
    expect(await texts()).toHaveLength(1);
  });

  it('sends no token to another vault that a ring names', async () => {
    old();
    await rotateKeyRing(deps());
    const other = await startVault();
    other.addVersion();
    try {
      const elsewhere = jobDeps({ store: folder, clock, protector: new KeyVaultProtector(other) });
      const { findings } = await ringStatus(elsewhere);
      expect(findings.map(({ check }) => check)).toContain('key_protected_otherwise');
      clock.turn(80 * day);
      await expect(rotateKeyRing(elsewhere)).rejects.toMatchObject({ code: 'key_protected_otherwise' });
      const request = { target: { createdBefore: undefined }, reason: 'test', confirm: 'web' };
      await expect(revokeKeys(elsewhere, 'web', request)).rejects.toMatchObject({ code: 'key_protected_otherwise' });
      expect(await texts()).toHaveLength(1);
    } finally {
      await other.close();
    }
  });

  it('gives up a vault that never answers, whatever it is asked', async () => {
    old();
    for (const silent of ['versions', 'wrapkey', 'unwrapkey']) {
      const protector = new KeyVaultProtector({ ...vault, patience: new Patience({ allMs: 500 }) });
      vault.setFaults(({ operation }) => (operation === silent ? 'silence' : undefined));
      await expect(rotateKeyRing({ ...deps(), protector })).rejects.toMatchObject({ code: 'key_vault_unavailable' });
      expect(await texts()).toEqual([]);
    }
  });
});
