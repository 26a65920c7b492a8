import type { CacheTable, KeptRows } from '../cacheTable.ts';
import { unlessTooLong } from '../cacheTableError.ts';
import type { TableName } from '../names.ts';
import { Narrowing } from '../narrowing.ts';
import { readAppPurge } from './appPurge.ts';
import { type ConnectionOptions, PostgresConnections } from './connections.ts';
import { postgresEntries } from './entries.ts';
import { postgresExpiryIndex } from './expiryIndex.ts';
import { instantText, postgresFigures } from './figures.ts';
import { postgresInspection } from './inspection.ts';
import { holderOfLock, tryPostgresLock } from './runLock.ts';
import * as sql from './statements.ts';
import { quoteTable } from './tableName.ts';
import { readTraits, type TableTraits } from './tableTraits.ts';

export interface PostgresOptions extends Omit<ConnectionOptions, 'table'> {
  table: TableName;
}

/** The table of Microsoft.Extensions.Caching.Postgres. Connects when first asked something. */
export function postgresCacheTable({ table: name, ...options }: PostgresOptions): CacheTable {
  const table = quoteTable(name);
  const connections = new PostgresConnections({ ...options, table });
  let known: Promise<TableTraits> | undefined;
  let seenIndex: string | undefined;
  const look = (purpose: 'read' | 'delete') => {
    known = readTraits(connections, purpose);
    // A failure is told to who asked; the next question asks anew.
    known.catch(() => {
      known = undefined;
    });
    return known.then((traits) => {
      hidden = traits.hidden;
      seenIndex = traits.expiryIndex;
      for (const note of traits.notes) notes.add(note);
      return traits;
    });
  };
  const traits = () => known ?? look('read');
  const notes = new Set<string>();
  let hidden: KeptRows | undefined;
  const lockOf = (purpose: 'purge' | 'index') => `token-cache-maintenance|${purpose}|${table}`;
  const narrowing = new Narrowing(connections.clock);
  const entries = postgresEntries(connections, traits, narrowing);
  return {
    engine: 'postgres',
    displayName: table,
    // No lock escalation here; more rows than this make a batch no faster, only longer.
    maxBatchRows: 10_000,
    entries,
    pages: entries,
    expiryIndex: postgresExpiryIndex(connections, name, () => {
      const seen = seenIndex;
      seenIndex = undefined;
      return seen;
    }),
    figures: postgresFigures(connections, traits),
    inspection: postgresInspection(connections),

    clock: async (purpose = 'read') => (await look(purpose)).now,

    async expiredParts(cutoff) {
      if (!(await traits()).divided) return undefined;
      const parts = await connections.query<{ name: string }>('read', sql.parts(), [table]);
      if (parts.length === 0) return undefined;
      const text = sql.expiredParts(parts.map(({ name: part }) => part));
      const asked = connections.query<{ part: number }>('read', text, [instantText(cutoff)], 2_000);
      return (await unlessTooLong(asked))?.flatMap(({ part }) => parts[part]?.name ?? []);
    },

    endWithin(ms) {
      connections.endBy(connections.clock.elapsed() + ms);
      narrowing.allow(ms / 10);
    },

    get hidden() {
      return hidden;
    },

    get notes() {
      return [...notes];
    },

    tryLock: (purpose) => tryPostgresLock(connections, lockOf(purpose)),
    lockHolder: (purpose) => holderOfLock(connections, lockOf(purpose)),
    isLocked: async (purpose) => (await holderOfLock(connections, lockOf(purpose))) !== undefined,

    async load() {
      const [row] = await connections.query<{ waits: number }>('read', sql.lockWaits());
      return { readings: { lockWaits: row?.waits ?? 0 }, unknown: [] };
    },

    appPurge: () => readAppPurge(connections, name),

    close: () => connections.close(),
  };
}
