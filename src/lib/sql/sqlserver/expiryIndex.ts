import type { ExpiryIndexPort, ExpiryIndexState, IndexBuild, TableFigures } from '../cacheTable.ts';
import { CacheTableError } from '../cacheTableError.ts';
import type { SqlServerConnections } from './connections.ts';
import { named } from './parameters.ts';
import type { ServerTraits } from './serverTraits.ts';
import * as statements from './statements.ts';
import { quoteIdentifier } from './tableName.ts';

/** Answers of racing creators: the index exists (1913), or a resumable build of it is there (10637, 10638). */
const madeByOthers = new Set(['1913', '10637', '10638']);
/** How a build ends that was paused in time: its own MAX_DURATION (3643), or the pause of its session (1219, 0, 596). */
const paused = new Set(['3643', '1219', '596', '0']);

/** Answers to an online or resumable build: not in this edition (1712), not for this index (2725), options not known (102, 155, 319). */
const onlineRefused = new Set(['1712', '2725', '102', '155', '319', '10639', '11438']);
const noOnlineBuild = { onlineIndexBuild: false, resumableIndexBuild: false, lowPriorityWait: false };

export class SqlServerExpiryIndex implements ExpiryIndexPort {
  readonly #connections: SqlServerConnections;
  readonly #table: string;
  readonly #figures: TableFigures;
  readonly #traits: () => Promise<ServerTraits>;

  constructor(
    connections: SqlServerConnections,
    table: string,
    figures: TableFigures,
    traits: () => Promise<ServerTraits>,
  ) {
    this.#connections = connections;
    this.#table = table;
    this.#figures = figures;
    this.#traits = traits;
  }

  async state(): Promise<ExpiryIndexState> {
    const indexes = await this.#connections.query<{ name: string; isDisabled: boolean }>(
      'read',
      statements.indexState(),
      named(this.#table),
    );
    const usable = indexes.find((index) => !index.isDisabled);
    if (usable) return { kind: 'present', name: usable.name };
    const [build] = await this.#resumableBuilds();
    if (build?.state === 1) return { kind: 'paused', name: build.name, percent: Math.floor(build.percentComplete) };
    if (build)
      return { kind: 'building', name: build.name, percent: Math.floor(build.percentComplete), phase: undefined };
    const [disabled] = indexes;
    return disabled ? { kind: 'disabled', name: disabled.name } : { kind: 'missing' };
  }

  /** A build that its time limit ended is paused where it is resumable, and rolled back where it is not; the caller looks. */
  async build(state: ExpiryIndexState, build: IndexBuild): Promise<void> {
    const text = await this.#statement(state, build, await this.#traits());
    if (text === undefined) return;
    try {
      await this.#run(text, state, build);
    } catch (error) {
      if (!(error instanceof CacheTableError) || error.kind === 'timeLimit' || paused.has(error.engineCode)) return;
      if (!madeByOthers.has(error.engineCode)) throw error;
      if ((await this.state()).kind === 'missing') {
        throw new CacheTableError(
          'permanent',
          error.engineCode,
          'index_name_taken',
          `An index named ${quoteIdentifier(build.name)} exists already, and it does not lead with the expiry column.`,
          'Set EXPIRY_INDEX_NAME to a free name.',
        );
      }
    }
  }

  /** Where the server refuses an online build although its edition should have it, offline, as far as that is allowed. */
  async #run(text: string, state: ExpiryIndexState, build: IndexBuild): Promise<void> {
    const options = { timeLimitMs: build.timeBudgetMs };
    try {
      await this.#connections.query('index', text, {}, options);
    } catch (error) {
      if (!(error instanceof CacheTableError) || !onlineRefused.has(error.engineCode) || !text.includes('ONLINE = ON'))
        throw error;
      const offline = await this.#statement(state, build, { ...(await this.#traits()), ...noOnlineBuild });
      this.#connections.note(`The index is built offline, since the server refuses to do it online: ${error.message}`);
      if (offline !== undefined) await this.#connections.query('index', offline, {}, options);
    }
  }

  async #statement(
    state: ExpiryIndexState,
    { name, timeBudgetMs, offlineRowLimit }: IndexBuild,
    traits: ServerTraits,
  ): Promise<string | undefined> {
    const maxMinutes = Math.max(1, Math.ceil(timeBudgetMs / 60_000));
    if (state.kind === 'paused') return statements.resumeIndex(this.#table, quoteIdentifier(state.name), maxMinutes);
    if (state.kind !== 'missing' && state.kind !== 'disabled') return undefined;
    if (!traits.onlineIndexBuild) await this.#refuseLargeOffline(offlineRowLimit, name);
    if (state.kind === 'disabled')
      return statements.rebuildIndex(this.#table, quoteIdentifier(state.name), traits.onlineIndexBuild);
    return statements.createIndex(this.#table, quoteIdentifier(name), {
      online: traits.onlineIndexBuild,
      resumable: traits.resumableIndexBuild,
      lowPriority: traits.lowPriorityWait,
      maxMinutes,
    });
  }

  /** An offline build locks writers out until it is done. */
  async #refuseLargeOffline(limit: number, name: string): Promise<void> {
    if (limit === Number.POSITIVE_INFINITY) return;
    const entries =
      (await this.#figures.catalogue()).entries ?? (await this.#figures.countUpTo({}, limit + 1, 2_000)) ?? limit + 1;
    if (entries <= limit) return;
    const manual = statements.manualIndex(this.#table, quoteIdentifier(name));
    throw new CacheTableError(
      'permanent',
      'edition',
      'offline_build_refused',
      `This edition of SQL Server builds indexes offline only, which blocks sign-ins, and the table has more than ${limit} entries.`,
      `In a quiet hour run \`${manual};\`, or set EXPIRY_INDEX_ALLOW_OFFLINE=true.`,
    );
  }

  /** None where the server is too old to have the view, or may not show it. */
  async #resumableBuilds() {
    if (!(await this.#traits()).resumableIndexBuild) return [];
    try {
      return await this.#connections.query<{ name: string; state: number; percentComplete: number }>(
        'read',
        statements.resumableBuilds(),
        named(this.#table),
      );
    } catch (error) {
      if (!(error instanceof CacheTableError) || error.kind !== 'permanent') throw error;
      this.#connections.note(`Whether an index build is paused cannot be seen: ${error.message}`);
      return [];
    }
  }
}
