/** Users and rights, kept in tables that stand for the server's: nobody is let in or refused by them. */
import * as statements from '../../../../src/lib/sql/sqlserver/grantStatements.ts';
import { quoteIdentifier, quoteTable } from '../../../../src/lib/sql/sqlserver/tableName.ts';
import { createTable } from '../engine.ts';
import { command, fixed, select } from '../entry.ts';
import type { Call, Names } from '../statementTable.ts';

/** A delimited name as PostgreSQL's string; `index` is that of the user. */
const user = ({ index }: Call) => `'${index.slice(1, -1).replaceAll('""', '"').replaceAll("'", "''")}'`;
const object = ({ table }: Call) => `'${table.replaceAll("'", "''")}'`;

const ofUser =
  (statement: (u: string, sid: string) => string) =>
  ({ index, sid }: Names) => [{ text: statement(quoteIdentifier(index), sid), identifiers: [index], flags: [] }];
const onTable =
  (statement: (t: string, u: string) => string) =>
  ({ schema, table, index }: Names) => [
    {
      text: statement(quoteTable({ schema, table }), quoteIdentifier(index)),
      identifiers: [schema, table, index],
      flags: [],
    },
  ];
const givesRights = (call: Call, rights: string) =>
  `insert into sys.database_permissions values (${user(call)}, ${object(call)}, '${rights}')`;

export const grantTwins = {
  principals: select(
    fixed(statements.principals),
    [
      { name: 'name', type: 'nvarchar' },
      { name: 'type', type: 'nvarchar' },
      { name: 'sid', type: 'nvarchar' },
    ],
    () => `select name, type, '0x' || upper(encode(sid, 'hex')) from sys.database_principals
      where name = @user or sid = @sid order by name`,
  ),

  grantTarget: select(
    fixed(statements.grantTarget),
    [
      { name: 'tableThere', type: 'bit' },
      { name: 'schemaThere', type: 'bit' },
    ],
    () => `select to_regclass(@relation) is not null, exists (select 1 from pg_namespace where nspname = @schema)`,
  ),

  createUser: command(
    ofUser(statements.createUser),
    (call) => `insert into sys.database_principals values (${user(call)}, 'E', decode('${call.sid.slice(2)}', 'hex'))`,
  ),
  dropUser: command(
    ofUser((u) => statements.dropUser(u)),
    (call) => `with gone as (delete from sys.database_permissions where grantee = ${user(call)})
      delete from sys.database_principals where name = ${user(call)}`,
  ),
  createSchema: command(
    ofUser((s) => statements.createSchema(s)),
    ({ index }) => `create schema ${index}`,
  ),
  createCacheTable: command(
    onTable(statements.createCacheTable),
    ({ table, index }) =>
      `do $do$ begin ${createTable(table)}; create index ${index} on ${table} ("ExpiresAtTime"); end $do$`,
  ),

  grantOnTable: command(
    (names: Names) =>
      ['SELECT, DELETE', 'SELECT, INSERT, UPDATE, DELETE', 'SELECT', 'SELECT, INSERT', 'INSERT'].flatMap((rights) =>
        onTable((t, u) => statements.grantOnTable(t, u, rights))(names),
      ),
    (call) => givesRights(call, /^GRANT (.*?) ON/.exec(call.text)?.[1] ?? ''),
  ),
  /** A row is what was granted at once; what is taken may be a part of it. */
  revokeOnTable: command(
    onTable((t, u) => statements.revokeOnTable(t, u, 'INSERT, UPDATE, DELETE')),
    (call) => `update sys.database_permissions set rights = 'SELECT'
      where grantee = ${user(call)} and object = ${object(call)} and rights = 'SELECT, INSERT, UPDATE, DELETE'`,
  ),
  grantAlter: command(onTable(statements.grantAlter), (call) => givesRights(call, 'ALTER')),
  revokeAlter: command(
    onTable(statements.revokeAlter),
    (call) => `delete from sys.database_permissions where grantee = ${user(call)} and rights = 'ALTER'`,
  ),
  grantViewState: command(
    ofUser((u) => statements.grantViewState(u)),
    (call) => `insert into sys.database_permissions values (${user(call)}, 'database', 'VIEW DATABASE STATE')`,
  ),
};
