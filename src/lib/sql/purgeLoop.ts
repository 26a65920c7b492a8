import { formatDuration } from '../durations.ts';
import { BatchSize } from './batchSize.ts';
import type { RunLock } from './cacheTable.ts';
import { CacheTableError } from './cacheTableError.ts';
import { percentiles } from './estimate.ts';
import { loadGuard } from './loadGuard.ts';
import type { PurgeReport, StopReason } from './purgeReport.ts';
import type { DeletionContext, DeletionRequest } from './purgeRequest.ts';
import { retryTransient } from './retry.ts';
import type { Step, Walk } from './walks.ts';

export interface PurgeLoopOptions extends DeletionContext {
  walk: Walk;
  lock: RunLock;
  request: Pick<DeletionRequest<never>, 'maxRows' | 'signal' | 'onBatch' | 'onProgress'>;
  /** On the scale of `clock.elapsed()`. */
  start: number;
  deadline: number;
  expired: number | undefined;
  /** What the run has to say besides; the loop adds to it. */
  warnings: Set<string>;
}

/**
 * A paced run makes a batch every 50 ms, of 100 rows or of more where the time there is asks for it: a sign-in that meets a small
 * batch waits little, and slower than that nobody gains, while each second is billed.
 */
const pacedRows = 100;
const pacedEveryMs = 50;
/** How often the position of a walk is kept, so that a killed run does not begin again. */
const keepPositionEveryMs = 5_000;
/** One batch after the other: how large, with what pause, and when to stop. Knows nothing of engines or of the way walked. */
export class PurgeLoop {
  readonly #o: PurgeLoopOptions;
  readonly #size: BatchSize;
  readonly #guard: ReturnType<typeof loadGuard>;
  readonly #batchMs: number[] = [];
  #positionLost: string | undefined;
  #begunAt: number | undefined;
  #deleted = 0;
  #retries = 0;
  #unanswered = 0;
  #pausedMs = 0;
  #positionKeptAt: number;

  constructor(options: PurgeLoopOptions) {
    this.#o = options;
    const { policy, table } = options;
    this.#size = new BatchSize({ targetMs: policy.batchTargetMs, maxRows: table.maxBatchRows });
    this.#guard = loadGuard({ ...options, limits: policy.loadLimits });
    this.#positionKeptAt = options.start;
  }

