import { setTimeout as delay } from 'node:timers/promises';
import type { ExpiryIndexPort, ExpiryIndexState, IndexBuild } from '../cacheTable.ts';
import { CacheTableError } from '../cacheTableError.ts';
import type { PostgresConnections } from './connections.ts';
import * as sql from './statements.ts';
import { quoteIdentifier, quoteTable, type TableName } from './tableName.ts';

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

export class PostgresExpiryIndex implements ExpiryIndexPort {
  readonly #connections: PostgresConnections;
  readonly #table: TableName;

  constructor(connections: PostgresConnections, table: TableName) {
    this.#connections = connections;
    this.#table = table;
  }

  async state(): Promise<ExpiryIndexState> {
    const { rows } = await this.#connections.query<StateRow>('read', sql.indexState(), [quoteTable(this.#table)]);
    const usable = rows.find((row) => row.usable);
    if (usable?.name) return { kind: 'present', name: usable.name };
    const build = rows.find((row) => row.building);
    if (build) {
      return {
        kind: 'building',
        name: build.name ?? undefined,
        percent: percentOf(build),
        phase: build.phase ?? undefined,
      };
    }
    const leftover = rows.find((row) => row.name);
    return leftover?.name ? { kind: 'invalid', name: leftover.name } : { kind: 'missing' };
  }

  async build(state: ExpiryIndexState, build: IndexBuild): Promise<void> {
    if (state.kind === 'invalid' && !(await this.#dropLeftover(state.name))) return;
    if (state.kind === 'invalid' || state.kind === 'missing') await this.#create(build);
  }

  /**
   * Drops what a broken build left. False where the table is locked by a build after all: the short lock timeout keeps the
   * DROP from waiting for that build, and then dropping the index it has just finished.
   */
  async #dropLeftover(name: string): Promise<boolean> {
    const client = await this.#connections.dedicated('index');
    try {
      await client.query("set lock_timeout to '1s'");
      const now = await this.state();
      if (now.kind !== 'invalid' || now.name !== name) return false;
      await client.query(sql.dropIndex(`${quoteIdentifier(this.#table.schema)}.${quoteIdentifier(name)}`));
      return true;
    } catch (error) {
      const failure = this.#connections.translate(error, 'index');
      if (failure.kind === 'lock') return false;
      throw failure;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /**
   * CREATE INDEX CONCURRENTLY cannot be resumed, and cancelling it would waste all its work. So when the budget is used
   * up only this client leaves: the server goes on with the statement, and a later run finds it building or done.
   */
  async #create({ name, timeBudgetMs }: IndexBuild): Promise<void> {
    const client = await this.#connections.dedicated('index', 0);
    const finished = client.query(sql.createIndex(quoteTable(this.#table), quoteIdentifier(name))).then(
      () => 'done' as const,
      (error: unknown) => this.#connections.translate(error, 'index'),
    );
    const timer = new AbortController();
    const result = await Promise.race([
      finished,
      delay(timeBudgetMs, 'timeUp' as const, { signal: timer.signal }).catch(() => 'timeUp' as const),
    ]);
    timer.abort();
    if (result === 'timeUp') {
      client.connection.stream.destroy();
      return;
    }
    await client.end().catch(() => undefined);
    if (!(result instanceof CacheTableError)) return;
    if (result.kind === 'permanent' && result.engineCode !== '42P07' && result.engineCode !== '23505') throw result;
    await this.#acceptOrThrow(result, name);
  }

  /** Racing creators: whoever was first has made the index, is making it, or has broken off. Else the failure stands. */
  async #acceptOrThrow(failure: CacheTableError, name: string): Promise<void> {
    const now = await this.state();
    if (now.kind !== 'missing') return;
    if (failure.engineCode !== '42P07') throw failure;
    throw new CacheTableError(
      'permanent',
      failure.engineCode,
      'index_name_taken',
      `An index or table named ${quoteIdentifier(name)} exists already, and it does not lead with the expiry column.`,
      'Set EXPIRY_INDEX_NAME to a free name.',
    );
  }
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
