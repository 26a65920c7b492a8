import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { formatDuration } from '../durations.ts';
import { type CacheTable, type ExpiryIndexState, type IndexBuild, sqlEngine } from './cacheTable.ts';
import { CacheTableError } from './cacheTableError.ts';
import { type Patience, retryTransient } from './retry.ts';

export const indexOutcome = z
  .enum(['present', 'created', 'rebuilt', 'building', 'busy', 'missing', 'wouldBuild'])
  .meta({
    description: [
      '`present`: nothing to do.',
      '`created`, `rebuilt`: done by this run.',
      '`building`: under way, or paused until the next run.',
      '`busy`: another run is looking after the index.',
      '`missing`: it could not be built.',
      '`wouldBuild`: a dry run that would have created, resumed or rebuilt it.',
    ].join(' '),
  });
export type IndexOutcome = z.infer<typeof indexOutcome>;

const indexState = z.enum(['present', 'missing', 'building', 'paused', 'invalid', 'disabled']);

export const indexReport = z
  .object({
    engine: sqlEngine,
    table: z.string(),
    dryRun: z.boolean(),
    outcome: indexOutcome,
    before: indexState.meta({ description: "The index's state before this run." }),
    after: indexState,
    name: z.string().nullable(),
    percent: z.number().nullable().meta({ description: 'Of a build under way, where the database tells.' }),
    phase: z.string().nullable(),
    statement: z.string().optional().meta({ description: 'What brings it forward, where this is a dry run.' }),
    duration: z.iso.duration(),
    warnings: z.array(z.string()).meta({ description: 'What the server refused, and what was done instead.' }),
  })
  .meta({ id: 'IndexReport' });
export type IndexReport = z.infer<typeof indexReport>;

export interface IndexRequest {
  dryRun?: boolean;
  /** The run has been in contact with the table already. */
  reached?: boolean;
  signal?: AbortSignal | undefined;
  onRetry?: Patience['onRetry'];
}

/** Sees to it that the table has an index that leads with the expiry. Finding one, under whatever name, is the normal case. */
export async function ensureExpiryIndex(
  table: CacheTable,
  policy: IndexBuild,
  clock: Clock,
  request: IndexRequest = {},
): Promise<IndexReport> {
  const start = clock.elapsed();
  const dryRun = request.dryRun ?? false;
  const { signal, onRetry } = request;
  const patience = { clock, deadline: start + policy.timeBudgetMs, signal, onRetry };
  if (!request.reached) await retryTransient(() => table.clock(), patience);
  const before = await retryTransient(() => table.expiryIndex.state(), patience);
  const warnings: string[] = [];
  const report = (outcome: IndexOutcome, after: ExpiryIndexState): IndexReport => ({
    engine: table.engine,
    table: table.displayName,
    dryRun,
    outcome,
    before: before.kind,
    after: after.kind,
    name:
      'name' in after && after.name !== undefined
        ? after.name
        : after.kind === 'missing'
          ? (policy.name ?? null)
          : null,
    percent: ('percent' in after ? after.percent : undefined) ?? null,
    phase: ('phase' in after ? after.phase : undefined) ?? null,
    duration: formatDuration(clock.elapsed() - start),
    warnings: [...table.notes, ...warnings],
  });
  if (before.kind === 'present') return report('present', before);
  if (before.kind === 'building') return report('building', before);
  if (dryRun || policy.mode === 'observe') {
    const hindrance = await hindranceOf(table, policy, before);
    const statement = await table.expiryIndex.manual(before, policy.name);
    if (!hindrance) return { ...report('wouldBuild', before), statement };
    warnings.push(hindrance);
    return report('missing', before);
  }

  const lock = await retryTransient(() => table.tryLock('index'), patience);
  if (!lock) return report('busy', await table.expiryIndex.state());
  try {
    // Looked at anew before each try: a build that broke off has left something to drop first.
    const bringForward = async () => {
      const state = await table.expiryIndex.state();
      if (state.kind !== 'present' && state.kind !== 'building') await table.expiryIndex.build(state, policy);
    };
    await retryTransient(bringForward, patience);
    const after = await table.expiryIndex.state();
    return report(outcomeOf(before, after), after);
  } finally {
    await lock.release();
  }
}

/** Why a run will not build the index, with the statement for whoever may; undefined where nothing stands in its way. */
export async function hindranceOf(
  { expiryIndex }: CacheTable,
  { mode, name }: Pick<IndexBuild, 'mode' | 'name'>,
  state: ExpiryIndexState,
): Promise<string | undefined> {
  const why =
    mode === 'observe'
      ? 'The expiry index is only observed here'
      : (await expiryIndex.mayBuild()) === false
        ? 'This login may not build the expiry index'
        : undefined;
  return why && `${why}: let the owner of the table run \`${await expiryIndex.manual(state, name)}\`.`;
}

function outcomeOf(before: ExpiryIndexState, after: ExpiryIndexState): IndexOutcome {
  switch (after.kind) {
    case 'present':
      return before.kind === 'disabled' || before.kind === 'invalid' ? 'rebuilt' : 'created';
    case 'building':
    case 'paused':
      return 'building';
    default:
      return 'missing';
  }
}

/** Failures that leave the table without an index for good, and are not reason not to purge it another way. */
export function leavesTableUnindexed(error: unknown): error is CacheTableError {
  return (
    error instanceof CacheTableError &&
    error.code !== 'aborted' &&
    (error.kind === 'permanent' || error.kind === 'lock')
  );
}
