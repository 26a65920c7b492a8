import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import { toErrorReport } from '../errors.ts';
import { countOf, goesOn, pauseAfter, rowsLeft } from '../queue/continuation.ts';
import { nextMessage } from '../queue/dispatch.ts';
import type { WorkMessage } from '../queue/message.ts';
import type { WorkQueue } from '../queue/workQueue.ts';
import { orUnavailable, type RecordStore } from '../runs/recordStore.ts';
import { newRunId } from '../runs/runId.ts';
import type { Log, RunPlace } from '../runs/runJob.ts';
import { isSilent, readTold, type ToldRun } from '../runs/runningState.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { deletedBy, lostIn, withOtherDelivery, withTries } from '../runs/tries.ts';
import type { Settings } from '../settings/settings.ts';

export interface PurgePartDeps {
  queue: WorkQueue;
  records: RecordStore;
  settings: Settings;
  clock: Clock;
  log: Log;
  /** The instance is taken away. */
  stopSignal: AbortSignal;
}

type Purge = RunRecord<'purge'>;

/**
 * One try at a part of a purge: its record, and the part that follows. The record says first that another follows, under
 * which id, and then its message is put: whoever finds the one without the other puts it, and twice is the same part.
 */
export class PurgePart {
  readonly #deps: PurgePartDeps;
  readonly #message: WorkMessage;
  /** The record that earlier tries left. */
  readonly #own: Purge | undefined;
  readonly #comesAgain: boolean;
  #hasBegun = false;
  /** What a try told whose instance died in it. */
  #told: ToldRun | undefined;
  #record: Purge | undefined;
  /** The record is kept, or left to another delivery. */
  isSettled = false;
  /** Another delivery is at work, or was just now: its record says more. */
  isLeft = false;

  /** @param comesAgain where it finds the table busy */
  constructor(deps: PurgePartDeps, message: WorkMessage, own?: RunRecord, comesAgain = false) {
    this.#deps = deps;
    this.#message = message;
    this.#own = own?.job === 'purge' ? own : undefined;
    this.#comesAgain = comesAgain;
  }

  /** The place of a part from the queue. */
  get place(): RunPlace {
    const { runId, queuedAt, first, part } = this.#message;
    return { runId, queuedAt, first, part, begun: () => this.#begin(), keep: (ended) => this.#keep(ended as Purge) };
  }

  /** The place of a purge that a timer runs by itself, whose next part comes from the queue. Nobody tries it again. */
  get directPlace(): RunPlace {
    const { runId, part } = this.#message;
    return { runId, part, keep: (ended) => this.#keepDirect(ended as Purge) };
  }

  /**
   * Queues the next part, where there is one.
   * @throws MaintenanceError `queue_unavailable`
   */
  async goOn(record = this.#record): Promise<void> {
    if (!record?.next) return;
    const { queue, settings, clock } = this.#deps;
    const message = this.#message;
    const { purge = {} } = message;
    const left = rowsLeft(purge, settings.purgeRowLimit, deletedBy(record));
    const options = { ...purge, ...(left !== undefined && { maxRows: Math.max(1, left) }) };
    const next = nextMessage(message, record.next, options, clock.now());
    await queue.put(next, pauseAfter(record, settings.queue.continuation));
  }

  /** Keeps this record of a part that is not tried again, with what its tries lost. */
  async giveUp(record: RunRecord): Promise<void> {
    if (record.job !== 'purge') return;
    const told = await this.#readTold();
    if (told || !this.#own) await orUnavailable(this.#deps.records.addRun({ ...record, ...lostIn(this.#own, told) }));
  }

  /** What earlier tries deleted; undefined where another delivery is at work yet, or has ended just now. */
  async #begin(): Promise<number | undefined> {
    const told = await this.#readTold();
    if (this.#isAnothers(told, await this.#readKept())) return undefined;
    this.#told = told;
    this.#hasBegun = true;
    return Math.max(told?.deleted ?? 0, deletedBy(this.#own));
  }

  /** A try that never held the table leaves the record to another delivery that does, or did. */
  async #keep(result: Purge): Promise<void> {
    const { records } = this.#deps;
    const own = this.#own;
    // In this order: the other delivery keeps its record first, and then takes back what it told.
    const told = this.#hasBegun ? this.#told : await this.#readTold();
    const kept = await this.#readKept();
    this.isLeft = !this.#hasBegun && this.#isAnothers(told, kept);
    if (!this.isLeft && !(result.outcome === 'skipped' && this.#comesAgain)) {
      const whole = { ...withTries(result, own), ...lostIn(own, told) };
      const record = this.#isNew(kept) ? withOtherDelivery(whole, kept, own) : whole;
      const next = record.next ?? (await this.#next(result, record));
      this.#record = { ...record, ...(next !== undefined && { next }) };
      await records.addRun(this.#record);
    }
    this.isSettled = true;
  }

  async #keepDirect(result: Purge): Promise<void> {
    const { records, log } = this.#deps;
    const next = await this.#next(result, result);
    const record = { ...result, ...(next !== undefined && { next }) };
    const isQueued = await this.goOn(record).then(
      () => true,
      (error: unknown) => {
        const { code, message, advice } = toErrorReport(error);
        log('warn', `purge ${result.subject}: its next part could not be queued (${code}). ${message} ${advice}`, {});
        return false;
      },
    );
    await records.addRun(isQueued ? record : result);
  }

  /** The id of the part that follows, counted. */
  async #next(result: Purge, record: Purge): Promise<string | undefined> {
    const { settings, records, clock, log, stopSignal } = this.#deps;
    const { subject, purge = {}, part } = this.#message;
    const policy = settings.queue.continuation;
    const end = {
      run: result,
      rowsLeft: rowsLeft(purge, settings.purgeRowLimit, deletedBy(record)),
      instanceStops: stopSignal.aborted,
    };
    // Most runs are drained: their continuations need not be counted.
    if (!goesOn(end, policy, 0)) return undefined;
    const key = `continuations|${subject}`;
    const now = clock.now();
    const used = countOf(await records.readState(key).catch(() => undefined), policy.periodMs, now);
    // Without a record store nothing is counted but the parts of this chain.
    if (!goesOn(end, policy, records.description === 'none' ? part - 1 : used.count)) return undefined;
    await records.writeState(key, { ...used, count: used.count + 1 }).catch((error: Error) => {
      log('warn', `purge ${subject}: its continuations could not be counted: ${error.message}`, {});
    });
    return newRunId('purge', subject, now);
  }

  /** Whether another delivery holds the table, or has just held it. */
  #isAnothers(told: ToldRun | undefined, kept: Purge | undefined): boolean {
    return this.#isNew(kept) || (told !== undefined && !isSilent(told, this.#deps.clock.now()));
  }

  #isNew(kept: Purge | undefined): kept is Purge {
    return kept !== undefined && !isDeepStrictEqual(kept, this.#own);
  }

  async #readKept(): Promise<Purge | undefined> {
    const kept = await orUnavailable(this.#deps.records.getRun(this.#message.runId));
    return kept?.job === 'purge' ? kept : undefined;
  }

  #readTold(): Promise<ToldRun | undefined> {
    return orUnavailable(readTold(this.#deps.records, this.#message.runId));
  }
}
