import type { ExpiryIndexPort, ExpiryIndexState } from '../cacheTable.ts';
import { CacheTableError, indexNameTaken } from '../cacheTableError.ts';
import type { TableName } from '../names.ts';
import { endConnection } from './client.ts';
import type { PostgresConnections } from './connections.ts';
import * as sql from './statements.ts';
import { expiryIndexName, quoteIdentifier, quoteTable } from './tableName.ts';

/** A table of the family and one of its indexes on the expiry, if it has any; the best one comes first. */
interface StateRow {
  schema: string;
  table: string;
  /** Its rows lie in others. */
  divided: boolean;
  level: number;
  /** The table that it is a part of. */
  parent: string | null;
  name: string | null;
  usable: boolean | null;
  exact: boolean | null;
  attached: boolean;
  building: boolean;
  phase: string | null;
  blocks_done: string | null;
  blocks_total: string | null;
  tuples_done: string | null;
  tuples_total: string | null;
}

/** Tries of a build that meets another one. */
const attempts = 5;

/** The name is in use: found at once, or by two sessions at the same time. */
const namesExist = new Set(['42P07', '23505']);

/** How long a transaction that holds the table is given before a leftover is tried to be dropped again. */
const dropAgainMs = 500;

/** The share of a concurrent build that is behind it when a phase begins, and the phase's own share; by measure, roughly. */
const phases: [RegExp, number, number][] = [
  [/^building index: scanning table/, 0, 40],
  [/^building index: sorting/, 40, 10],
  [/^building index: loading/, 50, 15],
  [/^building index/, 0, 65],
  [/^waiting for writers before validation/, 65, 0],
  [/^index validation: scanning index/, 65, 10],
  [/^index validation: sorting/, 75, 5],
  [/^index validation: scanning table/, 80, 15],
  [/^waiting for (old snapshots|readers)/, 95, 0],
];