  /** The loop's part of the report. */
  get result(): Pick<
    PurgeReport,
    'deleted' | 'batches' | 'batchSize' | 'batchTime' | 'retries' | 'unansweredBatches' | 'waits'
  > {
    const [min, median, max] = percentiles(this.#batchMs, [0, 0.5, 1]).map(formatDuration);
    const waited = this.#guard.waited;
    return {
      deleted: this.#deleted,
      batches: this.#batchMs.length,
      batchSize: this.#size.rows,
      batchTime: min && median && max ? { min, median, max } : null,
      retries: this.#retries,
      unansweredBatches: this.#unanswered,
      waits: {
        pauses: formatDuration(this.#pausedMs),
        load: formatDuration(waited.ms),
        loadReasons: [...waited.reasons],
      },
    };
  }

  /** Runs until one of the reasons to stop. Keeps the walk's position, however it ends. */
  async run(): Promise<StopReason> {
    try {
      for (;;) {
        const stop = (await this.#reasonToStop()) ?? (await this.#batch());
        if (stop) return stop;
      }
    } finally {
      await this.#keepPosition();
      if (this.#positionLost) this.#o.warnings.add(this.#positionLost);
    }
  }

  async #reasonToStop(): Promise<StopReason | undefined> {
    const { request, deadline, clock } = this.#o;
    if (request.signal?.aborted) return 'aborted';
    if (clock.elapsed() >= deadline) return 'timeBudget';
    if (request.maxRows !== undefined && this.#deleted >= request.maxRows) return 'rowLimit';
    if (!(await this.#guard.untilHealthy(deadline, request.signal)))
      return request.signal?.aborted ? 'aborted' : 'unhealthy';
    return undefined;
  }

  /** Rows a ms at which what is left is done in the time of the pace; undefined where there is neither, and the run goes as it can. */
  #pace(): number | undefined {
    const { clock, policy, deadline, expired = Number.POSITIVE_INFINITY, request } = this.#o;
    this.#begunAt ??= clock.elapsed();
    const left = Math.min(expired, request.maxRows ?? Number.POSITIVE_INFINITY) - this.#deleted;
    const msLeft = Math.min(this.#begunAt + policy.paceMs, deadline) - clock.elapsed();
    return left > 0 && left < Number.POSITIVE_INFINITY && msLeft > 0 ? left / msLeft : undefined;
  }

  async #batch(): Promise<StopReason | undefined> {
    const { clock, policy, deadline, request, lock, warnings } = this.#o;
    const pace = this.#pace();
    const most = pace === undefined ? Number.POSITIVE_INFINITY : Math.max(pacedRows, Math.ceil(pace * pacedEveryMs));
    let asked = 0;
    let startedAt = 0;
    let step: Step | undefined;
    try {
      step = await retryTransient(
        async () => {
          // Before each try: this process may have stood still, or waited for its server, while another run began.
          if (!(await lock.isHeld())) return undefined;
          asked = Math.min(this.#size.rows, most, (request.maxRows ?? Number.POSITIVE_INFINITY) - this.#deleted);
          startedAt = clock.elapsed();
          return this.#o.walk.step(asked);
        },
        { clock, deadline, signal: request.signal, retries: 100, onRetry: (error) => this.#learnFrom(error) },
      );
    } catch (error) {
      if (request.signal?.aborted) return 'aborted';
      // Locks in the way until the budget ended: a normal end, which the next run takes up.
      if (error instanceof CacheTableError && error.kind === 'lock') return 'timeBudget';
      throw error;
    }
    if (!step) {
      warnings.add("The connection that holds the run's lock was lost. The next run goes on.");
      return 'aborted';
    }
    const tookMs = clock.elapsed() - startedAt;
    if (step.deleted > 0) {
      this.#batchMs.push(tookMs);
      this.#deleted += step.deleted;
      request.onBatch?.({ tookMs, deleted: this.#deleted });
      request.onProgress?.({
        deleted: this.#deleted,
        expired: this.#o.expired,
        elapsedMs: clock.elapsed() - this.#o.start,
      });
    }
    // A batch that was kept small says nothing of how fast a large one is.
    this.#size.observe(asked, asked < this.#size.rows ? 0 : step.worked, tookMs, step.hitLocks);
    if (step.finished) return 'drained';
    if (clock.elapsed() - this.#positionKeptAt > keepPositionEveryMs) await this.#keepPosition();
    const untilNext = this.#pace() === undefined ? 0 : pacedEveryMs - tookMs;
    await this.#pause(Math.max(tookMs * policy.pauseRatio, untilNext));
    return undefined;
  }

  #learnFrom(error: CacheTableError): void {
    this.#retries += 1;
    if (error.kind !== 'transient') this.#size.halve();
    else if (!error.answered) this.#unanswered += 1;
  }

  async #pause(ms: number): Promise<void> {
    const { clock, deadline, request } = this.#o;
    const bounded = Math.min(ms, deadline - clock.elapsed());
    if (bounded <= 0) return;
    const start = clock.elapsed();
    await clock.sleep(bounded, request.signal);
    this.#pausedMs += clock.elapsed() - start;
  }

  async #keepPosition(): Promise<void> {
    const { walk, clock } = this.#o;
    this.#positionKeptAt = clock.elapsed();
    this.#positionLost = await walk.keepPosition?.().then(
      () => undefined,
      ({ message }: Error) => `The position could not be kept, so the next run begins at the start: ${message}`,
    );
  }
}
