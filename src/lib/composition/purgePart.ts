import type { Clock } from '../clock.ts';
import { parseDuration } from '../durations.ts';
import { toErrorReport } from '../errors.ts';
import { addDeletedBefore, addUp, total } from '../queue/addUp.ts';
import { type ContinuationCount, continuationOf, countOf } from '../queue/continuation.ts';
import type { WorkMessage } from '../queue/message.ts';
import { Standby } from '../queue/standby.ts';
import type { WorkQueue } from '../queue/workQueue.ts';
import type { RecordStore, RunRecord } from '../runs/recordStore.ts';
import type { Log, RunResult } from '../runs/runJob.ts';
import { readRunning, runningKey } from '../runs/runningState.ts';
import type { Settings } from '../settings/settings.ts';
import type { PurgePlan, PurgeReport } from '../sqlCache/purgeReport.ts';

export interface PurgePartDeps {
  queue: WorkQueue;
  records: RecordStore;
  settings: Settings;
  clock: Clock;
  log: Log;
  /** The instance is taken away. */
  stopSignal: AbortSignal;
}

type Report = PurgeReport | PurgePlan;

/** The wait of a message that found the table busy. */
const busyDelayMs = 15_000;

/**
 * One part of a purge that may go on: keeps the standby message while it runs, decides what follows, and makes the record
 * of the whole run from the parts.
 */
export class PurgePart {
  readonly #deps: PurgePartDeps;
  readonly #message: WorkMessage;
  /** The record of the parts before. */
  readonly #own: RunRecord | undefined;
  /** Entries that instances which died deleted in this part. */
  readonly #deletedBefore: number;
  readonly #standby: Standby | undefined;
  #handedOn = false;
  #failure: unknown;

