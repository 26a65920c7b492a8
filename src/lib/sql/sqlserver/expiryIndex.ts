import type { ExpiryIndexPort, ExpiryIndexState, IndexBuild, TableFigures } from '../cacheTable.ts';
import { CacheTableError, indexNameTaken } from '../cacheTableError.ts';
import type { SqlServerConnections } from './connections.ts';
import { named } from './parameters.ts';
import type { ServerTraits } from './serverTraits.ts';
import * as statements from './statements.ts';
import { expiryIndexName, quoteIdentifier } from './tableName.ts';
import type { TableTraits } from './tableTraits.ts';

/** Answers of racing creators: the index exists (1913), or a resumable build of it is there (10637, 10638). */
const madeByOthers = new Set(['1913', '10637', '10638']);
/** How a build ends that was paused in time: its own MAX_DURATION (3643), or the pause of its session (1219, 0, 596). */
const paused = new Set(['3643', '1219', '596', '0']);

/** Answers to an online or resumable build: not in this edition (1712), not for this index (2725), options not known (102, 155, 319). */
const onlineRefused = new Set(['1712', '2725', '102', '155', '319', '10639', '11438']);
type BuildTraits = Pick<ServerTraits, 'onlineIndexBuild' | 'resumableIndexBuild' | 'lowPriorityWait'>;
const noOnlineBuild: BuildTraits = { onlineIndexBuild: false, resumableIndexBuild: false, lowPriorityWait: false };

/** While the rebuild or build of one index is paused, the table takes no other (10637, 10638). */
function anotherBuild({ engineCode }: CacheTableError, name: string, table: string): CacheTableError {
  const index = quoteIdentifier(name);
  return new CacheTableError(
    'permanent',
    engineCode,
    'index_build_in_the_way',
    `A resumable build or rebuild of another index of the table, ${index}, is paused or under way: until it ends, the table takes no index.`,
    `Resume or end it: ALTER INDEX ${index} ON ${table} RESUME; or ABORT.`,
  );
}

