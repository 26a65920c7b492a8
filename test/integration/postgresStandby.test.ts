/** A primary and its streaming standby, named in one connection string: the primary is worked on, before and after a failover. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTable } from '../../dev/seed.ts';
import { Maintenance } from '../../src/lib/app/maintenance.ts';
import { openRecordStore } from '../../src/lib/app/recordStores.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { connect } from '../support/postgresConnections.ts';
import { type ReplicatedPostgres, startReplicated } from '../support/postgresStandby.ts';

type Server = ReplicatedPostgres['primary'];
/** All of Npgsql's, and that none is given. */
const attributes = ['any', 'primary', 'standby', 'prefer-primary', 'prefer-standby', 'read-write', 'read-only', ''];

describe('a cache on a PostgreSQL with a standby', () => {
  let servers: ReplicatedPostgres;
  beforeAll(async () => {
    servers = await startWithTable();
  }, 60_000);
  afterAll(() => servers.stop());

  it('is purged on the primary whichever stands first, whatever the app asks for', { timeout: 60_000 }, async () => {
    const { primary, standby } = servers;
    await query(primary, 'delete from public.tokencache');
    for (const [index, given] of attributes.entries()) {
      for (const hosts of [
        [primary, standby],
        [standby, primary],
      ]) {
        const more = `${given && `Target Session Attributes=${given};`}Load Balance Hosts=${index % 2 === 0}`;
        await addExpired(primary);
        const { outcome, error, report } = await maintain(hosts, more).sqlCaches.purge('default', 'cli');
        expect({ more, outcome, error, report }).toMatchObject({
          more,
          outcome: 'succeeded',
          error: undefined,
          report: { deleted: 1 },
        });
      }
    }
  });

  it('is not purged where a standby alone is named', async () => {
    await query(servers.primary, 'delete from public.tokencache');
    await addExpired(servers.primary);
    await servers.caughtUp();
    const { sqlCaches } = maintain([servers.standby]);
    const refused = {
      outcome: 'failed',
      error: { code: 'database_read_only', advice: expect.stringContaining('Connect to the primary') },
    };
    expect(await sqlCaches.purge('default', 'cli')).toMatchObject(refused);
    expect(await sqlCaches.counts('default', 'cli')).toMatchObject({
      outcome: 'succeeded',
      report: { expired: { count: 1 } },
    });
  });

  it('is purged on the server that has taken over, by the process that knew the other', {
    timeout: 60_000,
  }, async () => {
    const servers = await startWithTable();
    try {
      const { primary, standby } = servers;
      const { sqlCaches } = maintain([primary, standby]);
      await addExpired(primary);
      expect(await sqlCaches.purge('default', 'cli')).toMatchObject({ outcome: 'succeeded', report: { deleted: 1 } });
      await addExpired(primary);
      await servers.caughtUp();
      await servers.stopPrimary();
      // A run that begins in between waits.
      const run = sqlCaches.purge('default', 'cli');
      await servers.promote();
      expect(await run).toMatchObject({ outcome: 'succeeded', report: { deleted: 1 } });
    } finally {
      await servers.stop();
    }
  });
});

async function startWithTable(): Promise<ReplicatedPostgres> {
  const servers = await startReplicated();
  // What is not logged is not on a standby.
  await query(servers.primary, createTable('public.tokencache').replace('unlogged ', ''));
  return servers;
}

function maintain(hosts: readonly Server[], more = ''): Maintenance {
  const named = hosts.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const text = `Host=${named};Database=postgres;Username=postgres;Password=local;${hosts.length > 1 ? more : ''}`;
  const settings = readSettings({ TOKEN_CACHE_CONNECTION_STRING: text, RECORD_STORE: 'none' }, 'table');
  return new Maintenance(settings, () => undefined, openRecordStore(settings.recordStore));
}

const addExpired = (server: Server) =>
  query(
    server,
    "insert into public.tokencache (id, value, expiresattime) values ('old', 'x', now() - interval '1 hour')",
  );

async function query({ url }: Server, text: string): Promise<void> {
  const client = await connect({ connectionString: url('postgres') });
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