/** @param seen the index that the first contact saw; each look of the run after the first asks anew */
export function postgresExpiryIndex(
  connections: PostgresConnections,
  own: TableName,
  seen: () => string | undefined,
): ExpiryIndexPort {
  const { clock } = connections;
  const look = () => connections.query<StateRow>('read', sql.indexState(), [connections.table]);
  const state = async (): Promise<ExpiryIndexState> => {
    const name = seen();
    return name === undefined ? stateOf(await look()) : { kind: 'present', name };
  };

  /**
   * Drops what a broken build left. False where the table is locked by a build after all: the short lock timeout keeps the
   * DROP from waiting for that build, and then dropping the index it has just finished.
   */
  const dropLeftover = async ({ schema, table }: TableName): Promise<boolean> => {
    const left = leftoverOf(await look(), table);
    if (!left) return false;
    try {
      await connections.query('index', sql.dropIndex(quoteTable({ schema, table: left })));
      return true;
    } catch (error) {
      if (error instanceof CacheTableError && error.kind === 'lock') return false;
      throw error;
    }
  };

  /**
   * CREATE INDEX CONCURRENTLY cannot be resumed, and cancelling it would waste all its work. So when the budget is used
   * up only this client leaves: the server goes on with the statement, and a later run finds it building or done.
   */
  const create = async (
    table: TableName,
    name: string,
    timeBudgetMs: number,
  ): Promise<CacheTableError | 'timeUp' | undefined> => {
    const { client } = await connections.dedicated('index');
    const finished = client.query(sql.createIndex(quoteTable(table), quoteIdentifier(name))).then(
      () => undefined,
      async (error: unknown) => {
        // The server says so before it is out of the build: another look would still see it building. Its next answer comes after.
        await client.query('select').catch(() => undefined);
        return connections.translate(error, 'index');
      },
    );
    const timer = new AbortController();
    const timeUp = clock.sleep(Math.max(1, timeBudgetMs), timer.signal).then(() => 'timeUp' as const);
    const result = await Promise.race([finished, timeUp]);
    timer.abort();
    if (result === 'timeUp') client.connection.stream.destroy();
    else await endConnection(client);
    return result;
  };

  /**
   * The index of one table that holds its rows itself. Two concurrent builds on one table wait for each other, and PostgreSQL
   * ends one as a deadlock, whichever, and leaves its half-built index: so a build that met locks looks again, drops what is
   * left over, and tries once more. False where the time was up.
   */
  const buildOn = async (table: TableName, name: string, end: number): Promise<boolean> => {
    for (let attempt = 1; ; attempt += 1) {
      const rows = (await look()).filter(isSame(table));
      if (rows.some(({ usable }) => usable)) return true;
      if (rows.some(({ building }) => building)) return false;
      if (leftoverOf(rows, table.table) && !(await dropLeftover(table))) return false;
      const failure = await create(table, name, end - clock.elapsed());
      if (failure === 'timeUp') return false;
      if (!failure) return true;
      const after = (await look()).filter(isSame(table));
      if (after.some(({ usable, building }) => usable || building)) continue;
      // What was cut off must not stay behind: writers would keep it up to date, and nobody could use it.
      if (failure.code === 'statement_timeout')
        while (leftoverOf(await look(), table.table) && !(await dropLeftover(table)) && clock.elapsed() < end)
          await clock.sleep(dropAgainMs);
      const exists = namesExist.has(failure.engineCode);
      if (failure.engineCode === '42P07' && !leftoverOf(after, table.table))
        throw await nameTaken(table, name, failure);
      if ((failure.kind === 'permanent' && !exists) || attempt === attempts || clock.elapsed() >= end) throw failure;
      await clock.sleep(attempt * 200);
    }
  };

  /** The index of a partitioned table alone, unless it is there, perhaps by another run in this moment. */
  const createOnly = async (table: TableName, name: string): Promise<void> => {
    const isThere = async () => (await look()).some((row) => isSame(table)(row) && row.name);
    if (await isThere()) return;
    try {
      await connections.query('index', sql.createIndexOnly(quoteTable(table), quoteIdentifier(name)));
    } catch (error) {
      if (!(error instanceof CacheTableError) || !namesExist.has(error.engineCode)) throw error;
      if (!(await isThere())) throw await nameTaken(table, name, error);
    }
  };

  const nameTaken = async ({ schema }: TableName, name: string, failure: CacheTableError) => {
    const taken = quoteTable({ schema, table: name });
    const asked = connections.query<{ index: boolean; table: string | null }>('read', sql.relationNamed(), [taken]);
    const [relation] = await asked;
    const holder = relation?.index ? `It is an index of ${relation.table}.` : 'It is not an index.';
    return indexNameTaken(failure, quoteIdentifier(name), holder);
  };

  return {
    state,
    async mayBuild() {
      const [row] = await connections.query<{ may: boolean }>('read', sql.mayBuildIndex(), [connections.table]);
      return row?.may;
    },
    async manual(before, name = expiryIndexName(own.table)) {
      const divided = (await look()).some((row) => row.level === 0 && row.divided);
      // An index of a partitioned table cannot be built concurrently as a whole.
      const create = (divided ? sql.createIndexOfParts : sql.createIndex)(connections.table, quoteIdentifier(name));
      const leftover =
        before.kind === 'invalid' ? `${sql.dropIndex(quoteTable({ ...own, table: before.name }))}; ` : '';
      return `${leftover}${create};`;
    },
    /**
     * On a partitioned table as PostgreSQL has it: an index of the table alone, one of each partition, built concurrently, and
     * these attached to it. What was done is found again, so a build whose time was up goes on with the next partition.
     */
    async build(_before, { name = expiryIndexName(own.table), timeBudgetMs }) {
      const end = clock.elapsed() + timeBudgetMs;
      const family = await look();
      const isTop = ({ level }: StateRow) => level === 0;
      if (!family.some((row) => isTop(row) && row.divided)) {
        await buildOn(own, name, end);
        // Tables that inherit hold rows too.
        for (const part of tablesOf(family.filter((row) => !isTop(row))))
          if (!(await buildOn(part, expiryIndexName(part.table), end))) return;
        return;
      }
      for (const part of tablesOf(family.filter(({ divided }) => divided)))
        await createOnly(part, isSame(part)(own) ? name : expiryIndexName(part.table));
      for (const part of tablesOf(family.filter(({ divided }) => !divided)))
        if (!(await buildOn(part, expiryIndexName(part.table), end))) return;
      // From below, since an index becomes usable when those of all its parts are attached.
      const built = await look();
      for (const part of built.filter(({ level, exact, attached }) => level > 0 && exact && !attached).reverse()) {
        const above = built.find(({ table, divided, name: index }) => divided && table === part.parent && index);
        if (!above?.name || !part.name) continue;
        await connections.query(
          'index',
          sql.attachIndex(
            quoteTable({ schema: above.schema, table: above.name }),
            quoteTable({ schema: part.schema, table: part.name }),
          ),
        );
      }
    },
  };
}

