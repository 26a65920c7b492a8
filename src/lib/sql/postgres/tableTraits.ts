import type { KeptRows } from '../cacheTable.ts';
import { CacheTableError } from '../cacheTableError.ts';
import type { PostgresConnections } from './connections.ts';
import * as sql from './statements.ts';

/** What the catalogue says of a table and of this login's part in it. */
export interface TableTraits {
  /** The database's clock. */
  now: Date;
  /** Its rows lie in other tables: partitions, or tables that inherit from it. */
  divided: boolean;
  expiryNullable: boolean;
  /** Row-level security that may hide or keep rows, triggers and rules that may. */
  keepers: string[];
  /** A rule stands in for a DELETE. */
  ruled: boolean;
  /** Rows that may be hidden from this login. */
  hidden: KeptRows | undefined;
  /** A usable index on the expiry; undefined where the table is divided, and its parts need a look of their own. */
  expiryIndex: string | undefined;
  /** The login may lock a row, which needs more than the right to delete it. */
  mayLock: boolean;
  /** For the report. */
  notes: string[];
}

interface Row {
  now: Date;
  kind: string;
  divided: boolean;
  standby: boolean;
  read_only: boolean;
  may_delete: boolean;
  may_lock: boolean;
  expiry_type: string;
  expiry_nullable: boolean;
  expiry_index: string | null;
  secured: boolean;
  triggers: string[];
  rules: string[];
}

type PartTraits = Pick<Row, 'triggers'> & { foreign: boolean };

interface Policies {
  sees_all: boolean;
  policies: string[];
}

/** Kinds of relation that are not tables, and what stands for them. */
const unsuitable: Record<string, string> = {
  v: 'a view: deleting through it depends on its definition, and it has no index',
  m: 'a materialised view, which a refresh fills again',
  f: 'a foreign table: its rows, locks and indexes are those of another server',
};

const types = ['timestamp with time zone', 'timestamp without time zone'];
const utcNames = /^(Etc\/)?(UTC|GMT|UCT|Zulu|Universal|GMT[+-]?0|Greenwich)$/i;

/**
 * One question to the catalogue, with the first contact of a run.
 * @param purpose what the run is going to do: what stands in its way is said before it begins
 * @throws CacheTableError where this is not a table that the purpose can work on, or a right is missing
 */
export async function readTraits(connections: PostgresConnections, purpose: 'read' | 'delete'): Promise<TableTraits> {
  const { table } = connections;
  const row = await ask<Row>(connections, sql.firstLook(table));
  if (!row) throw connections.failure('42P01', 'the table is gone', purpose);
  const parts = row.divided ? await ask<PartTraits>(connections, sql.partTraits()) : undefined;
  const kind = parts?.foreign ? 'f' : row.kind;
  if (unsuitable[kind])
    throw refuse(
      `${table} is ${parts?.foreign && row.kind !== 'f' ? 'divided, and a part of it is ' : ''}${unsuitable[kind]}.`,
      'Set TOKEN_CACHE_TABLE to the table that holds the rows, in the database where it lies.',
    );
  if (!types.includes(row.expiry_type))
    throw refuse(
      `The column expiresattime of ${table} has the type ${row.expiry_type}.`,
      'Give it the type that the library creates, timestamptz; simplest by a new table.',
    );
  const zoneless = row.expiry_type === 'timestamp without time zone';
  if (zoneless && !utcNames.test(connections.timeZone))
    throw refuse(
      `The column expiresattime of ${table} is a timestamp without time zone, and sessions of this database are in ${connections.timeZone}: which instant is meant depends on who wrote it.`,
      "Give it the type timestamptz (ALTER TABLE … ALTER COLUMN expiresattime TYPE timestamptz USING expiresattime AT TIME ZONE the apps' zone).",
    );
  if (purpose === 'delete') {
    if (row.standby || row.read_only)
      throw connections.failure('25006', row.standby ? 'the server is a standby' : 'the role is read-only', purpose);
    if (!row.may_delete) throw connections.failure('42501', `permission denied for table ${table}`, purpose);
  }
  const policies = row.secured ? await policiesThatHide(connections) : undefined;
  const hidden = policies
    ? {
        entries: null,
        cause: `Row-level security hides rows of ${table} from this login, or keeps them (${policies}).`,
        advice: 'Give it a policy for SELECT and DELETE USING (true), or BYPASSRLS.',
      }
    : undefined;
  return {
    now: row.now,
    divided: row.divided,
    expiryNullable: row.expiry_nullable,
    expiryIndex: row.divided ? undefined : (row.expiry_index ?? undefined),
    mayLock: row.may_lock,
    hidden,
    ruled: row.rules.length > 0,
    keepers: [
      ...(policies ? [`row-level security (${policies})`] : []),
      ...(parts ?? row).triggers.map((name) => `trigger ${name}`),
      ...row.rules.map((name) => `rule ${name}`),
    ],
    notes: [
      ...(hidden ? [`${hidden.cause} Figures are of the rows that it sees. ${hidden.advice}`] : []),
      ...(zoneless
        ? [
            `The column expiresattime of ${table} is a timestamp without time zone, and is read as UTC. The library creates timestamptz.`,
          ]
        : []),
    ],
  };
}

async function ask<R extends object>(connections: PostgresConnections, text: string): Promise<R | undefined> {
  return (await connections.query<R>('read', text, [connections.table]))[0];
}

/** Policies that may hide rows from this login, for a reader; undefined where they let it do with every row what it wants. */
async function policiesThatHide(connections: PostgresConnections): Promise<string | undefined> {
  const found = await ask<Policies>(connections, sql.policies());
  if (found?.sees_all) return undefined;
  return found?.policies.length ? `policies ${found.policies.join(', ')}` : 'no policy, so that all rows are hidden';
}

function refuse(message: string, advice: string): CacheTableError {
  return new CacheTableError('permanent', '42809', 'table_unsuitable', message, advice);
}
