import type { Identity } from '../../azure/credentials.ts';
import {
  copiesRing,
  copyRight,
  type Grantee,
  type Granter,
  type GrantRequest,
  nameTaken,
  needsCopies,
  rightsOnTable,
  rightsToTake,
  type Script,
  tableMissing,
} from '../grants.ts';
import type { TableName } from '../names.ts';
import type { SqlServerConnection } from './connectionString.ts';
import { type ConnectionOptions, SqlServerConnections } from './connections.ts';
import * as statements from './grantStatements.ts';
import { bytes, named, text } from './parameters.ts';
import { createCopies } from './ringStatements.ts';
import { copiesOf, expiryIndexName, maxIdentifierLength, quoteIdentifier, quoteTable } from './tableName.ts';

type Options = Omit<ConnectionOptions, 'table'> & { table: TableName };

/** Rights on Azure SQL, from the login of whoever administers the database. */
export function sqlServerGranter({ table, ...options }: Options): Granter {
  const delimited = quoteTable(table);
  const connections = new SqlServerConnections({
    ...options,
    connection: asAdministrator(options.connection),
    table: delimited,
  });
  const copies = copiesOf(table);
  const run = (statement: string) => connections.query('read', statement);
  const look = async (name: string) =>
    (
      await connections.query<{ tableThere: boolean; schemaThere: boolean }>('read', statements.grantTarget(), {
        ...named(name),
        schema: text(maxIdentifierLength, table.schema),
      })
    )[0];

  async function user(grantee: Grantee, replace: boolean, done: string[]): Promise<string> {
    const { name, id } = grantee;
    const parameters = { user: text(maxIdentifierLength, name), sid: bytes(sidBytes(id)) };
    const rows = await connections.query<{ name: string; type: string; sid: string | null }>(
      'read',
      statements.principals(),
      parameters,
    );
    const same = rows.find(({ sid }) => sid?.toUpperCase() === sidOf(id).toUpperCase());
    const delimitedName = quoteIdentifier(same?.name ?? name);
    if (same) {
      done.push(`The user ${delimitedName} is there, for the client id ${id}.`);
      return delimitedName;
    }
    const [other] = rows;
    if (other) {
      const external = other.type.trim() === 'E';
      if (!external || (grantee.as === 'consumer' && !replace))
        throw nameTaken(
          delimitedName,
          external ? `it stands for another client id (SID ${other.sid})` : 'it is not a user of an Entra identity',
        );
      await run(statements.dropUser(delimitedName));
      done.push(`The user ${delimitedName} stood for an identity that was replaced, and is dropped with its rights.`);
    }
    await run(statements.createUser(delimitedName, sidOf(id)));
    done.push(`The user ${delimitedName} is made, for the client id ${id}.`);
    return delimitedName;
  }

  return {
    async grant(request) {
      const done: string[] = [];
      const target = await look(delimited);
      if (!target?.tableThere) {
        if (request.ring || !request.createTable) throw tableMissing(delimited, request);
        if (!target?.schemaThere) await run(statements.createSchema(quoteIdentifier(table.schema)));
        await run(statements.createCacheTable(delimited, quoteIdentifier(request.indexName ?? expiryIndexName)));
        done.push(`The table ${delimited} is made.`);
      }
      if (needsCopies(request)) {
        if (!(await look(copies))?.tableThere) await run(createCopies(copies));
        done.push(`The table ${copies} is there, for copies of the ring.`);
      }
      for (const grantee of request.grantees) {
        const name = await user(grantee, request.replace, done);
        for (const statement of rights(table, name, grantee, request)) {
          await run(statement);
          done.push(statement);
        }
      }
      return done;
    },
    close: () => connections.close(),
  };
}

/** What a grantee may do, as statements. */
function rights(table: TableName, u: string, grantee: Grantee, { index, ring }: GrantRequest): string[] {
  const t = quoteTable(table);
  const onTable = statements.grantOnTable(t, u, rightsOnTable(grantee, ring));
  const toTake = rightsToTake(grantee, ring);
  if (toTake) return [onTable, statements.revokeOnTable(t, u, toTake)];
  if (copiesRing(grantee, ring)) return [onTable, statements.grantOnTable(copiesOf(table), u, copyRight)];
  if (grantee.as === 'consumer') return [onTable];
  const alter = index === 'manage' ? statements.grantAlter : statements.revokeAlter;
  return [onTable, alter(t, u), statements.grantViewState(u)];
}

/** The same for somebody who pastes it, in the cache's database. */
export function sqlServerScript(database: string, table: TableName, request: GrantRequest): Script {
  const t = quoteTable(table);
  const made = [
    `IF SCHEMA_ID(${literal(table.schema)}) IS NULL`,
    `  EXEC (${literal(statements.createSchema(quoteIdentifier(table.schema)))});`,
    `IF OBJECT_ID(${literal(t)}, N'U') IS NULL`,
    statements.createCacheTable(t, quoteIdentifier(request.indexName ?? expiryIndexName)),
  ];
  return [
    {
      database,
      lines: [
        ...(request.createTable && !request.ring ? made : []),
        ...(needsCopies(request)
          ? [`IF OBJECT_ID(${literal(copiesOf(table))}, N'U') IS NULL`, createCopies(copiesOf(table))]
          : []),
        ...request.grantees.flatMap((grantee) => {
          const name = literal(grantee.name);
          const u = quoteIdentifier(grantee.name);
          const sid = sidOf(grantee.id);
          const gone = [
            "-- An identity that was made again: the user of the one before it is nobody's.",
            `IF EXISTS (SELECT 1 FROM sys.database_principals WHERE name = ${name} AND type = 'E' AND sid <> ${sid})`,
            `  ${statements.dropUser(u)}`,
          ];
          return [
            ...(grantee.as === 'app' || request.replace ? gone : []),
            `IF NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = ${name})`,
            `  ${statements.createUser(u, sid)}`,
            ...rights(table, u, grantee, request),
          ];
        }),
      ],
    },
  ];
}

/** Whoever is logged in, where the connection string names the app's identity, which may not do this. */
function asAdministrator(connection: SqlServerConnection): SqlServerConnection {
  const { login, token } = connection;
  if (login.kind !== 'managedIdentity' || !token) return connection;
  const identity: Identity = { kind: 'default', clientId: undefined };
  return { ...connection, login: identity, token: { ...token, identity } };
}

function literal(value: string): string {
  return `N'${value.replaceAll("'", "''")}'`;
}

/** A GUID as SQL Server keeps it: its first three groups in little-endian order. */
function sidBytes(id: string): Buffer {
  const bytes = Buffer.from(id.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** The SID of an Entra identity: its client id. */
function sidOf(id: string): string {
  return `0x${sidBytes(id).toString('hex').toUpperCase()}`;
}
