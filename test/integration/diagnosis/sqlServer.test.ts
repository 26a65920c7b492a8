/** Broken setups before the TDS endpoint: what SQL Server alone has, and that its answers are read as PostgreSQL's are. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  certificateRing,
  dayMs,
  diagnose,
  encryptedValue,
  entries,
  entry,
  type TestRing,
  userKey,
  withRings,
} from '../../support/diagnosis.ts';
import { createEndpointCache, endpointTable, fillEndpoint } from '../../support/diagnosisTables.ts';
import { useEndpoint } from '../../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../../support/testDatabase.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);
let ring: TestRing;

beforeAll(async () => {
  ring = await certificateRing('web');
});
afterAll(() => ring.remove());
beforeEach(async () => {
  await createEndpointCache(database);
  await database.query(
    'update sys.database_facts set compatibility_level = 160, max_bytes = null, used_bytes = 10000000; delete from sys.table_features; delete from sys.query_store',
  );
});

const env = () => ({ TOKEN_CACHE_CONNECTION_STRING: endpoint().connectionString('Encrypt=False') });
const fill = (...all: ReturnType<typeof entry>[][]) => fillEndpoint(database, all.flat());
const encrypted = (keyId: string, count = 40) => entries(count, () => ({ value: encryptedValue(keyId) }));
const sql = (text: string) => database.query(text);

const setups: { setup: string; blamed: string[]; build: () => Promise<unknown> }[] = [
  {
    setup: 'an instance that encrypts with a ring of its own',
    blamed: ['encryption-unknown-keys: key_not_in_ring'],
    build: () => fill(encrypted(ring.keyId), encrypted(randomUUID(), 4)),
  },
  {
    setup: "the library's default sliding expiration of 20 minutes",
    blamed: ['entries-sliding-short: sliding_shorter_than_token'],
    build: () =>
      fill(entries(40, () => ({ value: encryptedValue(ring.keyId), slidingSeconds: 1_200, expiresInMs: 1_100_000 }))),
  },
  {
    setup: 'keys that differ in case alone',
    blamed: ['keys-case: keys_differ_in_case'],
    build: () => {
      const value = encryptedValue(ring.keyId);
      const keys = Array.from({ length: 3 }, () => `abcdef01${userKey().slice(8)}`);
      return fill(
        encrypted(ring.keyId),
        keys.flatMap((key) => [entry({ key, value }), entry({ key: key.toUpperCase(), value })]),
      );
    },
  },
  {
    setup: 'expired entries that nobody removes',
    blamed: ['expired-backlog: expired_backlog'],
    build: () =>
      fill(
        encrypted(ring.keyId),
        entries(50, () => ({ expiresInMs: -30 * dayMs, value: encryptedValue(ring.keyId) })),
      ),
  },
  {
    setup: 'a missing expiry index',
    blamed: ['expiry-index: expiry_index_missing'],
    build: () => sql('drop index dbo."Index_ExpiresAtTime"').then(() => fill(encrypted(ring.keyId))),
  },
  {
    setup: 'a table near the size limit of the database',
    blamed: ['size-limit: near_size_limit'],
    build: async () => {
      await fill(encrypted(ring.keyId));
      await sql('update sys.database_facts set max_bytes = 11000000');
    },
  },
  {
    setup: 'an old compatibility level',
    blamed: ['schema-server: compatibility_level_old'],
    build: () => sql('update sys.database_facts set compatibility_level = 110').then(() => fill(encrypted(ring.keyId))),
  },
  {
    setup: 'a collation that does not tell case apart',
    blamed: ['schema-collation: collation_case_insensitive'],
    build: async () => {
      await sql(`alter table ${endpointTable} alter column "Id" type varchar(449) collate "POSIX"`);
      await fill(encrypted(ring.keyId));
    },
  },
  {
    setup: 'a temporal table',
    blamed: ['schema-extras: temporal_table_added'],
    build: async () => {
      await fill(encrypted(ring.keyId));
      await sql(`insert into sys.table_features values ('temporal table', 'TokenCache')`);
    },
  },
  {
    setup: 'Change Data Capture',
    blamed: ['schema-extras: change_data_capture_added'],
    build: async () => {
      await fill(encrypted(ring.keyId));
      await sql(`insert into sys.table_features values ('change data capture', 'TokenCache')`);
    },
  },
  {
    setup: 'a key that is too short',
    blamed: ['schema-columns: columns_differ'],
    build: async () => {
      await sql(`alter table ${endpointTable} alter column "Id" type varchar(200) collate "C"`);
      await fill(encrypted(ring.keyId));
    },
  },
  {
    setup: "the library's DELETE that scans, by Query Store",
    blamed: ['schema-index-use: expiry_index_not_used'],
    build: async () => {
      await fill(encrypted(ring.keyId));
      await sql(`insert into ${endpointTable} select gen_random_uuid() || right("Id", 37), "Value", "ExpiresAtTime", "SlidingExpirationInSeconds"
                 from ${endpointTable}, generate_series(1, 500)`);
      await sql(`insert into sys.query_store values ('DELETE FROM [dbo].[TokenCache] WHERE @UtcNow > ExpiresAtTime', 1, 1, 0, 1, 1,
                 '<ShowPlanXML><RelOp PhysicalOp="Clustered Index Scan"/></ShowPlanXML>')`);
    },
  },
];

describe('before SQL Server, the diagnosis blames', () => {
  it.each(setups)('$setup', async ({ build, blamed }) => {
    await build();
    const found = await diagnose(withRings(env(), ring));
    expect([found.blamed, found.unknown]).toEqual([blamed, []]);
  });

  it('nothing in a healthy table', async () => {
    await fill(encrypted(ring.keyId));
    const { report } = await diagnose(withRings(env(), ring));
    expect(report.checks.filter(({ status }) => status !== 'pass')).toEqual([]);
  });
});
