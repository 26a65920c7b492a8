import { createHash } from 'node:crypto';
import type { AppPurge, CacheTable } from '../cacheTable.ts';
import { unlessRefused } from '../cacheTableError.ts';
import type { Kept } from '../keptFacts.ts';
import type { TableName } from '../names.ts';
import { Narrowing } from '../narrowing.ts';
import { readAppPurge } from './appPurge.ts';
import { type ConnectionOptions, SqlServerConnections } from './connections.ts';
import { sqlServerEntries } from './entries.ts';
import { sqlServerExpiryIndex } from './expiryIndex.ts';
import { sqlServerFigures } from './figures.ts';
import { sqlServerInspection } from './inspection.ts';
import { readSqlServerLoad } from './load.ts';
import { expiry, named, text } from './parameters.ts';
import { holderOfLock, trySqlServerLock } from './runLock.ts';
import { type ServerTraits, serverTraits } from './serverTraits.ts';
import * as statements from './statements.ts';
import { quoteIdentifier, quoteTable } from './tableName.ts';
import { clockIfUnchanged, readTableTraits, type TableTraits } from './tableTraits.ts';

export interface SqlServerOptions extends Omit<ConnectionOptions, 'table'> {
  table: TableName;
  /** What earlier runs learnt. */
  kept?: Kept<Facts>;
  /** What the last look told of a web app's own purge. */
  keptLook?: Kept<AppPurge>;
}

/** Learnt of a table and its server, and kept from run to run. */
export interface Facts {
  table?: TableTraits | undefined;
  server?: ServerTraits;
}

/** The table of `dotnet sql-cache create`. Connects when first asked something. */
export function sqlServerCacheTable({ table: name, kept, keptLook, ...options }: SqlServerOptions): CacheTable {
  const { login } = options.connection;
  const user = 'user' in login ? quoteIdentifier(login.user) : 'the identity';
  const table = quoteTable(name);
  const connections = new SqlServerConnections({ ...options, table });
  const keep = (facts: Facts) => kept?.write({ ...kept.read(), ...facts });
  const traits = serverTraits(connections, {
    read: () => kept?.read()?.server,
    write: (server) => keep({ server }),
  });
  const narrowing = new Narrowing(options.clock);
  let kind: Promise<TableTraits | undefined> | undefined;
  let seenIndex: string | undefined;
  const know = (found: Promise<TableTraits | undefined>) => {
    kind = found;
    return found.then(
      (seen) => {
        seenIndex = seen?.expiryIndex;
        if (seen?.note) connections.note(seen.note);
        return seen;
      },
      (error) => {
        // A failure is told to who asked; the next question asks anew.
        kind = undefined;
        throw error;
      },
    );
  };
  const look = (purpose: 'read' | 'delete') => know(readTableTraits(connections, purpose));
  const tableTraits = () => kind ?? look('read');
  const figures = sqlServerFigures(connections, tableTraits);
  // A resource has at most 255 characters; names differ by case only where the collation takes them for one.
  const id = createHash('sha256').update(table.toLowerCase()).digest('hex').slice(0, 32);
  const lockOf = (purpose: string) => `token-cache-maintenance|${purpose}|${id}`;
  return {
    engine: 'sqlserver',
    displayName: table,
    // Lock escalation sets in at about 5,000 locks of a statement on one index; a table lock stops sign-ins.
    maxBatchRows: 2_000,
    entries: sqlServerEntries(connections, tableTraits, narrowing),
    expiryIndex: sqlServerExpiryIndex(connections, figures, traits, tableTraits, () => {
      const seen = seenIndex;
      seenIndex = undefined;
      return seen;
    }),
    figures,
    inspection: sqlServerInspection(connections, figures, traits),

    async clock(purpose = 'read') {
      const before = kept?.read()?.table;
      const unchanged = before && (await clockIfUnchanged(connections, before, purpose));
      if (unchanged) {
        await know(Promise.resolve(before));
        return unchanged;
      }
      keep({ table: await look(purpose) });
      const [row] = await connections.query<{ now: Date }>('read', statements.clock(table, false));
      return row?.now ?? connections.clock.now();
    },

    async expiredParts(cutoff) {
      const asked = connections.query<{ function: string; column: string }>(
        'read',
        statements.partitioning(),
        named(table),
      );
      const [by] = (await unlessRefused(asked)) ?? [];
      if (!by) return undefined;
      const parameters = { ...named(table), before: expiry(cutoff) };
      const limit = { timeLimitMs: 2_000 };
      const found = connections.query<{ part: number }>('read', statements.expiredParts(table, by), parameters, limit);
      return (await unlessRefused(found))?.map(({ part }) => `partition ${part}`);
    },

    endWithin: (ms) => {
      connections.endWithin(ms);
      narrowing.allow(ms / 10);
    },

    tryLock: (purpose) => trySqlServerLock(connections, lockOf(purpose)),

    lockHolder: (purpose) => holderOfLock(connections, lockOf(purpose)),

    async isLocked(purpose) {
      const parameters = { resource: text(255, lockOf(purpose)) };
      const [row] = await connections.query<{ free: number }>('read', statements.testLock(), parameters);
      return row?.free === 0;
    },

    load: async () => readSqlServerLoad(connections, await traits(), user),

    async appPurge() {
      const known = keptLook?.read();
      if (known) return known;
      const found = await readAppPurge(connections, await traits(), user);
      keptLook?.write(found);
      return found;
    },

    get notes() {
      return connections.notes;
    },

    close: () => connections.close(),
  };
}