  /**
   * `queued`: the part came from the queue, so that another instance may take it over; `lost` is what an instance that died
   * had told of its deletions.
   */
  constructor(deps: PurgePartDeps, message: WorkMessage, queued?: { own: RunRecord | undefined; lost: number }) {
    this.#deps = deps;
    this.#message = message;
    this.#own = queued?.own;
    this.#deletedBefore = message.deletedBefore + (queued?.lost ?? 0);
    const { takeoverMs } = deps.settings.queue;
    // A part that got on when its instance died is no message that kills instances.
    const takeovers = queued && queued.lost > 0 ? 1 : message.takeovers + 1;
    const next = { ...message, takeovers, deletedBefore: this.#deletedBefore };
    this.#standby = queued ? new Standby(deps.queue, next, takeoverMs, deps.clock) : undefined;
  }

  /** What is left of the row limit of this part, if it has one, after what instances that died had deleted. */
  get rowsLeft(): number | undefined {
    const limit = this.#message.purge?.maxRows ?? this.#deps.settings.purgeRowLimit;
    return limit === undefined ? undefined : Math.max(0, limit - this.#deletedBefore);
  }

  begin(): Promise<void> {
    return this.#standby?.begin() ?? Promise.resolve();
  }

  /**
   * Once the record is kept. What was not handed on is done, or will be tried again by the host.
   * @throws what kept the continuation from being queued
   */
  async end(): Promise<void> {
    if (!this.#handedOn) await this.#standby?.remove();
    if (this.#failure) throw this.#failure;
  }

  /** Whether the run is not done: a continuation or the same part again is queued. */
  get handedOn(): boolean {
    return this.#handedOn;
  }

  /**
   * What is kept of the run after this part; undefined where the table was busy and the part is to come again. What follows
   * is queued before that: should the instance die in between, figures are missing and not work.
   */
  async toRecord(result: RunResult<Report>): Promise<RunRecord | undefined> {
    const message = { ...this.#message, runId: result.runId };
    const { report } = result;
    if (!report) return this.#record(result, result.outcome, message.part - 1, this.#own?.report);
    const foundBusy = !report.dryRun && report.stopReason === 'busy';
    const isBusy = foundBusy && this.#comesAgainWhenBusy();
    if (foundBusy && !isBusy && this.#standby) {
      // Nothing was done: a delivery of the same message that is under way, or done, keeps the record.
      return (await this.#isElsewhere()) ? undefined : this.#record(result, result.outcome, message.part - 1, report);
    }
    const sum = addUp(this.#own?.report, addDeletedBefore(report, this.#deletedBefore));
    try {
      if (isBusy) {
        await this.#handOn(message, busyDelayMs);
        return undefined;
      }
      const goesOn = await this.#continue(message, result, report);
      return this.#record(result, goesOn ? 'running' : result.outcome, message.part, sum);
    } catch (error) {
      const { code, message: what, advice } = toErrorReport(error);
      this.#deps.log(
        'warn',
        `purge ${message.cache}: its continuation could not be queued (${code}): ${what} ${advice}`,
        {
          runId: result.runId,
        },
      );
      // Without a message of the queue's the next timer goes on; with one the part counts as not done, and comes again.
      if (!this.#standby) return this.#record(result, result.outcome, message.part, sum);
      this.#failure = error;
      if (isBusy) return undefined;
      return this.#record(result, 'running', message.part - 1, sum);
    }
  }

  /** A timer's untouched message is not needed while another run does its work. */
  #comesAgainWhenBusy(): boolean {
    const { trigger, part, takeovers } = this.#message;
    return trigger !== 'timer' || part > 1 || takeovers > 0;
  }

  /** Whether another delivery of this message holds the table, or has held it. */
  async #isElsewhere(): Promise<boolean> {
    const { records } = this.#deps;
    const { cache, runId } = this.#message;
    const [running, record] = await Promise.all([
      readRunning(records, runningKey(cache)),
      records.getRun(runId).catch(() => undefined),
    ]);
    return running?.runId === runId || (record !== undefined && record.outcome !== 'failed');
  }

  async #continue(message: WorkMessage, result: RunResult<Report>, report: Report): Promise<boolean> {
    const { settings, records, clock, log, stopSignal } = this.#deps;
    const policy = settings.queue.continuation;
    const key = `continuations|${message.cache}`;
    const now = clock.now();
    const end = {
      report: addDeletedBefore(report, this.#deletedBefore),
      tookMs: parseDuration(result.duration) ?? 0,
      options: message.purge ?? {},
      rowLimit: settings.purgeRowLimit,
      instanceStops: stopSignal.aborted,
    };
    // Most runs are drained: their continuations need not be counted.
    if ('none' in continuationOf(end, policy, 0)) return false;
    const used: ContinuationCount = countOf(await records.readState(key).catch(() => undefined), policy.periodMs, now);
    // Without a record store nothing is counted but the parts of this chain.
    const counted = records.description === 'none' ? message.part - 1 : used.count;
    const next = continuationOf(end, policy, counted);
    if ('none' in next) return false;
    const { until: _until, tries: _tries, ...rest } = message;
    const continuation = {
      ...rest,
      queuedAt: now.toISOString(),
      part: message.part + 1,
      takeovers: 0,
      deletedBefore: 0,
      purge: next.options,
    };
    await this.#handOn(continuation, next.delayMs);
    await records.writeState(key, { ...used, count: used.count + 1 }).catch((error: Error) => {
      log('warn', `purge ${message.cache}: its continuations could not be counted: ${error.message}`, {});
    });
    return true;
  }

  async #handOn(message: WorkMessage, delayMs: number): Promise<void> {
    if (this.#standby) await this.#standby.become(message, delayMs);
    else await this.#deps.queue.put(message, delayMs);
    this.#handedOn = true;
  }

  #record(result: RunResult<Report>, outcome: RunRecord['outcome'], parts: number, report: unknown): RunRecord {
    const own = this.#own;
    return {
      ...result,
      startedAt: own?.startedAt ?? result.startedAt,
      duration: own ? total(own.duration, result.duration) : result.duration,
      ...(this.#standby && { queuedAt: own?.queuedAt ?? this.#message.queuedAt }),
      outcome,
      parts,
      ...(report !== undefined && { report }),
    };
  }
}
