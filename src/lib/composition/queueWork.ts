import type { Clock } from '../clock.ts';
import { MaintenanceError } from '../errors.ts';
import { type Delivery, judgeDelivery, waitForPlace } from '../queue/delivery.ts';
import { newMessage, queuesWork, type Work } from '../queue/dispatch.ts';
import { readMessage, type WorkMessage } from '../queue/message.ts';
import type { WorkQueue } from '../queue/workQueue.ts';
import { forgetPending, keepPending } from '../runs/pendingRuns.ts';
import type { RecordStore, RunRecord } from '../runs/recordStore.ts';
import type { Log, RunResult } from '../runs/runJob.ts';
import type { Settings } from '../settings/settings.ts';
import { instruments } from '../telemetry/metrics.ts';
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

  /** @throws MaintenanceError `queue_unavailable`; the work is then not queued, or queued all the same */
  async put(work: Work): Promise<RunRecord> {
    const message = newMessage(work, this.#deps.clock.now());
    const record = pendingRecord(message, 'queued');
    // Before the message: it may be worked off before this call returns.
    if (work.trigger === 'http') await keepPending(this.#deps.records, record);
    try {
      await this.queue.put(message);
    } catch (error) {
      if (work.trigger === 'http') await forgetPending(this.#deps.records, message.runId).catch(() => undefined);
      throw error;
    }
    return record;
  }

  /** What a purge that a timer runs by itself is given, so that it queues its continuation. */
  directPurge(cache: string): PurgePart {
    const message = newMessage({ job: 'purge', cache, trigger: 'timer' }, this.#deps.clock.now());
    return new PurgePart({ ...this.#deps, queue: this.queue }, message);
  }

  /** Also the metric that the alert reads. */
  async poisonCount(): Promise<number> {
    const { poison } = this.queue;
    const count = await poison.count();
    instruments.queuePoison.record(count, { queue: this.queue.name });
    return count;
  }

  /**
   * Works off a message, delivered for the `deliveries`th time.
   * @throws where it is to be delivered again: its run failed, or it cannot be read
   */
  async workOff(given: unknown, deliveries: number): Promise<void> {
    const message = readMessage(given);
    const tries = deliveries + (message.tries ?? 0);
    const { settings, adapters, log } = this.#deps;
    const [own, delivery] = await this.#judge(message, tries);
    if (delivery.do !== 'run') return this.#giveUp(message, own, delivery);
    const server = serverOf(settings, message.cache);
    const slot = server === undefined ? undefined : await adapters.slots.tryTake(server, slotKindOf(message.job));
    if (server !== undefined && !slot) {
      // As a new message: so this is no failed try. Those before it still count.
      const again = tries > 1 ? { ...message, tries: tries - 1 } : message;
      await this.queue.put(again, waitForPlace(message, this.#deps.clock.now(), this.#deps.random()));
      log('info', `${message.job} ${message.cache}: put back, since its server has no place free`, { message });
      return;
    }
    try {
      await this.#tell(message, 'running');
      const { error } = await this.#run(message, own);
      const triedOut = error !== undefined && tries >= mostTries;
      const comesAgain = error ? !triedOut : await this.#hasNoRecord(message);
      if (comesAgain) await this.#tell(message, 'queued');
      else if (message.trigger === 'http') await forgetPending(this.#deps.records, message.runId);
      if (triedOut && (await this.#isDropped(message, error.code))) return;
      if (triedOut && deliveries < mostTries) {
        // The host has not counted all of them.
        const { tries: _, ...poisoned } = message;
        await this.queue.poison.put(poisoned);
      } else if (error) throw new MaintenanceError(error.code, error.message, error.advice);
    } finally {
      await slot?.release();
    }
  }

  async #judge(message: WorkMessage, deliveries: number): Promise<[RunRecord | undefined, Delivery]> {
    const { records, clock } = this.#deps;
    const [own, [latest]] = await Promise.all([
      records.getRun(message.runId),
      records.latestRuns(message.job, message.cache, 1),
    ]).catch(() => {
      // Not run without them: a part that is done would be done again, and its sum begin anew.
      throw new MaintenanceError(
        'records_unavailable',
        'The record store cannot be read.',
        'Check the storage account of the function app (AzureWebJobsStorage): its network rules, and the role Storage Table Data Contributor of the identity.',
      );
    });
    return [own, judgeDelivery(message, { own, latest, deliveries, now: clock.now() })];
  }

  async #giveUp(message: WorkMessage, own: RunRecord | undefined, delivery: Exclude<Delivery, { do: 'run' }>) {
    const { records, log } = this.#deps;
    const { job, cache, runId } = message;
    const poisoned = delivery.do === 'poison';
    if (poisoned) await this.queue.poison.put(message);
    log(
      poisoned ? 'error' : 'info',
      `${job} ${cache}: ${poisoned ? 'moved to the poison queue' : 'dropped'}, since ${delivery.reason}`,
      {
        runId,
        message,
      },
    );
    // Whoever waits for the run must learn that it will not come.
    const isOpen = own?.outcome === 'running' || (message.trigger === 'http' && own?.outcome !== 'succeeded');
    if (isOpen && (own?.parts ?? 0) < message.part) {
      const error = {
        code: poisoned ? 'run_lost' : 'run_dropped',
        message: `The run was given up, since ${delivery.reason}.`,
        advice: poisoned ? 'Find out why its instances ended, then `token-cache queue retry`.' : 'Ask for it again.',
      };
      await records.addRun({ ...pendingRecord(message, 'failed'), ...own, outcome: 'failed', error });
    }
    if (message.trigger === 'http' && (own?.parts ?? 0) < message.part) await forgetPending(records, runId);
  }

  async #run(message: WorkMessage, own: RunRecord | undefined): Promise<RunResult<object>> {
    const { maintenance, stopSignal } = this.#deps;
    const { job, cache, runId, trigger } = message;
    switch (job) {
      case 'purge':
        return this.#purge(message, own);
      case 'index':
        return maintenance.sqlCaches.ensureIndex(cache, trigger, { signal: stopSignal }, runId);
      case 'counts':
        return maintenance.sqlCaches.counts(cache, trigger, stopSignal, runId);
      case 'redis':
        return maintenance.redisCaches.watch(cache, trigger, { signal: stopSignal }, runId);
    }
  }

  async #purge(message: WorkMessage, own: RunRecord | undefined): Promise<RunResult<object>> {
    const { maintenance, stopSignal } = this.#deps;
    const { cache, runId, trigger, requestedBy } = message;
    // What this very run told of itself before its instance died.
    const before = await maintenance.sqlCaches.runningPurge(cache);
    const lost = before?.runId === runId ? before.deleted : 0;
    const part = new PurgePart({ ...this.#deps, queue: this.queue }, message, { own, lost });
    await part.begin();
    const started = requestedBy ? { trigger, requestedBy } : trigger;
    const { rowsLeft } = part;
    const request = {
      ...definedOf(message.purge),
      ...(rowsLeft !== undefined && { maxRows: rowsLeft }),
      signal: stopSignal,
    };
    const result = await maintenance.sqlCaches.purge(cache, started, request, {
      runId,
      toRecord: (ended) => part.toRecord(ended),
    });
    await part.end();
    return result;
  }

  /** Of a run that somebody asked for, whose table was busy: nothing was done yet. */
  async #hasNoRecord({ trigger, runId }: WorkMessage): Promise<boolean> {
    return trigger === 'http' && (await this.#deps.records.getRun(runId)) === undefined;
  }

  /** Whether a message that failed in each of its tries is not to lie in the poison queue. */
  async #isDropped(message: WorkMessage, code: string): Promise<boolean> {
    const { job, cache, runId } = message;
    if (code !== 'cache_unknown') return this.#isKnownFailure(message);
    // Not at the first try: a newer deployment's settings may name it.
    this.#deps.log('warn', `${job} ${cache}: dropped after ${mostTries} tries, since no cache is named so`, { runId });
    return true;
  }

  /**
   * Whether a timer's message that failed is dropped instead of lying in the poison queue: one of its job and cache has been put
   * there within a day. A cache that is broken for a week leaves seven messages, not two thousand.
   */
  async #isKnownFailure({ job, cache, until, runId }: WorkMessage): Promise<boolean> {
    // One without this was put back by an operator, or goes on with a purge.
    if (until === undefined) return false;
    const { records, clock, log } = this.#deps;
    const key = `poisoned|${job}|${cache}`;
    const at = Date.parse(String(await records.readState(key).catch(() => undefined)));
    const now = clock.now();
    if (now.getTime() - at < poisonedEveryMs) {
      log('warn', `${job} ${cache}: dropped after ${mostTries} tries, since one like it is in the poison queue`, {
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

function pendingRecord(message: WorkMessage, outcome: RunRecord['outcome']): RunRecord {
  const { runId, job, cache, trigger, requestedBy, queuedAt } = message;
  return {
    runId,
    job,
    cache,
    trigger,
    ...(requestedBy && { requestedBy }),
    queuedAt,
    startedAt: queuedAt,
    duration: 'PT0S',
    outcome,
  };
}

/** Without the keys that are undefined, which a request does not take. */
function definedOf<T extends object>(value: T | undefined): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, part]) => part !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