const isSame =
  ({ schema, table }: TableName) =>
  (other: TableName) =>
    other.schema === schema && other.table === table;

/** Each once. */
function tablesOf(rows: readonly StateRow[]): TableName[] {
  return [...new Map(rows.map(({ schema, table }) => [quoteTable({ schema, table }), { schema, table }])).values()];
}

/** What a broken build left on a table, where nobody builds. */
function leftoverOf(rows: readonly StateRow[], table: string): string | undefined {
  const own = rows.filter((row) => row.table === table);
  if (own.some(({ usable, building }) => usable || building)) return undefined;
  return own.find(({ name, divided }) => name !== null && !divided)?.name ?? undefined;
}

/** The state of the whole: an index that is missing on one part is missing, as its rows would be read without. */
function stateOf(rows: readonly StateRow[]): ExpiryIndexState {
  const top = rows.filter(({ level }) => level === 0);
  const name = top.find(({ usable }) => usable)?.name ?? rows.find(({ usable }) => usable)?.name;
  const holders = tablesOf(rows.filter(({ divided }) => !divided));
  const has = (usable: (row: StateRow) => boolean | null) =>
    holders.filter(({ schema, table }) =>
      rows.some((row) => row.schema === schema && row.table === table && usable(row)),
    );
  const ready = has(({ usable }) => usable).length;
  const divided = top.some((row) => row.divided);
  if (name && ready === holders.length) return { kind: 'present', name };
  // Without partitions yet: the next one gets its index from that of the table.
  const ownIndex = top.find((row) => row.name)?.name;
  if (divided && holders.length === 0 && ownIndex) return { kind: 'present', name: ownIndex };
  const build = rows.find(({ building, usable }) => building && !usable);
  if (build) {
    const { name: built, phase } = build;
    return { kind: 'building', name: built ?? undefined, percent: percentOf(build), phase: phase ?? undefined };
  }
  if (divided && ownIndex)
    return { kind: 'paused', name: ownIndex, percent: Math.round((100 * ready) / Math.max(1, holders.length)) };
  const leftover = rows.find((row) => row.name && !row.usable && !row.divided);
  return leftover?.name ? { kind: 'invalid', name: leftover.name } : { kind: 'missing' };
}

function percentOf(row: StateRow): number | undefined {
  const [, start, share] = phases.find(([phase]) => phase.test(row.phase ?? '')) ?? [];
  if (start === undefined || share === undefined) return undefined;
  const fraction = [
    [row.blocks_done, row.blocks_total],
    [row.tuples_done, row.tuples_total],
  ]
    .map(([done, total]) => Number(done) / Number(total))
    .find((value) => Number.isFinite(value) && value > 0);
  return Math.min(99, Math.round(start + share * Math.min(1, fraction ?? 0)));
}
