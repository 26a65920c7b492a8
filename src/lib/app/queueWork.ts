import { type Clock, isAhead } from '../clock.ts';
import type { ErrorCode } from '../errorCodes.ts';
import { MaintenanceError } from '../errors.ts';
import { comesAgainWhenBusy, isOver, judgeDelivery, waitForPlace } from '../queue/delivery.ts';
import { newMessage, queuesWork, type Work } from '../queue/dispatch.ts';
import { readMessage, type WorkMessage } from '../queue/message.ts';
import type { WorkQueue } from '../queue/workQueue.ts';
import { forgetPending, keepPending } from '../runs/pendingRuns.ts';
import { orUnavailable, type RecordStore, recordsAdvice, recordsUnavailable } from '../runs/recordStore.ts';
import type { Log, RunPlace, RunResult, Started } from '../runs/runJob.ts';
import type { Outcome, RunRecord } from '../runs/runRecord.ts';
import type { Settings } from '../settings/settings.ts';
import { serverOf, slotKindOf } from './databaseServers.ts';
import type { Maintenance } from './maintenance.ts';
import { PurgePart } from './purgePart.ts';
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
/** The wait of one that found the records away. */
const recordsDelayMs = 60_000;

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
    if (work.trigger === 'http') await orUnavailable(keepPending(records, record));
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
    const message = newMessage({ job: 'purge', subject, trigger: 'timer' }, this.#deps.clock.now());
    return this.#part(message).directPlace;
  }

  /**
   * Works off a message, delivered for the `deliveries`th time. Where the records are away it is put back, for a day at most:
   * that is not a failed try.
   * @throws where it is to be delivered again: its run failed, its next part could not be queued, or it cannot be read
   */
  async workOff(given: unknown, deliveries: number): Promise<void> {
    const message = readMessage(given);
    const { settings, adapters, records, clock, log } = this.#deps;
    const { runId, job, subject } = message;
    const tries = deliveries + (message.tries ?? 0);
    const known = await Promise.all([records.getRun(runId), records.latestRuns(job, subject, 1)]).catch(
      () => undefined,
    );
    const [own, [latest] = []] = known ?? [];
    const delivery = judgeDelivery(message, { own, latest, deliveries: tries, now: clock.now() });
    if (delivery.do === 'drop') return this.#drop(message, own, delivery.reason);
    // Not run without them: a part that is done would be done again.
    if (!known) return this.#awaitRecords(message, tries);
    const server = serverOf(settings, subject);
    const slot = server === undefined ? undefined : await adapters.slots.tryTake(server, slotKindOf(job));
    if (server !== undefined && !slot) {
      await this.#putBack(message, tries, waitForPlace(message, clock.now(), this.#deps.random()));
      log('info', `${job} ${subject}: put back, since its server has no place free`, { message });
      return;
    }
    try {
      await this.#tell(message, 'running');
      await this.#settle(message, await this.#run(message, own, tries), deliveries, tries);
    } catch (error) {
      if (!(error instanceof MaintenanceError && error.code === 'records_unavailable')) throw error;
      // It may have run: a timer's is then not dropped as one that was never tried.
      await this.#awaitRecords(message, Math.max(2, tries));
    } finally {
      await slot?.release();
    }
  }

  /** What becomes of a message whose run has ended. */
  async #settle(message: WorkMessage, result: RunResult, deliveries: number, tries: number): Promise<void> {
    const { error, outcome } = result;
    if (error?.code === 'records_unavailable') throw recordsUnavailable();
    if (outcome === 'skipped' && comesAgainWhenBusy(message, tries)) {
      await this.#tell(message, 'queued');
      await this.#putBack(message, tries, busyDelayMs);
      this.#deps.log('info', `${message.job} ${message.subject}: put back, since another run is at work`, { message });
      return;
    }
    const again = error !== undefined && outcome !== 'refused';
    const triedOut = again && tries >= mostTries;
    if (again && !triedOut) await this.#tell(message, 'queued');
    else if (message.trigger === 'http') await orUnavailable(forgetPending(this.#deps.records, message.runId));
    if (!again || (triedOut && (await this.#isKnownFailure(message)))) return;
    if (triedOut && deliveries < mostTries) {
      // The host has not counted all of them.
      const { tries: _, ...poisoned } = message;
      await this.queue.poison.put(poisoned);
    } else throw new MaintenanceError(error.code as ErrorCode, error.message, error.advice);
  }

  /** As a new message: so this is not a failed try. Those before it still count. */
  async #putBack(message: WorkMessage, tries: number, delayMs: number): Promise<void> {
    await this.queue.put(tries > 1 ? { ...message, tries: tries - 1 } : message, delayMs);
  }

  async #awaitRecords(message: WorkMessage, tries: number): Promise<void> {
    await this.#putBack(message, tries, recordsDelayMs);
    const { job, subject } = message;
    this.#deps.log('warn', `${job} ${subject}: put back, since the record store cannot be reached. ${recordsAdvice}`, {
      message,
    });
  }

  async #drop(message: WorkMessage, own: RunRecord | undefined, reason: string): Promise<void> {
    const { records, log } = this.#deps;
    const { job, subject, runId, trigger } = message;
    // Its instance may have ended, or the queue been away, before the next part was queued.
    if (own?.job === 'purge' && own.next !== undefined && !(await orUnavailable(records.getRun(own.next))))
      await this.#part(message).goOn(own);
    log('info', `${job} ${subject}: dropped, since ${reason}`, { runId, message });
    // Whoever waits for the run must learn that it will not come.
    const error = {
      code: 'run_dropped',
      message: `The run was given up, since ${reason}.`,
      advice: 'Ask for it again.',
    };
    const record = own ?? (trigger === 'http' && { ...pendingRecord(message, 'failed'), error });
    if (record && !isOver(own)) await this.#part(message, own).giveUp(record);
    if (trigger === 'http') await orUnavailable(forgetPending(records, runId));
  }

  #part(message: WorkMessage, own?: RunRecord, comesAgain = false): PurgePart {
    return new PurgePart({ ...this.#deps, queue: this.queue }, message, own, comesAgain);
  }

  async #run(message: WorkMessage, own: RunRecord | undefined, tries: number): Promise<RunResult> {
    const { maintenance, stopSignal } = this.#deps;
    const { job, subject, trigger, requestedBy } = message;
    const started = requestedBy ? { trigger, requestedBy } : trigger;
    const options = { runId: message.runId, queuedAt: message.queuedAt, signal: stopSignal };
    switch (job) {
      case 'purge':
        return this.#purge(message, started, this.#part(message, own, comesAgainWhenBusy(message, tries)));
      case 'index':
        return maintenance.sqlCaches.ensureIndex(subject, started, {}, options);
      case 'counts':
        return maintenance.sqlCaches.counts(subject, started, {}, options);
      case 'redis':
        return maintenance.redisCaches.watch(subject, started, {}, options);
    }
  }

  async #purge({ subject, purge }: WorkMessage, started: Started, part: PurgePart): Promise<RunResult> {
    const { maintenance, stopSignal } = this.#deps;
    const options = { ...part.place, signal: stopSignal };
    const result = await maintenance.sqlCaches.purge(subject, started, purge, options);
    // What is not recorded is not done: it comes again, and tells what this try had told.
    if (!part.isSettled) throw recordsUnavailable();
    await part.goOn();
    return part.isLeft ? { ...result, outcome: 'skipped' } : result;
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
    if (now.getTime() - at < poisonedEveryMs && !isAhead(at, now)) {
      log('warn', `${job} ${subject}: dropped after ${mostTries} tries, since one like it is in the poison queue`, {
        runId,
      });
      return true;
    }
    await records.writeState(key, now.toISOString()).catch(() => undefined);
    return false;
  }

  /** To whoever asked for the run, of which further parts are records. A state that is lost costs some detail. */
  async #tell(message: WorkMessage, outcome: 'queued' | 'running'): Promise<void> {
    if (message.trigger !== 'http' || message.part > 1) return;
    await keepPending(this.#deps.records, pendingRecord(message, outcome)).catch(() => undefined);
  }
}

function pendingRecord(message: WorkMessage, outcome: Outcome): RunRecord {
  const { runId, job, subject, trigger, requestedBy, queuedAt, first, part, purge } = message;
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
    ...(job === 'purge' && { part, ...(first !== undefined && { first }) }),
  };
}
