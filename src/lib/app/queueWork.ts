import type { Clock } from '../clock.ts';
import type { ErrorCode } from '../errorCodes.ts';
import { MaintenanceError, toErrorReport } from '../errors.ts';
import { judgeDelivery, waitForPlace } from '../queue/delivery.ts';
import { newMessage, queuesWork, type Work } from '../queue/dispatch.ts';
import { readMessage, type WorkMessage } from '../queue/message.ts';
import type { WorkQueue } from '../queue/workQueue.ts';
import { forgetPending, keepPending } from '../runs/pendingRuns.ts';
import { type RecordStore, recordsUnavailable } from '../runs/recordStore.ts';
import type { Log, RunOptions, RunPlace, RunResult, Started } from '../runs/runJob.ts';
import { readTold } from '../runs/runningState.ts';
import type { Outcome, RunRecord } from '../runs/runRecord.ts';
import type { Settings } from '../settings/settings.ts';
import { instruments } from '../telemetry/metrics.ts';
import { serverOf, slotKindOf } from './databaseServers.ts';
import type { Maintenance } from './maintenance.ts';
import { queueNextPart } from './purgeChain.ts';
import type { WorkQueueAdapters } from './workQueues.ts';

export interface QueueWorkDeps {
  adapters: WorkQueueAdapters;
  maintenance: Maintenance;
  settings: Settings;
  records: RecordStore;
  clock: Clock;
  log: Log;
  /** The instance is taken away. */
  stopSignal: AbortSignal;
  random: () => number;
}

/** Tries of a message, as `maxDequeueCount` of host.json says. */
const mostTries = 5;
const poisonedEveryMs = 24 * 3_600_000;
/** The wait of a message that found the table busy. */
const busyDelayMs = 15_000;

/** Puts work on the queue, and works it off: the same jobs, reports and locks as without a queue. */
export class QueueWork {
  readonly #deps: QueueWorkDeps;
  readonly queue: WorkQueue;

  constructor(deps: QueueWorkDeps) {
    this.#deps = deps;
    this.queue = deps.adapters.queue;
  }

