/**
 * Rings that this project writes, in the hands of ASP.NET Core 10, and the other way round: over rotations, re-wrapping,
 * pruning and revocation no payload is lost that should not be, and apps mint no key of their own.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pruneKeyRing } from '../../src/lib/keyRing/jobs/prune.ts';
import { revokeKeys } from '../../src/lib/keyRing/jobs/revoke.ts';
import { rewrapKeyRing } from '../../src/lib/keyRing/jobs/rewrap.ts';
import { ringStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { CertificateProtector } from '../../src/lib/keyRing/protectors/certificate.ts';
import type { KeyProtector } from '../../src/lib/keyRing/protectors/keyProtector.ts';
import { KeyVaultProtector } from '../../src/lib/keyRing/protectors/keyVault.ts';
import { noProtector } from '../../src/lib/keyRing/protectors/none.ts';
import type { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { keyIdOf } from '../../src/lib/payloadHeader.ts';
import { loadPfx, selfSigned } from '../support/certificates.ts';
import {
  type Consumer,
  type ConsumerRequest,
  dotnetFound,
  dotnetTimeLimitMs,
  type Pfx,
  startConsumer,
} from '../support/dataProtection.ts';
import { day, instant } from '../support/ringBuilder.ts';
import { fill, jobDeps, ringFolder, turnableClock } from '../support/testRing.ts';
import { startVault } from '../support/vault.ts';

const start = Date.parse('2026-06-01T00:00:00Z');
const clock = turnableClock(start);

describe.skipIf(!dotnetFound)('a ring shared with ASP.NET Core', () => {
  let consumer: Consumer;
  let certificates: string;
  let [older, newer]: Pfx[] = [];
  beforeAll(async () => {
    consumer = startConsumer();
    certificates = await mkdtemp(join(tmpdir(), 'certificates-'));
    [older, newer] = await Promise.all(
      ['older', 'newer'].map(async (name) => {
        const path = join(certificates, `${name}.pfx`);
        await writeFile(path, selfSigned(name).pfx);
        return { path, password: 'fixture' };
      }),
    );
  }, dotnetTimeLimitMs);
  afterAll(async () => {
    await consumer?.close();
    await rm(certificates, { recursive: true, force: true });
  });

  let store: FolderStore;
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => {
    clock.set(start);
    ({ store, folder, remove } = await ringFolder());
  });
  afterEach(() => remove());

  const texts = async () => (await store.read()).elements.map(({ xml }) => xml.reveal());
  const certificateProtector = async (first: Pfx | undefined, ...others: (Pfx | undefined)[]) => {
    const loaded = await Promise.all([first, ...others].flatMap((pfx) => pfx ?? []).map(loadPfx));
    const [one, ...more] = loaded;
    if (!one) throw new Error('no certificate');
    return new CertificateProtector([one, ...more]);
  };
  const deps = (protector: KeyProtector) => jobDeps({ store, clock, protector, policy: { pruneAfterMs: 100 * day } });

  /** What consumers make of the ring now, with automatic generation and without; both must agree with what we say. */
  async function consume(protector: KeyProtector, request: Partial<ConsumerRequest> = {}) {
    const status = await ringStatus(deps(protector));
    const now = clock.now().toISOString();
    const elements = await texts();
    const answers = await consumer.ask(
      [true, false].map((automaticGeneration) => ({
        op: 'consume' as const,
        elements,
        now,
        automaticGeneration,
        protect: [`at ${now}`],
        ...request,
      })),
    );
    for (const {
      defaultKeyId,
      minted,
      error,
      protected: [payload],
    } of answers) {
      expect(error).toBeUndefined();
      expect(minted).toEqual([]);
      expect(defaultKeyId).toBe(status.defaultKey);
      expect(keyIdOf(Buffer.from(payload ?? '', 'base64'))).toBe(status.defaultKey);
    }
    return {
      text: `at ${now}`,
      payload: answers[0]?.protected[0] ?? '',
      unprotected: answers.map(({ unprotected }) => unprotected),
    };
  }

  /** A year of rotations with consumers at many instants; every payload of before is read again each time. */
  async function liveThrough(
    protectors: (day: number) => KeyProtector,
    request: () => Partial<ConsumerRequest>,
    extra: (day: number) => Promise<unknown>,
  ) {
    const payloads: { text: string; payload: string }[] = [];
    for (let elapsed = 0; elapsed <= 220; elapsed++) {
      clock.set(start + elapsed * day);
      const protector = protectors(elapsed);
      await rotateKeyRing(deps(protector));
      await extra(elapsed);
      if (elapsed % 22 !== 0 && ![75, 76, 77, 87, 89, 90, 91].includes(elapsed)) continue;
      const seen = await consume(protector, { ...request(), unprotect: payloads.map(({ payload }) => payload) });
      for (const unprotected of seen.unprotected) expect(unprotected).toEqual(payloads.map(({ text }) => text));
      payloads.push(seen);
    }
    return payloads;
  }

  it(
    'is read and used over rotations with a certificate, and re-wrapping to another',
    async () => {
      const [first, second] = [await certificateProtector(older), await certificateProtector(newer, older)];
      const extra = async (elapsed: number) => {
        if (elapsed === 100)
          expect(await rewrapKeyRing(deps(second), {})).toMatchObject({ outcome: 'rewrapped', failed: [] });
        if (elapsed === 180)
          await expect(rewrapKeyRing(deps(second), {})).resolves.toMatchObject({ outcome: 'nothingToDo' });
      };
      let elapsedDay = 0;
      const both = [newer, older].flatMap((pfx) => pfx ?? []);
      const onlyNewer = newer ? [newer] : [];
      const protectors = (elapsed: number) => {
        elapsedDay = elapsed;
        return elapsed < 100 ? first : second;
      };
      // From the re-wrapping on, apps need the new certificate alone.
      await liveThrough(protectors, () => ({ certificates: elapsedDay < 100 ? both : onlyNewer }), extra);
    },
    dotnetTimeLimitMs,
  );

  it(
    'is read and used in the format of Key Vault, re-wrapped to a new version',
    async () => {
      const vault = await startVault();
      try {
        const ids = [vault.addVersion({ created: new Date(start) })];
        const protector = new KeyVaultProtector(vault);
        const extra = async (elapsed: number) => {
          if (elapsed !== 100) return;
          ids.push(vault.addVersion());
          expect(await rewrapKeyRing(deps(protector), {})).toMatchObject({
            outcome: 'rewrapped',
            noLongerNeeded: [ids[0]],
          });
        };
        const keys = () => ({ vaultKeys: Object.fromEntries(ids.slice(-1).map((id) => [id, vault.pem(id)])) });
        await liveThrough(() => protector, keys, extra);
      } finally {
        await vault.close();
      }
    },
    dotnetTimeLimitMs,
  );

  it('loses what only pruned keys could read, and nothing else', async () => {
    await rotateKeyRing(deps(noProtector));
    const early = await consume(noProtector);
    for (let elapsed = 0; elapsed < 300; elapsed++) {
      clock.set(start + elapsed * day);
      await rotateKeyRing(deps(noProtector));
    }
    const late = await consume(noProtector);
    expect(await pruneKeyRing(deps(noProtector), {})).toMatchObject({ outcome: 'pruned' });
    const { unprotected } = await consume(noProtector, { unprotect: [early.payload, late.payload] });
    for (const texts of unprotected) expect(texts).toEqual([null, late.text]);
  });

  it.each([false, true])('takes the successor of a revocation at its next refresh (all keys: %s)', async (all) => {
    await rotateKeyRing(deps(noProtector));
    clock.turn(80 * day);
    await rotateKeyRing(deps(noProtector));
    const before = await consume(noProtector);
    const { defaultKey } = await ringStatus(deps(noProtector));
    const target = all || !defaultKey ? { createdBefore: undefined } : { key: defaultKey };
    const report = await revokeKeys(deps(noProtector), 'web', { target, reason: 'test', confirm: 'web' });
    clock.turn(1);
    const after = await consume(noProtector, { unprotect: [before.payload] });
    expect(keyIdOf(Buffer.from(after.payload, 'base64'))).toBe(report.successor?.id);
    expect(after.unprotected).toEqual([[null], [null]]);
    for (let ahead = 0; ahead < 30; ahead += 3) {
      clock.turn(3 * day);
      await rotateKeyRing(deps(noProtector));
      await consume(noProtector);
    }
  });

  it('is read from the folder itself, copies and locks beside it', async () => {
    await rotateKeyRing(deps(noProtector));
    await store.keepCopy(await store.read(), clock.now());
    const [answer] = await consumer.ask([
      { op: 'consume', folder, now: clock.now().toISOString(), automaticGeneration: false, protect: ['x'] },
    ]);
    expect(answer).toMatchObject({ defaultKeyId: (await ringStatus(deps(noProtector))).defaultKey });
    expect(answer?.error).toBeUndefined();
  });

  it('reads keys and revocations that ASP.NET Core writes', async () => {
    const [created] = await consumer.ask([
      {
        op: 'write',
        certificates: older ? [older] : [],
        steps: [
          { activation: new Date(start - day).toISOString(), expiration: new Date(start + 40 * day).toISOString() },
          { activation: new Date(start + day).toISOString(), expiration: new Date(start + 80 * day).toISOString() },
        ],
      },
    ]);
    const ids = created?.elements.flatMap((text) => /^<key id="([^"]+)"/.exec(text)?.[1] ?? []) ?? [];
    const elements = created?.elements ?? [];
    const [revoked] = await consumer.ask([
      {
        op: 'write',
        elements,
        certificates: older ? [older] : [],
        steps: [{ revoke: ids[1] ?? '' }, { revokeAllBefore: '2020-01-01T00:00:00Z' }],
      },
    ]);
    await fill(store, [...elements, ...(revoked?.elements ?? [])]);
    const status = await ringStatus(deps(await certificateProtector(older)));
    const states = Object.fromEntries(status.keys.map(({ id, state, unwraps }) => [id, [state, unwraps]]));
    expect(states).toEqual({ [ids[0] ?? '']: ['default', true], [ids[1] ?? '']: ['revoked', true] });
    expect(status.revocations).toBe(2);
    expect(status.keys.every(({ madeBy }) => madeBy === 'app')).toBe(true);
  });

  it('keeps the entries of Microsoft.Identity.Web readable across a rotation', async () => {
    await rotateKeyRing(deps(noProtector));
    const ask = async (token: string, cached: Record<string, string>) => {
      const [answer] = await consumer.ask([
        {
          op: 'tokenCache',
          elements: await texts(),
          now: clock.now().toISOString(),
          automaticGeneration: false,
          token,
          cached,
        },
      ]);
      if (!answer) throw new Error('no answer');
      return answer;
    };
    const first = await ask('first token', {});
    expect(first).toMatchObject({ token: 'first token', fromCache: false });
    const [entry] = Object.values(first.cached);
    expect(keyIdOf(Buffer.from(entry ?? '', 'base64'))).toBe(first.defaultKeyId);
    clock.turn(91 * day);
    clock.turn(-10 * day);
    await rotateKeyRing(deps(noProtector));
    clock.turn(10 * day);
    await rotateKeyRing(deps(noProtector));
    const second = await ask('second token', first.cached);
    expect(second.defaultKeyId).not.toBe(first.defaultKeyId);
    expect(second).toMatchObject({ token: 'first token', fromCache: true });
    await revokeKeys(deps(noProtector), 'web', {
      target: { createdBefore: instant(clock.now().getTime()) },
      reason: 'test',
      confirm: 'web',
    });
    // An entry of a revoked key fails each time, until it is removed: the runbook says how.
    for (let access = 0; access < 2; access++) {
      expect((await ask('third token', second.cached)).error).toBe('json_parse_failed');
    }
    expect(await ask('third token', {})).toMatchObject({ token: 'third token', fromCache: false });
  });
});