/** @param seen the index that the first contact saw; each look of the run after the first asks anew */
export function sqlServerExpiryIndex(
  connections: SqlServerConnections,
  figures: TableFigures,
  traits: () => Promise<ServerTraits>,
  kind: () => Promise<TableTraits | undefined>,
  seen: () => string | undefined,
): ExpiryIndexPort {
  const { table } = connections;

  /** The builds of all indexes of the table; none where the server is too old to have the view, or may not show it. */
  const resumableBuilds = async () => {
    if (!(await traits()).resumableIndexBuild) return [];
    try {
      return await connections.query<{ name: string; state: number; percentComplete: number; ofExpiry: number }>(
        'read',
        statements.resumableBuilds(),
        named(table),
      );
    } catch (error) {
      if (!(error instanceof CacheTableError) || error.kind !== 'permanent') throw error;
      connections.note(`Whether an index build is paused cannot be seen: ${error.message}`);
      return [];
    }
  };

  const state = async (): Promise<ExpiryIndexState> => {
    const name = seen();
    if (name !== undefined) return { kind: 'present', name };
    const indexes = await connections.query<{ name: string; isDisabled: boolean }>(
      'read',
      statements.indexState(),
      named(table),
    );
    const usable = indexes.find((index) => !index.isDisabled);
    if (usable) return { kind: 'present', name: usable.name };
    const build = (await resumableBuilds()).find(({ ofExpiry }) => ofExpiry === 1);
    if (build) {
      const percent = Math.floor(build.percentComplete);
      return build.state === 1
        ? { kind: 'paused', name: build.name, percent }
        : { kind: 'building', name: build.name, percent, phase: undefined };
    }
    const [disabled] = indexes;
    return disabled ? { kind: 'disabled', name: disabled.name } : { kind: 'missing' };
  };

  /** An offline build locks writers out until it is done. */
  const refuseLargeOffline = async ({ offlineRowLimit: limit, name = expiryIndexName }: IndexBuild): Promise<void> => {
    if (limit === Number.POSITIVE_INFINITY) return;
    const entries = (await figures.catalogue()).entries ?? (await figures.countUpTo({}, limit + 1, 2_000)) ?? limit + 1;
    if (entries <= limit) return;
    const manual = statements.manualIndex(table, quoteIdentifier(name), false);
    throw new CacheTableError(
      'permanent',
      'edition',
      'offline_build_refused',
      `This edition of SQL Server builds indexes offline only, which blocks sign-ins, and the table has more than ${limit} entries.`,
      `In a quiet hour run \`${manual};\`, or set EXPIRY_INDEX_ALLOW_OFFLINE=true.`,
    );
  };

  const statement = async (before: ExpiryIndexState, build: IndexBuild, can: BuildTraits) => {
    const maxMinutes = Math.max(1, Math.ceil(build.timeBudgetMs / 60_000));
    if (before.kind === 'paused') return statements.resumeIndex(table, quoteIdentifier(before.name), maxMinutes);
    if (before.kind !== 'missing' && before.kind !== 'disabled') return undefined;
    if ((await kind())?.memoryOptimized) throw memoryOptimized(build);
    if (!can.onlineIndexBuild) await refuseLargeOffline(build);
    if (before.kind === 'disabled')
      return statements.rebuildIndex(table, quoteIdentifier(before.name), can.onlineIndexBuild);
    return statements.createIndex(table, quoteIdentifier(build.name ?? expiryIndexName), {
      online: can.onlineIndexBuild,
      resumable: can.resumableIndexBuild,
      lowPriority: can.lowPriorityWait,
      maxMinutes,
    });
  };

  /** Where the server refuses an online build although its edition should have it, offline, as far as that is allowed. */
  const run = async (text: string, before: ExpiryIndexState, build: IndexBuild): Promise<void> => {
    const options = { timeLimitMs: build.timeBudgetMs };
    try {
      await connections.query('index', text, {}, options);
    } catch (error) {
      if (!(error instanceof CacheTableError) || !onlineRefused.has(error.engineCode) || !text.includes('ONLINE = ON'))
        throw error;
      const offline = await statement(before, build, noOnlineBuild);
      connections.note(`The index is built offline, since the server refuses to do it online: ${error.message}`);
      if (offline !== undefined) await connections.query('index', offline, {}, options);
    }
  };

  /** Such a table is altered as a whole: for an operator to run. */
  const inMemory = (name = expiryIndexName) =>
    `ALTER TABLE ${table} ADD INDEX ${quoteIdentifier(name)} NONCLUSTERED (ExpiresAtTime);`;

  const memoryOptimized = ({ name }: IndexBuild) =>
    new CacheTableError(
      'permanent',
      '10794',
      'offline_build_refused',
      `${table} is memory-optimised: it takes an index by ALTER TABLE alone, which copies the table and blocks sign-ins.`,
      `In a quiet hour run \`${inMemory(name)}\`.`,
    );

  return {
    state,
    async mayBuild() {
      const [row] = await connections.query<{ may: number | null }>('read', statements.mayBuildIndex(), named(table));
      return row?.may == null ? undefined : row.may === 1;
    },
    async manual(before, name) {
      if ((await kind())?.memoryOptimized) return inMemory(name);
      const online = (await traits()).onlineIndexBuild;
      if (before.kind === 'disabled') return `${statements.rebuildIndex(table, quoteIdentifier(before.name), online)};`;
      if (before.kind === 'paused') return `ALTER INDEX ${quoteIdentifier(before.name)} ON ${table} RESUME;`;
      return `${statements.manualIndex(table, quoteIdentifier(name ?? expiryIndexName), online)};`;
    },
    /** A build that its time limit ended is paused where it is resumable, and rolled back where it is not; the caller looks. */
    async build(before, build) {
      const text = await statement(before, build, await traits());
      if (text === undefined) return;
      try {
        await run(text, before, build);
      } catch (error) {
        if (!(error instanceof CacheTableError) || error.kind === 'timeLimit' || paused.has(error.engineCode)) return;
        if (!madeByOthers.has(error.engineCode)) throw error;
        if ((await state()).kind !== 'missing') return;
        const other = (await resumableBuilds()).find(({ ofExpiry }) => ofExpiry !== 1);
        throw other
          ? anotherBuild(error, other.name, table)
          : indexNameTaken(error, quoteIdentifier(build.name ?? expiryIndexName));
      }
    },
  };
}
