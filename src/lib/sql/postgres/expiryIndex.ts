import type { ExpiryIndexPort, ExpiryIndexState } from '../cacheTable.ts';
import { CacheTableError, indexNameTaken } from '../cacheTableError.ts';
import type { TableName } from '../names.ts';
import { endConnection } from './client.ts';
import type { PostgresConnections } from './connections.ts';
import * as sql from './statements.ts';
import { quoteIdentifier, quoteTable } from './tableName.ts';

interface StateRow {
  name: string | null;
  usable: boolean | null;
  building: boolean;
  phase: string | null;
  blocks_done: string | null;
  blocks_total: string | null;
  tuples_done: string | null;
  tuples_total: string | null;
}

/** Tries of a build that meets another one. */
const attempts = 5;

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

export function postgresExpiryIndex(connections: PostgresConnections, { schema }: TableName): ExpiryIndexPort {
  const { table, clock } = connections;

  const state = async (): Promise<ExpiryIndexState> => {
    const { rows } = await connections.query<StateRow>('read', sql.indexState(), [table]);
    const usable = rows.find((row) => row.usable);
    if (usable?.name) return { kind: 'present', name: usable.name };
    const build = rows.find((row) => row.building);
    if (build) {
      const { name, phase } = build;
      return { kind: 'building', name: name ?? undefined, percent: percentOf(build), phase: phase ?? undefined };
    }
    const leftover = rows.find((row) => row.name);
    return leftover?.name ? { kind: 'invalid', name: leftover.name } : { kind: 'missing' };
  };

  /**
   * Drops what a broken build left. False where the table is locked by a build after all: the short lock timeout keeps the
   * DROP from waiting for that build, and then dropping the index it has just finished.
   */
  const dropLeftover = async (name: string): Promise<boolean> => {
    const now = await state();
    if (now.kind !== 'invalid' || now.name !== name) return false;
    try {
      await connections.query('index', sql.dropIndex(quoteTable({ schema, table: name })));
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
  const create = async (name: string, timeBudgetMs: number): Promise<CacheTableError | undefined> => {
    const { client } = await connections.dedicated('index');
    const finished = client.query(sql.createIndex(table, quoteIdentifier(name))).then(
      () => undefined,
      (error: unknown) => connections.translate(error, 'index'),
    );
    const timer = new AbortController();
    const timeUp = clock.sleep(Math.max(1, timeBudgetMs), timer.signal).then(() => 'timeUp' as const);
    const result = await Promise.race([finished, timeUp]);
    timer.abort();
    if (result === 'timeUp') {
      client.connection.stream.destroy();
      return undefined;
    }
    await endConnection(client);
    return result;
  };

  return {
    state,
    /**
     * Two concurrent builds on one table wait for each other, and PostgreSQL ends one as a deadlock, whichever, and leaves
     * its half-built index: so a build that met locks looks again, drops what is left over, and tries once more.
     */
    async build(before, { name, timeBudgetMs }) {
      const end = clock.elapsed() + timeBudgetMs;
      let current = before;
      for (let attempt = 1; ; attempt += 1) {
        if (current.kind === 'invalid' && !(await dropLeftover(current.name))) return;
        if (current.kind !== 'invalid' && current.kind !== 'missing') return;
        const failure = await create(name, end - clock.elapsed());
        if (!failure) return;
        current = await state();
        if (current.kind === 'present' || current.kind === 'building') return;
        const exists = failure.engineCode === '42P07' || failure.engineCode === '23505';
        if (failure.engineCode === '42P07' && current.kind === 'missing')
          throw indexNameTaken(failure, quoteIdentifier(name));
        // What was cut off must not stay behind: writers would keep it up to date, and nobody could use it.
        if (current.kind === 'invalid' && failure.code === 'statement_timeout')
          while (!(await dropLeftover(current.name)) && clock.elapsed() < end) await clock.sleep(dropAgainMs);
        if ((failure.kind === 'permanent' && !exists) || attempt === attempts || clock.elapsed() >= end) throw failure;
        await clock.sleep(attempt * 200);
      }
    },
  };
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
