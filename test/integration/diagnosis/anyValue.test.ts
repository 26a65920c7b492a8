/** Every check survives every value of every column or field, on real servers: none ends by an error of its own. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DiagnosisReport } from '../../../src/lib/checks/diagnosisReport.ts';
import { client, diagnose, encryptedValue, plainValue, tenant } from '../../support/diagnosis.ts';
import {
  createEndpointCache,
  createPostgresCache,
  endpointTable,
  postgresTable,
} from '../../support/diagnosisTables.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../../support/redisServer.ts';
import { useEndpoint } from '../../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../../support/testDatabase.ts';

const rows = 120;
const runs = { numRuns: 6 };

const keys = fc.oneof(
  fc.string({ maxLength: 40, unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
  fc.constantFrom('', '_AppTokenCache', `${client}__AppTokenCache`, "'", '%', '\\', 'x'.repeat(449)),
  fc.uuid().map((id) => `${id}.${tenant}`),
  fc.uuid().map((id) => `${id.toUpperCase()}-B2C_1_x.${tenant}`),
  fc.base64String({ minLength: 44, maxLength: 44 }),
);

const json = fc.json().map((text) => Buffer.from(text));
const values = fc.option(
  fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    json,
    fc
      .tuple(fc.constantFrom('AccessToken', 'RefreshToken', 'Account', 'IdToken'), fc.jsonValue())
      .map(([part, value]) => Buffer.from(JSON.stringify({ [part]: value }))),
    fc.uuid().map((keyId) => encryptedValue(keyId)),
    fc.constantFrom(plainValue(), encryptedValue(tenant).subarray(0, 12), Buffer.alloc(300_000, '{"AccessToken":')),
  ),
);

const long = fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String));
const seconds = fc.oneof(long, fc.constantFrom('0', '-1', '1200', '1'));

/** What a check says that failed by itself, and not by what it saw. */
const broken = ({ checks }: DiagnosisReport) =>
  checks.filter(({ what }) => /itself failed|Invalid|NaN|undefined|\bnull\b/.test(what));

/** The settings of a diagnosis that waits for nothing. */
const unbothered = { REDIS_PING_WARNING: 'PT10S', REDIS_PING_CRITICAL: 'PT20S' };

describe('on PostgreSQL', () => {
  const database = useTestDatabase();
  beforeEach(() => createPostgresCache(database));

  const times = fc.option(
    fc.oneof(
      fc.constantFrom('infinity', '-infinity', '4713-01-01 BC', '294276-12-31', '0001-01-01', '1970-01-01 00:00:00+00'),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString().replace(/^[+-]\d\d/, '')),
      fc.integer({ min: -9e8, max: 9e8 }).map((ms) => new Date(Date.now() + ms).toISOString()),
    ),
  );

  it('every check survives every row', async () => {
    for (const column of ['value', 'expiresattime'])
      await database.query(`alter table ${postgresTable} alter column ${column} drop not null`);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(keys, values, times, seconds, times), { maxLength: rows }), async (all) => {
        await database.query(`truncate ${postgresTable}`);
        for (const row of all)
          await database.query(`insert into ${postgresTable} values ($1, $2, $3, $4, $5) on conflict do nothing`, row);
        await database.query(`analyze ${postgresTable}`);
        const { report } = await diagnose({ TOKEN_CACHE_CONNECTION_STRING: database.url });
        expect(broken(report)).toEqual([]);
      }),
      runs,
    );
  }, 240_000);
});

describe('before the TDS endpoint', () => {
  const database = useTestDatabase();
  const endpoint = useEndpoint(database);
  beforeEach(() => createEndpointCache(database));

  // Ticks of datetimeoffset: the years 1 to 9999, which is all that SQL Server has.
  const ticks = fc.option(fc.bigInt({ min: 0n, max: 3_155_378_975_999_999_999n }).map(String));

  it('every check survives every row', async () => {
    for (const column of ['Value', 'ExpiresAtTime'])
      await database.query(`alter table ${endpointTable} alter column "${column}" drop not null`);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(keys, values, ticks, seconds, ticks), { maxLength: rows }), async (all) => {
        await database.query(`truncate ${endpointTable}`);
        for (const row of all)
          await database.query(`insert into ${endpointTable} values ($1, $2, $3, $4, $5) on conflict do nothing`, row);
        const { report } = await diagnose({
          TOKEN_CACHE_CONNECTION_STRING: endpoint().connectionString('Encrypt=False'),
        });
        expect(broken(report)).toEqual([]);
      }),
      runs,
    );
  }, 240_000);
});

describe.skipIf(!redisFound)('on Redis', () => {
  afterEach(stopAllRedisServers);

  const field = fc.option(
    fc.oneof(
      long.map((text) => text ?? ''),
      fc.string(),
      fc.constantFrom('-1', '1e400', 'NaN'),
    ),
  );

  it('every check survives every hash, and what is none', async () => {
    const server = await startRedis();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(keys, values, field, field, fc.constantFrom(-1, 5, 1e12)), { maxLength: rows }),
        async (all) => {
          await server.client.flushall();
          for (const [key, data, absexp, sldexp, ttl] of all) {
            const fields = { data, absexp, sldexp };
            const given = Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [name, value]));
            await server.client.del(key);
            if (given.length === 0) await server.client.set(key, 'x');
            else await server.client.hset(key, ...given);
            if (ttl > 0) await server.client.pexpire(key, ttl);
          }
          const { report } = await diagnose({
            TOKEN_CACHE_CONNECTION_STRING: `${server.node},abortConnect=False`,
            ...unbothered,
          });
          expect(broken(report)).toEqual([]);
        },
      ),
      runs,
    );
  }, 240_000);
});