  /** Whether a timer with so many caches queues its work. */
  queuesFor(caches: number): boolean {
    return queuesWork(this.#deps.settings.queue, caches);
  }

  /** @throws MaintenanceError `queue_unavailable`, `records_unavailable`; the work is then not queued, or queued all the same */
  async put(work: Work): Promise<RunRecord> {
    const { records, clock } = this.#deps;
    const message = newMessage(work, clock.now());
    const record = pendingRecord(message, 'queued');
    // Before the message: it may be worked off before this call returns.
    if (work.trigger === 'http')
      await keepPending(records, record).catch(() => {
        throw recordsUnavailable();
      });
    try {
      await this.queue.put(message);
    } catch (error) {
      if (work.trigger === 'http') await forgetPending(records, message.runId).catch(() => undefined);
      throw error;
    }
    return record;
  }

  /** The place of a purge that a timer runs by itself: one whose time is up goes on from the queue. */
  placeOfDirectPurge(subject: string): RunPlace {
    const { clock, log } = this.#deps;
    const message = newMessage({ job: 'purge', subject, trigger: 'timer' }, clock.now());
    return {
      runId: message.runId,
      part: 1,
      continue: (result) =>
        this.#nextPart(message, result).catch((error: unknown) => {
          const { code, message: what, advice } = toErrorReport(error);
          log('warn', `purge ${subject}: its next part could not be queued (${code}). ${what} ${advice}`, {});
          return false;
        }),
    };
  }

  /** What lies in the poison queue, also as the metric. */
  async poisonCount(): Promise<number> {
    const count = await this.queue.poison.count();
    instruments.queuePoison.record(count, { queue: this.queue.name });
    return count;
  }

  /**
   * Works off a message, delivered for the `deliveries`th time.
   * @throws where it is to be delivered again: its run failed, its next part could not be queued, or it cannot be read
   */
  async workOff(given: unknown, deliveries: number): Promise<void> {
    const message = readMessage(given);
    const { settings, adapters, clock, log } = this.#deps;
    const tries = deliveries + (message.tries ?? 0);
    const { own, latest } = await this.#recordsOf(message);
    const delivery = judgeDelivery(message, { own, latest, deliveries: tries, now: clock.now() });
    if (delivery.do === 'drop') return this.#drop(message, own, delivery.reason);
    const server = serverOf(settings, message.subject);
    const slot = server === undefined ? undefined : await adapters.slots.tryTake(server, slotKindOf(message.job));
    if (server !== undefined && !slot) {
      // As a new message: so this is no failed try. Those before it still count.
      const again = tries > 1 ? { ...message, tries: tries - 1 } : message;
      await this.queue.put(again, waitForPlace(message, clock.now(), this.#deps.random()));
      log('info', `${message.job} ${message.subject}: put back, since its server has no place free`, { message });
      return;
    }
    try {
      await this.#tell(message, 'running');
      await this.#settle(message, await this.#run(message), deliveries, tries);
    } finally {
      await slot?.release();
    }
  }

  /** Not run without them: a part that is done would be done again. */
  async #recordsOf({ runId, job, subject }: WorkMessage) {
    const { records } = this.#deps;
    try {
      const [own, [latest]] = await Promise.all([records.getRun(runId), records.latestRuns(job, subject, 1)]);
      return { own, latest };
    } catch {
      throw recordsUnavailable();
    }
  }

  /** What becomes of a message whose run has ended. */
  async #settle(message: WorkMessage, result: RunResult, deliveries: number, tries: number): Promise<void> {
    const { error, outcome } = result;
    if (outcome === 'skipped' && message.trigger === 'http') {
      await this.#tell(message, 'queued');
      await this.queue.put(message, busyDelayMs);
      return;
    }
    const again = error !== undefined && outcome !== 'refused';
    const triedOut = again && tries >= mostTries;
    if (again && !triedOut) await this.#tell(message, 'queued');
    else if (message.trigger === 'http') await forgetPending(this.#deps.records, message.runId);
    if (!again || (triedOut && (await this.#isDropped(message, error.code)))) return;
    if (triedOut && deliveries < mostTries) {
      // The host has not counted all of them.
      const { tries: _, ...poisoned } = message;
      await this.queue.poison.put(poisoned);
    } else throw new MaintenanceError(error.code as ErrorCode, error.message, error.advice);
  }

  async #drop(message: WorkMessage, own: RunRecord | undefined, reason: string): Promise<void> {
    const { records, log } = this.#deps;
    const { job, subject, runId, trigger } = message;
    // Its instance may have ended, or the queue been away, before the next part was queued.
    if (own?.job === 'purge' && !own.goesOn && (await this.#nextPart(message, own)))
      await records.addRun({ ...own, goesOn: true });
    log('info', `${job} ${subject}: dropped, since ${reason}`, { runId, message });
    if (trigger !== 'http' || own?.outcome === 'succeeded') return;
    // Whoever waits for the run must learn that it will not come.
    const error = {
      code: 'run_dropped',
      message: `The run was given up, since ${reason}.`,
      advice: 'Ask for it again.',
    };
    if (!own) await records.addRun({ ...pendingRecord(message, 'failed'), error });
    await forgetPending(records, runId);
  }

  #nextPart(message: WorkMessage, run: RunRecord): Promise<boolean> {
    return run.job === 'purge'
      ? queueNextPart({ ...this.#deps, queue: this.queue }, message, run)
      : Promise.resolve(false);
  }

  async #run(message: WorkMessage): Promise<RunResult> {
    const { maintenance, stopSignal } = this.#deps;
    const { job, subject, trigger, requestedBy } = message;
    const started = requestedBy ? { trigger, requestedBy } : trigger;
    const options = { runId: message.runId, queuedAt: message.queuedAt, signal: stopSignal };
    switch (job) {
      case 'purge':
        return this.#purge(message, started, options);
      case 'index':
        return maintenance.sqlCaches.ensureIndex(subject, started, {}, options);
      case 'counts':
        return maintenance.sqlCaches.counts(subject, started, {}, options);
      case 'redis':
        return maintenance.redisCaches.watch(subject, started, {}, options);
    }
  }

  async #purge(message: WorkMessage, started: Started, options: RunOptions): Promise<RunResult> {
    const { maintenance, records, settings } = this.#deps;
    const { subject, runId, first, part, purge = {} } = message;
    // What this very run told of itself before its instance died counts towards its limit.
    const told = await readTold(records, subject);
    const lost = told?.runId === runId ? told.deleted : 0;
    const limit = purge.maxRows ?? settings.purgeRowLimit;
    const request = {
      ...definedOf(purge),
      ...(limit !== undefined && { maxRows: Math.max(0, limit - lost) }),
    };
    let failure: unknown;
    const result = await maintenance.sqlCaches.purge(subject, started, request, {
      ...options,
      first,
      part,
      ...(lost > 0 && { lost }),
      isElsewhere: () => this.#isElsewhere(message),
      continue: (ended) =>
        this.#nextPart(message, ended).catch((error: unknown) => {
          failure = error;
          return false;
        }),
    });
    // The message comes again, finds the part done, and queues the next one.
    if (failure) throw failure;
    return result;
  }

  /** Whether another delivery of this message holds the table, or has held it. */
  async #isElsewhere({ subject, runId }: WorkMessage): Promise<boolean> {
    const { records } = this.#deps;
    const [told, record] = await Promise.all([
      readTold(records, subject),
      records.getRun(runId).catch(() => undefined),
    ]);
    return told?.runId === runId || (record !== undefined && record.outcome !== 'failed');
  }

  /** Whether a message that failed in each of its tries is not to lie in the poison queue. */
  async #isDropped(message: WorkMessage, code: string): Promise<boolean> {
    const { job, subject, runId } = message;
    if (code !== 'cache_unknown') return this.#isKnownFailure(message);
    // Not at the first try: a newer deployment's settings may name it.
    this.#deps.log('warn', `${job} ${subject}: dropped after ${mostTries} tries, since no cache is named so`, {
      runId,
    });
    return true;
  }

  /**
   * Whether a timer's message that failed is dropped instead of lying in the poison queue: one of its job and subject has been put
   * there within a day. A cache that is broken for a week leaves seven messages, not two thousand.
   */
  async #isKnownFailure({ job, subject, until, runId }: WorkMessage): Promise<boolean> {
    // One without this was put back by an operator, or goes on with a purge.
    if (until === undefined) return false;
    const { records, clock, log } = this.#deps;
    const key = `poisoned|${job}|${subject}`;
    const at = Date.parse(String(await records.readState(key).catch(() => undefined)));
    const now = clock.now();
    if (now.getTime() - at < poisonedEveryMs) {
      log('warn', `${job} ${subject}: dropped after ${mostTries} tries, since one like it is in the poison queue`, {
        runId,
      });
      return true;
    }
    await records.writeState(key, now.toISOString()).catch(() => undefined);
    return false;
  }

  /** To whoever asked for the run. A state that is lost costs some detail. */
  async #tell(message: WorkMessage, outcome: 'queued' | 'running'): Promise<void> {
    if (message.trigger !== 'http') return;
    await keepPending(this.#deps.records, pendingRecord(message, outcome)).catch(() => undefined);
  }
}

function pendingRecord(message: WorkMessage, outcome: Outcome): RunRecord {
  const { runId, job, subject, trigger, requestedBy, queuedAt, purge } = message;
  return {
    runId,
    job,
    subject,
    trigger,
    ...(requestedBy && { requestedBy }),
    queuedAt,
    startedAt: queuedAt,
    duration: 'PT0S',
    outcome,
    dryRun: purge?.dryRun ?? false,
  };
}

/** Without the keys that are undefined, which a request does not take. */
function definedOf<T extends object>(value: T | undefined): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, part]) => part !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
