import { accessToken, identityOf } from '../../azure/credentials.ts';
import { MaintenanceError } from '../../errors.ts';
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
import type { PostgresConnection } from './connectionString.ts';
import { type ConnectionOptions, PostgresConnections } from './connections.ts';
import * as statements from './grantStatements.ts';
import { createCopies } from './ringStatements.ts';
import { copiesOf, expiryIndexName, quoteIdentifier, quoteTable } from './tableName.ts';

type Options = Omit<ConnectionOptions, 'table'> & {
  table: TableName;
  /** The role of the administrator who runs this; else the name in its Entra token. */
  login: string | undefined;
};

/** The database that has the functions for Entra logins. */
const entraDatabase = 'postgres';

/** Rights on PostgreSQL, from the login of whoever administers the server. */
export async function postgresGranter({ table, login, ...options }: Options): Promise<Granter> {
  const delimited = quoteTable(table);
  const connection = await asAdministrator(options.connection, login);
  const open = (database = connection.database) =>
    new PostgresConnections({ ...options, connection: { ...connection, database }, table: delimited });
  const cache = open();
  const server = open(entraDatabase);

  /** Where the functions are: on Azure in `postgres` alone. */
  async function entra(): Promise<PostgresConnections | undefined> {
    for (const each of [server, cache])
      if ((await each.query<{ there: boolean }>('read', statements.takesEntra))[0]?.there) return each;
    return undefined;
  }

  async function role(grantee: Grantee, replace: boolean, done: string[]): Promise<string> {
    const id = grantee.id.toLowerCase();
    const azure = await entra();
    const known = (await azure?.query<{ role: string; objectId: string | null }>('read', statements.entraRoles)) ?? [];
    const same = known.find(({ objectId }) => objectId === id);
    const name = same?.role ?? grantee.name;
    const delimitedName = quoteIdentifier(name);
    const there = (await server.query('read', statements.roleExists, [name])).length > 0;
    if (there && (same || !azure)) {
      done.push(`The role ${delimitedName} is there${same ? `, for the object id ${id}` : ''}.`);
      return delimitedName;
    }
    if (!azure)
      throw new MaintenanceError(
        'engine_unsuitable',
        `The server has no role ${delimitedName}, and no Entra logins to make one for.`,
        'Create the role with CREATE ROLE, and run this again. On Azure, switch on Microsoft Entra authentication of the server.',
      );
    if (!there) {
      await azure.query('read', statements.createRole, [name, id]);
      done.push(`The role ${delimitedName} is made, for the object id ${id}.`);
      return delimitedName;
    }
    const other = known.find((each) => each.role === name);
    if (!other || (grantee.as === 'consumer' && !replace))
      throw nameTaken(
        delimitedName,
        other ? `it stands for the object id ${other.objectId}` : 'it is not a role of an Entra identity',
      );
    await azure.query('read', statements.relabelRole(delimitedName, id));
    done.push(`The role ${delimitedName} now stands for the object id ${id}.`);
    return delimitedName;
  }

  return {
    async grant(request) {
      const done: string[] = [];
      const [found] = await cache.query<{ there: boolean }>('read', statements.tableExists, [delimited]);
      if (!found?.there) {
        if (request.ring || !request.createTable) throw tableMissing(delimited, request);
        for (const statement of tableStatements(table, request)) await cache.query('read', statement);
        done.push(`The table ${delimited} is made.`);
      }
      if (needsCopies(request)) {
        await cache.query('read', createCopies(copiesOf(table)));
        done.push(`The table ${copiesOf(table)} is there, for copies of the ring.`);
      }
      for (const grantee of request.grantees) {
        const name = await role(grantee, request.replace, done);
        for (const statement of rights(table, name, grantee, request)) {
          await cache.query('read', statement);
          done.push(statement);
        }
      }
      return done;
    },
    close: async () => void (await Promise.all([server.close(), cache.close()])),
  };
}

function tableStatements(table: TableName, { indexName = expiryIndexName(table.table) }: GrantRequest): string[] {
  const t = quoteTable(table);
  return [
    statements.createSchema(quoteIdentifier(table.schema)),
    statements.createCacheTable(t),
    statements.createExpiryIndex(t, quoteIdentifier(indexName)),
  ];
}

function rights(table: TableName, r: string, grantee: Grantee, { ring }: GrantRequest): string[] {
  const t = quoteTable(table);
  const toTake = rightsToTake(grantee, ring);
  return [
    statements.grantUsage(quoteIdentifier(table.schema), r),
    statements.grantOnTable(t, r, rightsOnTable(grantee, ring)),
    // A cache table has no such column.
    ...(ring && rightsOnTable(grantee, ring).includes('INSERT')
      ? [statements.grantOnSequences(literal(t), literal(r))]
      : []),
    ...(toTake ? [statements.revokeOnTable(t, r, toTake)] : []),
    ...(copiesRing(grantee, ring) ? [statements.grantOnTable(copiesOf(table), r, copyRight)] : []),
  ];
}

/** The same for somebody who pastes it, into the two databases. */
export function postgresScript(database: string, table: TableName, request: GrantRequest): Script {
  return [
    {
      database: entraDatabase,
      lines: request.grantees.flatMap((grantee) => {
        const name = literal(grantee.name);
        const id = grantee.id.toLowerCase();
        return [
          `SELECT pgaadauth_create_principal_with_oid(${name}, ${literal(id)}, 'service', false, false)`,
          `  WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = ${name});`,
          `-- Where the identity was made again: ${statements.relabelRole(quoteIdentifier(grantee.name), id).replaceAll(/[\r\n]/g, ' ')}`,
        ];
      }),
    },
    {
      database,
      lines: [
        ...(request.createTable && !request.ring ? tableStatements(table, request) : []),
        ...(needsCopies(request) ? [createCopies(copiesOf(table))] : []),
        ...request.grantees.flatMap((grantee) => rights(table, quoteIdentifier(grantee.name), grantee, request)),
      ],
    },
  ];
}

/** As whoever is logged in: a token's own name is that of the administrator's role, unless another is given. */
async function asAdministrator(connection: PostgresConnection, login: string | undefined): Promise<PostgresConnection> {
  if (!connection.token) return login ? { ...connection, user: login } : connection;
  const token = { ...connection.token, identity: identityOf() };
  return { ...connection, token, user: login ?? nameIn((await accessToken(token)).token) };
}

/** The name that an Entra token has for a person. A service principal's has none. */
function nameIn(token: string): string {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >;
    const name = claims.upn ?? claims.unique_name ?? claims.preferred_username;
    if (typeof name === 'string') return name;
  } catch {
    // Said below.
  }
  throw new MaintenanceError(
    'login_failed',
    "The login's token names nobody, as that of a service principal or a managed identity.",
    'Name the Entra administrator of the server that you are logged in as: --login NAME.',
  );
}

/** A string whatever `standard_conforming_strings` says. */
function literal(value: string): string {
  const quoted = `'${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return value.includes('\\') ? `E${quoted}` : quoted;
}
