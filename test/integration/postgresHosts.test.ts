/** Several hosts in a connection string of PostgreSQL, TLS that is only preferred, and a record store that is wrong. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Maintenance } from '../../src/lib/app/maintenance.ts';
import { openRecordStore } from '../../src/lib/app/recordStores.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const { hostname, port, username, password, pathname } = new URL(database.url);
const login = `Database=${pathname.slice(1)};Username=${username};Password=${password}`;

function maintain(connectionString: string, more: Record<string, string> = { RECORD_STORE: 'none' }): Maintenance {
  const settings = readSettings({ TOKEN_CACHE_CONNECTION_STRING: connectionString, ...more }, 'table');
  return new Maintenance(settings, () => undefined, openRecordStore(settings.recordStore));
}

describe('a cache on PostgreSQL', () => {
  beforeEach(async () => {
    const table = await engine.create(engine.ordinaryName);
    await table.insert([{ id: 'old', expiresInMs: -3_600_000 }]);
  });
  afterEach(() => engine.drop(engine.ordinaryName));

  it.each([
    ['with its port in Host', `Host=${hostname}:${port}`],
    ['after a host that refuses', `Host=${hostname}:1,${hostname}:${port}`],
    ['as the primary', `Host=${hostname}:1,${hostname};Port=${port};Target Session Attributes=primary`],
    ['though it offers no TLS, which is only preferred', `Host=${hostname};Port=${port};SSL Mode=Prefer`],
    ['without TLS, which is only allowed', `Host=${hostname};Port=${port};SSL Mode=Allow`],
  ])('is reached %s', async (_, hosts) => {
    const counts = await maintain(`${hosts};${login}`).sqlCaches.counts('default', 'cli');
    expect(counts).toMatchObject({ outcome: 'succeeded', report: { entries: { count: 1 } } });
  });

  it('is not reached without TLS where that is required', async () => {
    const { error } = await maintain(`Host=${hostname};Port=${port};SSL Mode=Require;${login}`).sqlCaches.counts(
      'default',
      'cli',
    );
    expect(error?.message).toContain('does not support SSL');
  });

  it('is purged along its key though the settings of the record store are wrong, and that says that it keeps no position', async () => {
    const role = `r${Date.now()}`;
    await database.query(`create role ${role} login password 'pw-1'`);
    try {
      await database.query(`grant select, delete on public.tokencache to ${role}`);
      const text = `Host=${hostname};Port=${port};Database=${pathname.slice(1)};Username=${role};Password=pw-1`;
      const { report, outcome } = await maintain(text, {
        RECORD_STORE: 'table',
        AzureWebJobsStorage__tableServiceUri: 'contoso.table.core.windows.net',
      }).sqlCaches.purge('default', 'cli');
      expect(outcome).toBe('succeeded');
      expect(report).toMatchObject({ deleted: 1, way: 'key' });
      expect(report?.warnings.join(' ')).toContain('position could not be kept');
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`);
    }
  });
});
