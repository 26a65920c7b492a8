/**
 * Broken setups on the embedded PostgreSQL: for each the check that names its cause, and no other that blames anything.
 * How entries are judged is proven here for all engines; the other files have what is theirs alone.
 */
import { createHash, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { rotateKeyRing } from '../../../src/lib/keyRing/jobs/rotate.ts';
import { blockEventLoop } from '../../support/busyLoop.ts';
import { loadPfx } from '../../support/certificates.ts';
import {
  appKey,
  certificateRing,
  client,
  dayMs,
  diagnose,
  encryptedValue,
  entries,
  entry,
  plainValue,
  type TestRing,
  tenant,
  userKey,
  withRings,
} from '../../support/diagnosis.ts';
import { createPostgresCache, fillPostgres, postgresTable } from '../../support/diagnosisTables.ts';
import { useTestDatabase } from '../../support/testDatabase.ts';
import { jobDeps, managed } from '../../support/testRing.ts';

const database = useTestDatabase();
let ring: TestRing;
let other: TestRing;

beforeAll(async () => {
  ring = await certificateRing('web');
  other = await certificateRing('other');
});
afterAll(async () => {
  await ring.remove();
  await other.remove();
});
beforeEach(() => createPostgresCache(database));

interface Setup {
  /** What is broken. */
  setup: string;
  /** All that is to be blamed: `check: cause`. */
  blamed: string[];
  build(): Promise<Record<string, string> | undefined>;
  /** Whether other checks may be unable to look; else all of them pass. */
  unknown?: boolean;
}

const env = () => ({ TOKEN_CACHE_CONNECTION_STRING: database.url });
const fill = (...all: ReturnType<typeof entry>[][]) => fillPostgres(database, all.flat());
const plain = (count = 40) => entries(count);
const encrypted = (keyId: string, count = 40) => entries(count, () => ({ value: encryptedValue(keyId) }));

/** A hash as MSAL writes it: of an assertion, of a proof-of-possession key. */
const hash = () => createHash('sha256').update(randomUUID()).digest('base64url');

/** An entry with the tokens of so many users. */
function tokensOf(users: number): Buffer {
  const ids = Array.from({ length: users }, () => `${randomUUID()}.${tenant}`);
  const tokens = ids.map((home_account_id) => [
    home_account_id,
    { home_account_id, client_id: client, secret: 's'.repeat(1_500) },
  ]);
  return Buffer.from(JSON.stringify({ AccessToken: Object.fromEntries(tokens) }));
}

const setups: Setup[] = [
  {
    setup: 'an app that writes the tokens of all users under each key',
    blamed: ['entries-of-all-users: users_share_entries'],
    build: async () => void (await fill(entries(40, () => ({ value: tokensOf(60) })))),
  },
  {
    setup: 'on-behalf-of entries that outlive their assertion by months',
    blamed: ['entries-on-behalf-of: on_behalf_of_outlives_assertion'],
    build: async () =>
      void (await fill(
        plain(),
        entries(60, () => ({ key: hash(), expiresInMs: 80 * dayMs, slidingSeconds: 90 * 86_400 })),
      )),
  },
  {
    setup: 'on-behalf-of entries that never expire',
    blamed: ['entries-on-behalf-of: on_behalf_of_outlives_assertion'],
    build: async () => {
      await fill(
        plain(),
        entries(60, () => ({ key: hash() })),
      );
      await database.query(`update ${postgresTable} set expiresattime = 'infinity' where id not like '%.%'`);
      return undefined;
    },
  },
  {
    setup: "none of MSAL's own keys: long-running sessions, proof of possession, no tenant, parameters of the request",
    blamed: [],
    build: async () => {
      const app = (key: string) => entry({ key, expiresInMs: dayMs / 24, slidingSeconds: null });
      const tenantless = `${client}__AppTokenCache`;
      await fill(
        plain(),
        entries(20, () => ({ key: randomUUID() })),
        entries(20, () => ({ key: randomUUID().replaceAll('-', '') })),
        entries(3, () => ({ key: `my session ${randomUUID()}` })),
        Array.from({ length: 20 }, () => app(`${hash()}${client}_${tenant}_AppTokenCache`)),
        Array.from({ length: 20 }, () => app(`${client}_${tenant}_${hash()}_AppTokenCache`)),
        [app(tenantless)],
      );
      return undefined;
    },
  },
  {
    setup: 'an instance that encrypts with a ring of its own',
    blamed: ['encryption-unknown-keys: key_not_in_ring'],
    build: async () => {
      await fill(encrypted(ring.keyId), encrypted(randomUUID(), 4));
      return withRings(env(), ring);
    },
  },
  {
    setup: 'entries of keys alone that are in no ring',
    blamed: ['encryption-unknown-keys: key_not_in_ring'],
    unknown: true,
    build: async () => {
      await fill(encrypted(randomUUID()));
      return withRings(env(), ring);
    },
  },
  {
    setup: 'expired entries that nobody removes, of keys that the ring no longer has and of another form',
    blamed: ['expired-backlog: expired_backlog'],
    build: async () => {
      const old = (value: Buffer) => entries(20, () => ({ value, expiresInMs: -100 * dayMs }));
      await fill(encrypted(ring.keyId), old(encryptedValue(randomUUID())), old(plainValue()), old(Buffer.from('?')));
      return withRings(env(), ring);
    },
  },
  {
    setup: 'a ring that was emptied',
    blamed: ['ring-read: ring_empty'],
    unknown: true,
    build: async () => {
      const emptied = await certificateRing('emptied');
      await fill(encrypted(emptied.keyId));
      await rm(emptied.folder, { recursive: true });
      return withRings(env(), emptied);
    },
  },
  {
    setup: 'a ring that was emptied, beside the one of the entries',
    blamed: ['ring-read: ring_empty'],
    build: async () => {
      const emptied = await certificateRing('emptied');
      await fill(encrypted(ring.keyId));
      await rm(emptied.folder, { recursive: true });
      return withRings(env(), emptied, ring);
    },
  },
  {
    setup: 'entries under a revoked key',
    blamed: ['encryption-revoked-keys: key_revoked'],
    unknown: true,
    build: async () => {
      const revoked = await certificateRing('revoked');
      await fill(encrypted(revoked.keyId, 3));
      const { revokeKeys } = await import('../../../src/lib/keyRing/jobs/revoke.ts');
      const { CertificateProtector } = await import('../../../src/lib/keyRing/protectors/certificate.ts');
      const protector = new CertificateProtector([await loadPfx(revoked.pfx)]);
      const deps = jobDeps({ store: revoked.store, clock: systemClock, protector });
      await revokeKeys(deps, 'revoked', { target: { key: revoked.keyId }, reason: 'test', confirm: 'revoked' });
      return withRings(env(), revoked);
    },
  },
  {
    setup: 'apps of two rings in one table',
    blamed: ['encryption-several-rings: several_rings'],
    build: async () => {
      await fill(encrypted(ring.keyId), encrypted(other.keyId, 10));
      return withRings(env(), ring, other);
    },
  },
  {
    setup: 'a certificate that is not the one of the ring',
    blamed: ['encryption-unreadable-keys: key_does_not_unwrap', 'ring-protection: key_protected_otherwise'],
    build: async () => {
      await fill(encrypted(ring.keyId));
      const { certificates } = other.settings.protector as { certificates: unknown[] };
      const wrong = { ...ring, settings: { ...ring.settings, protector: { kind: 'certificate', certificates } } };
      return withRings(env(), wrong);
    },
  },
  {
    setup: 'entries without a value',
    blamed: ['entries-empty: empty_values'],
    build: async () =>
      void (await fill(
        plain(),
        entries(3, () => ({ value: Buffer.alloc(0) })),
      )),
  },
  {
    setup: 'JSON that was cut off',
    blamed: ['entries-format: foreign_format'],
    build: async () =>
      void (await fill(
        plain(),
        entries(3, () => ({ value: plainValue().subarray(0, 700) })),
      )),
  },
  {
    setup: 'entries of a wrapper that compresses',
    blamed: ['entries-format: foreign_format'],
    build: async () => {
      const { gzipSync } = await import('node:zlib');
      await fill(
        plain(),
        entries(3, () => ({ value: gzipSync(plainValue()) })),
      );
      return undefined;
    },
  },
  {
    setup: 'entries of an older serializer',
    blamed: ['entries-format: foreign_format'],
    build: async () =>
      void (await fill(
        plain(),
        entries(3, () => ({ value: Buffer.from([3, 0, 0, 0, 1, 0, 0, 0, 255, 254, 17]) })),
      )),
  },
  {
    setup: 'payloads that were cut off',
    blamed: ['entries-format: foreign_format'],
    build: async () => {
      await fill(
        encrypted(ring.keyId),
        entries(2, () => ({ value: encryptedValue(ring.keyId).subarray(0, 12) })),
      );
      return withRings(env(), ring);
    },
  },
  {
    setup: 'some apps with Encrypt, some without',
    blamed: ['entries-mixture: plain_and_encrypted'],
    build: async () => {
      await fill(encrypted(ring.keyId), plain(12));
      return withRings(env(), ring);
    },
  },
  {
    setup: "the library's default sliding expiration of 20 minutes",
    blamed: ['entries-sliding-short: sliding_shorter_than_token'],
    build: async () => void (await fill(entries(40, () => ({ slidingSeconds: 1_200, expiresInMs: 1_100_000 })))),
  },
  {
    setup: 'entries that do not slide',
    blamed: ['entries-sliding-missing: no_sliding_expiration'],
    build: async () =>
      void (await fill(
        plain(20),
        entries(20, () => ({ slidingSeconds: null })),
      )),
  },
  {
    setup: 'entries that outlive every token',
    blamed: ['entries-lifetime: entries_outlive_tokens'],
    build: async () =>
      void (await fill(
        plain(),
        entries(5, () => ({ slidingSeconds: 365 * 86_400, expiresInMs: 300 * dayMs })),
      )),
  },
  {
    setup: 'sessions in the same table',
    blamed: ['entries-kinds: foreign_keys'],
    build: async () =>
      void (await fill(
        plain(),
        entries(10, () => ({ key: `session:${randomUUID()}:x`, value: Buffer.from('session') })),
      )),
  },
  {
    setup: 'entries with hundreds of tokens',
    blamed: ['entries-large: large_entries'],
    build: async () =>
      void (await fill(
        plain(),
        entries(2, () => ({ value: plainValue({ tokens: 400, resources: 3 }) })),
      )),
  },
  {
    setup: 'two apps in one table, by their app tokens',
    blamed: ['entries-shared-by-apps: shared_by_apps'],
    build: async () =>
      void (await fill(
        plain(),
        entries(3, () => ({ key: appKey() })),
        entries(3, () => ({ key: appKey(randomUUID()) })),
      )),
  },
  {
    setup: "two apps in one table, by the tokens of plain users' entries",
    blamed: ['entries-shared-by-apps: shared_by_apps'],
    build: async () =>
      void (await fill(
        plain(),
        entries(3, () => ({ value: plainValue({ clientId: randomUUID() }) })),
      )),
  },
  {
    setup: 'keys that differ in case alone',
    blamed: ['keys-case: keys_differ_in_case'],
    build: async () => {
      const keys = Array.from({ length: 3 }, () => `abcdef01${userKey().slice(8)}`);
      await fill(
        plain(),
        keys.map((key) => entry({ key })),
        keys.map((key) => entry({ key: key.toUpperCase() })),
      );
      return undefined;
    },
  },
  {
    setup: 'the same user under two tenants',
    blamed: ['keys-tenant: keys_differ_in_tenant'],
    build: async () => {
      const object = randomUUID();
      await fill(plain(5), [entry({ key: `${object}.${tenant}` }), entry({ key: `${object}.${randomUUID()}` })]);
      return undefined;
    },
  },
];

describe('on PostgreSQL, the diagnosis blames', () => {
  it.each(setups)('$setup', async ({ build, blamed, unknown = false }) => {
    const found = await diagnose((await build()) ?? env());
    expect(found.blamed).toEqual(blamed);
    if (!unknown) expect(found.unknown).toEqual([]);
  });

  it('an entry that is rewritten under another key over and over', async () => {
    const mine = entries(10, () => ({ value: encryptedValue(ring.keyId) }));
    await fill(mine);
    let stopped = false;
    // Two instances, each of which cannot read what the other wrote: whatever the looks' times, some entry has changed between them.
    const pingPong = (async () => {
      while (!stopped) {
        await database.query(
          `update ${postgresTable} set value = case when random() < 0.5 then $1::bytea else $2::bytea end`,
          [encryptedValue(other.keyId), encryptedValue(ring.keyId)],
        );
        await systemClock.sleep(150);
      }
    })();
    const { report } = await diagnose(withRings(env(), ring), { caches: ['default'] }).finally(() => {
      stopped = true;
      return pingPong;
    });
    expect(report.checks.find(({ check }) => check === 'entries-rewritten')).toMatchObject({
      status: 'critical',
      cause: 'key_id_alternates',
    });
  });

  it('slow reads, on a line that delays', async () => {
    await fill(plain());
    const { delayed, startTcpProxy } = await import('../../support/tcpProxy.ts');
    const proxy = await startTcpProxy(Number(new URL(database.url).port), delayed(130));
    const url = new URL(database.url);
    url.port = String(proxy.port);
    try {
      const { blamed } = await diagnose({ TOKEN_CACHE_CONNECTION_STRING: url.href });
      expect(blamed).toEqual(['latency: slow_reads']);
    } finally {
      await proxy.close();
    }
  });

  it('no slow reads where the event loop of this process is blocked', async () => {
    await fill(plain());
    const free = blockEventLoop(120);
    const { report } = await diagnose({ TOKEN_CACHE_CONNECTION_STRING: database.url }).finally(free);
    // An answer that comes within the same round of the loop is read without delay; of any other the delay is known. On a busy machine
    // the check may find no time at all.
    expect([null, 'event_loop_late', 'time_limit']).toContain(
      report.checks.find(({ check }) => check === 'latency')?.cause,
    );
  });

  it('nothing where one ring is named twice', async () => {
    await fill(encrypted(ring.keyId));
    const again = { ...ring, settings: { ...ring.settings, name: 'again', mode: 'observe' } };
    const { blamed, unknown } = await diagnose(withRings(env(), ring, again));
    expect([blamed, unknown]).toEqual([[], []]);
  });

  it('nothing in a ring that its entries and settings fit', async () => {
    await fill(
      encrypted(ring.keyId),
      entries(2, () => ({ key: appKey(client), value: encryptedValue(ring.keyId) })),
    );
    await rotateKeyRing(jobDeps({ store: ring.store, clock: systemClock, policy: managed }));
    const { blamed, unknown, report } = await diagnose(withRings(env(), ring));
    expect([blamed, unknown]).toEqual([[], []]);
    expect(report.status).toBe('pass');
  });

  it('clocks that differ, on both sides of the limit', async () => {
    await fill(plain());
    const ahead = (ms: number) => ({ ...systemClock, now: () => new Date(Date.now() + ms) });
    const { blamed } = await diagnose(env(), { clock: ahead(-12 * 60_000) });
    expect(blamed).toEqual(['clock-skew: clock_skew']);
    expect((await diagnose(env(), { clock: ahead(2_000) })).blamed).toEqual([]);
  });
});
