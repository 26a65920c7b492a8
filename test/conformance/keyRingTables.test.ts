/** Key rings in a table of Entity Framework: on PostgreSQL, behind PgBouncer, and on what speaks like a SQL Server. */
import { randomUUID } from 'node:crypto';
import { describe } from 'vitest';
import { pgbouncerFound, usePgbouncer } from '../support/pgbouncer.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { createRingTable, postgresTableRing, sqlServerTableRing } from '../support/tableRing.ts';
import { type TestDatabase, useTestDatabase } from '../support/testDatabase.ts';
import { type RingPlace, storeConformance } from './keyRingStore.ts';

const database = useTestDatabase();

/** A table of the test's own; the app and the test work on PostgreSQL directly. */
async function tablePlace(
  { query }: TestDatabase,
  schema: string,
  open: (table: string) => ReturnType<RingPlace['open']>,
): Promise<RingPlace> {
  const name = `Ring ${randomUUID().slice(0, 8)}`;
  const table = `"${schema}"."${name}"`;
  await query(`create schema if not exists "${schema}"`);
  await query(createRingTable(table));
  return {
    open: () => open(`${schema}."${name}"`),
    addByApp: async (id, xml) =>
      void (await query(`insert into ${table} ("FriendlyName", "Xml") values ($1, $2)`, [`key-${id}`, xml])),
    texts: async () => (await query<{ xml: string }>(`select "Xml" as xml from ${table}`)).map(({ xml }) => xml),
    remove: async () => void (await query(`drop table if exists ${table}, "${schema}"."${name}_backup"`)),
  };
}

storeConformance('a table on PostgreSQL', () =>
  tablePlace(database, 'public', (table) => postgresTableRing(database.url, table)),
);

describe.skipIf(!pgbouncerFound).each(['session', 'transaction'] as const)('PgBouncer in %s mode', (mode) => {
  const pooled = useTestDatabase();
  const { url } = usePgbouncer(pooled, mode);
  storeConformance('a table behind it', () => tablePlace(pooled, 'public', (table) => postgresTableRing(url(), table)));
});

describe('the TDS endpoint', () => {
  const endpoint = useEndpoint(database);
  storeConformance('a table on SQL Server', () =>
    tablePlace(database, 'dbo', (table) =>
      sqlServerTableRing(endpoint().connectionString('TrustServerCertificate=true'), table),
    ),
  );
});
