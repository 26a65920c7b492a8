/**
 * The statements of the deployment script on a real PostgreSQL. Azure's function that makes a role for an Entra identity is
 * a stand-in here: it makes a plain role, and proves nothing of Entra.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quoteIdentifier } from '../../src/lib/sql/postgres/tableName.ts';
import { infra } from '../support/bicep.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const role = 'id-token-cache "test"';

/** As psql runs a script: with the values as settings of the connection. */
async function run(script: string, table: string): Promise<void> {
  const options = { role, object_id: '77777777-7777-7777-7777-777777777777', schema: 'cache space', table };
  const client = await database.connect();
  for (const [name, value] of Object.entries(options))
    await client.query('select set_config($1, $2, false)', [`maintenance.${name}`, value]);
  await client.query(await readFile(join(infra, 'scripts', script), 'utf8'));
}

const rights = (table: string) =>
  database.query<{ select: boolean; delete: boolean; insert: boolean; truncate: boolean; owner: boolean }>(
    `select has_table_privilege($1, c.oid, 'SELECT') as select, has_table_privilege($1, c.oid, 'DELETE') as delete,
       has_table_privilege($1, c.oid, 'INSERT') as insert, has_table_privilege($1, c.oid, 'TRUNCATE') as truncate,
       pg_get_userbyid(c.relowner) = $1 as owner
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'cache space' and c.relname = $2`,
    [role, table],
  );

describe("the deployment script's statements for PostgreSQL", () => {
  beforeAll(async () => {
    await database.query(`create function pgaadauth_create_principal_with_oid(name text, object_id text, type text, admin bool, mfa bool)
      returns text language plpgsql as $$ begin execute format('create role %I', name); return 'Created'; end $$`);
  });
  afterAll(async () => {
    await database.query(`drop owned by ${quoteIdentifier(role)}`);
    await database.query(`drop role ${quoteIdentifier(role)}`);
  });

  it('make the role, the table with its index, and give the least rights; twice, to the same end', async () => {
    for (let time = 1; time <= 2; time += 1) {
      await run('postgresRole.sql', 'Entries');
      await run('postgresGrants.sql', 'Entries');
      expect(await rights('Entries')).toEqual([
        { select: true, delete: true, insert: false, truncate: false, owner: false },
      ]);
    }
    const indexes = await database.query(
      `select indexdef from pg_indexes where schemaname = 'cache space' and tablename = 'Entries' and indexdef like '%(expiresattime)'`,
    );
    expect(indexes).toHaveLength(1);
  });

  it('leave a table that the web app has made as it is', async () => {
    await database.query(
      `create table "cache space".made (id varchar(449) primary key, value bytea not null, expiresattime timestamptz not null)`,
    );
    await database.query(`insert into "cache space".made values ('a', '', now())`);
    await run('postgresGrants.sql', 'made');
    expect(await database.query(`select id from "cache space".made`)).toEqual([{ id: 'a' }]);
    expect(await rights('made')).toMatchObject([{ select: true, delete: true }]);
  });
});
