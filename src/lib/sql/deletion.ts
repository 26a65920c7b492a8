import { formatDuration } from '../durations.ts';
import { PurgeLoop } from './purgeLoop.ts';
import type { DeletionFigures, StopReason } from './purgeReport.ts';
import type { DeletionContext, DeletionRequest } from './purgeRequest.ts';
import { retryTransient } from './retry.ts';
import type { Walk } from './walks.ts';

/** What a purge or a clear is about to delete. `More` is what its report has beyond the figures of every run. */
export interface Prepared<More> {
  /** Left out where a look found nothing to delete. */
  walk?: Walk;
  /** Entries to delete, where they were counted. */
  expired?: number | undefined;
  /** The report, as far as it is known before the first batch. */
  known: More;
  /** What of the report is known when the last batch is done. */
  ended?(stopReason: StopReason): Promise<Partial<More>>;
}

const nothingDone = {
  deleted: 0,
  batches: 0,
  batchSize: 0,
  batchTime: null,
  retries: 0,
  unansweredBatches: 0,
  waits: { pauses: 'PT0S', load: 'PT0S', loadReasons: [] },
};

/** One run that deletes under the table's lock: what a purge and a clear have in common. */
export class Deletion<More extends object> {
  readonly start: number;
  readonly deadline: number;
  /** Each once. */
  readonly warnings = new Set<string>();
  readonly #context: DeletionContext;
  readonly #request: DeletionRequest<DeletionFigures & More>;

  constructor(context: DeletionContext, request: DeletionRequest<DeletionFigures & More>) {
    this.#context = context;
    this.#request = request;
    this.start = context.clock.elapsed();
    const budgetMs = request.timeBudgetMs ?? context.policy.timeBudgetMs;
    this.deadline = this.start + budgetMs;
    context.table.endWithin(budgetMs);
  }

  /** Asks the database one question. A serverless database that was paused takes up to a minute to come back (40613). */
  ask<T>(question: () => Promise<T>): Promise<T> {
    const { clock } = this.#context;
    const { signal, onRetry } = this.#request;
    return retryTransient(question, { clock, deadline: this.deadline, signal, onRetry });
  }

  /** What cannot be counted once the work is done is a warning. */
  async countLeft<T>(count: () => Promise<T>): Promise<T | undefined> {
    try {
      return await count();
    } catch (error) {
      this.warnings.add(
        `What is left could not be counted: ${error instanceof Error ? error.message : 'unknown failure'}`,
      );
      return undefined;
    }
  }

  /** Takes the lock, deletes what was prepared under it, and reports; `none` stands in the report of a table that is busy. */
  async underLock(none: More, prepare: () => Promise<Prepared<More>>): Promise<DeletionFigures & More> {
    const { table } = this.#context;
    const lock = await this.ask(() => table.tryLock('purge'));
    if (!lock)
      return {
        ...this.#report('busy', none),
        heldBy: (await table.lockHolder('purge').catch(() => undefined)) ?? null,
      };
    try {
      const before = this.#request.onStart ? await this.#request.onStart() : 0;
      if (before === undefined) return this.#report('busy', none);
      const prepared = await prepare();
      const { walk, expired, known } = prepared;
      if (!walk) return await this.end('drained', prepared);
      const { start, deadline, warnings } = this;
      const request = this.#request;
      const maxRows = request.maxRows && Math.max(0, request.maxRows - before);
      const loop = new PurgeLoop({
        ...this.#context,
        walk,
        lock,
        request: { ...request, maxRows },
        start,
        deadline,
        expired,
        warnings,
      });
      const ended = await loop.run().catch((error: unknown) => {
        request.onFailure?.(this.#report('failed', known, walk, loop));
        throw error;
      });
      return await this.end(ended, prepared, loop);
    } finally {
      await lock.release();
    }
  }

  /** The report of a run that ended by itself. */
  async end(ended: StopReason, { walk, known, ended: tellEnd }: Prepared<More>, loop?: PurgeLoop) {
    const stopReason = ended === 'drained' && this.#keptBy(walk).length > 0 ? 'rowsKept' : ended;
    const more = { ...known, ...(await tellEnd?.(stopReason)) };
    for (const note of this.#context.table.notes) this.warnings.add(note);
    return this.#report(stopReason, more, walk, loop);
  }

  #keptBy(walk: Walk | undefined) {
    const { hidden } = this.#context.table;
    return [...(walk?.left.kept ?? []), ...(hidden ? [hidden] : [])];
  }

  #report(stopReason: StopReason, more: More, walk?: Walk, loop?: PurgeLoop): DeletionFigures & More {
    const { table, clock } = this.#context;
    return {
      engine: table.engine,
      table: table.displayName,
      dryRun: false,
      stopReason,
      ...(loop?.result ?? nothingDone),
      skippedLocked: walk?.left.skippedLocked ?? 0,
      kept: stopReason === 'busy' ? [] : this.#keptBy(walk),
      heldBy: null,
      way: walk?.way ?? 'expiry',
      duration: formatDuration(clock.elapsed() - this.start),
      warnings: [...this.warnings],
      ...more,
    };
  }
}
