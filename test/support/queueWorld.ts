import { Maintenance } from '../../src/lib/app/maintenance.ts';
import { QueueWork } from '../../src/lib/app/queueWork.ts';
import { type SqlMaintenance, sqlMaintenance } from '../../src/lib/app/sqlMaintenance.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { WorkMessage } from '../../src/lib/queue/message.ts';
import type { JobName } from '../../src/lib/runs/catalogue.ts';
import type { RecordStore } from '../../src/lib/runs/recordStore.ts';
import { type RunRecord, readRecord } from '../../src/lib/runs/runRecord.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { workMessage } from './workQueue.ts';

interface Queued {
  message: WorkMessage;
  visibleAt: number;
  deliveries: number;
}

interface Turn {
  instance: Instance;
  go(fails: boolean): void;
}

export interface Instance {
  isAlive: boolean;
}

/** As the host hides a message that it has given, and one whose try failed. */
const hiddenMs = 600_000;
const retryMs = 60_000;
const batchMs = 400;

/**
 * Instances of the app, the storage they share and one table, in which everything that leaves a process waits for its turn before
 * it takes effect, and again before the answer arrives. Whoever gives the turns decides on the interleaving; an instance may die, and
 * the storage fail, at each of them. Queue, records and table are models; what runs on them is the app's own.
 */
export class QueueWorld {
  now = Date.parse('2026-11-24T06:00:00Z');
  readonly turns: Turn[] = [];
  readonly queue: Queued[] = [];
  readonly poison: WorkMessage[] = [];
  readonly runs = new Map<string, string>();
  readonly states = new Map<string, string>();
  rows: number;
  /** What was deleted, by the id of the first part. */
  readonly deleted = new Map<string, number>();
  #holder: { instance: Instance } | undefined;
  readonly #instances: Instance[] = [];
  readonly #settings;

  constructor(rows: number) {
    this.rows = rows;
    this.#settings = readSettings(
      {
        TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Username=u;Password=p;Database=d',
        AzureWebJobsStorage: 'UseDevelopmentStorage=true',
        PURGE_PAUSE_RATIO: '0',
        PURGE_PACE: 'PT0S',
        PURGE_TIME_BUDGET: 'PT1S',
      },
      'table',
    );
  }

  put(work: Parameters<typeof workMessage>[0] = {}): WorkMessage {
    const message = workMessage(work, {}, new Date(this.now));
    this.queue.push({ message, visibleAt: this.now, deliveries: 0 });
    return message;
  }

  get visible(): Queued[] {
    return this.queue.filter(({ visibleAt }) => visibleAt <= this.now);
  }

  /** As the host does: a message that was worked off is deleted, one whose try failed comes again, and after five it is poison. */
  deliver(queued: Queued): Instance {
    const instance = this.#start();
    queued.deliveries += 1;
    const { deliveries } = queued;
    const hiddenUntil = this.now + hiddenMs;
    queued.visibleAt = hiddenUntil;
    const settle = (isDone: boolean) => {
      // Its receipt is old when it was given to another meanwhile.
      if (!instance.isAlive || queued.deliveries !== deliveries || !this.queue.includes(queued)) return;
      if (!isDone && deliveries < 5) {
        queued.visibleAt = this.now + retryMs;
        return;
      }
      this.queue.splice(this.queue.indexOf(queued), 1);
      if (!isDone) this.poison.push(queued.message);
    };
    const { first, runId } = queued.message;
    this.#work(instance, () => first ?? runId)
      .workOff(queued.message, deliveries)
      .then(
        () => settle(true),
        () => settle(false),
      );
    return instance;
  }

  /** A timer's purge without a message. */
  purgeDirectly(): void {
    const instance = this.#start();
    let id = '';
    const work = this.#work(instance, () => id);
    const place = work.placeOfDirectPurge('default');
    id = place.runId ?? '';
    this.#sqlCaches(instance, () => id).purge('default', 'timer', {}, place);
  }

  /** Every process stands still for longer than a run may be silent, and its connection is lost over that. */
  standStill(): void {
    this.now += 40_000;
    this.#holder = undefined;
  }

  kill(index: number): void {
    const living = this.#instances.filter(({ isAlive }) => isAlive);
    const victim = living[index % living.length];
    if (!victim) return;
    victim.isAlive = false;
    if (this.#holder?.instance === victim) this.#holder = undefined;
    this.turns.splice(0, this.turns.length, ...this.turns.filter(({ instance }) => instance !== victim));
  }

  records(instance?: Instance): RecordStore {
    const step = <T>(effect: () => T) => (instance ? this.#step(instance, effect) : Promise.resolve(effect()));
    const read = (id: string) => readRecord(JSON.parse(this.runs.get(id) ?? 'null'));
    return {
      description: 'a model',
      addRun: (record) => step(() => void this.runs.set(record.runId, JSON.stringify(record))),
      getRun: (id) => step(() => read(id)),
      latestRuns: <J extends JobName>(_job: J, _subject: string, count: number) =>
        step(() => [...this.runs.keys()].sort().slice(0, count).map(read) as RunRecord<J>[]),
      readState: (key) => step(() => JSON.parse(this.states.get(key) ?? 'null') ?? undefined),
      writeState: (key, value) =>
        step(() => void (value === undefined ? this.states.delete(key) : this.states.set(key, JSON.stringify(value)))),
    };
  }

  #start(): Instance {
    const instance = { isAlive: true };
    this.#instances.push(instance);
    return instance;
  }

  #clock: Clock = {
    now: () => new Date(this.now),
    elapsed: () => this.now,
    sleep: async (ms) => {
      this.now += ms;
    },
    random: () => 0,
  };

  #work(instance: Instance, chain: () => string): QueueWork {
    const records = this.records(instance);
    const log = () => undefined;
    const maintenance = new Maintenance(this.#settings, log, records, this.#clock);
    Object.assign(maintenance, { sqlCaches: this.#sqlCaches(instance, chain) });
    const queue = {
      name: 'q',
      put: (message: WorkMessage, delayMs = 0) =>
        this.#step(instance, () => void this.queue.push({ message, visibleAt: this.now + delayMs, deliveries: 0 })),
      nextSince: async () => undefined,
      poison: {
        name: 'q-poison',
        count: async () => this.poison.length,
        put: (message: WorkMessage) => this.#step(instance, () => void this.poison.push(message)),
        peek: async () => [],
        take: async () => [],
      },
    };
    return new QueueWork({
      adapters: { queue, slots: { tryTake: async () => ({ release: async () => undefined }) } },
      maintenance,
      settings: this.#settings,
      records,
      clock: this.#clock,
      log,
      stopSignal: new AbortController().signal,
      random: () => 0,
    });
  }

  #sqlCaches(instance: Instance, chain: () => string): SqlMaintenance {
    const runs = { clock: this.#clock, records: this.records(instance), log: () => undefined };
    return sqlMaintenance(this.#settings, runs, undefined, async () => this.#table(instance, chain));
  }

  /** What a purge needs of a table: `rows` expired entries, and a lock that dies with its holder. */
  #table(instance: Instance, chain: () => string): CacheTable {
    const ask = <T>(effect: () => T, mayFail = false) => this.#step(instance, effect, mayFail, false);
    const table = {
      engine: 'postgres',
      displayName: 'tokencache',
      maxBatchRows: 10,
      notes: [],
      endWithin: () => undefined,
      clock: async () => new Date(this.now),
      lockHolder: async () => undefined,
      tryLock: () =>
        ask(() => {
          if (this.#holder) return undefined;
          const lock = { instance };
          this.#holder = lock;
          return {
            isHeld: async () => this.#holder === lock,
            release: () =>
              ask(() => {
                if (this.#holder === lock) this.#holder = undefined;
              }),
          };
        }),
      load: async () => ({ readings: {}, unknown: [] }),
      entries: {
        nextRanges: async (after: string | undefined, _: unknown, limit: number) =>
          this.rows > 0 ? [{ after, upTo: 'x', rows: Math.min(limit, this.rows), tied: false }] : [],
        deleteRange: (range: { rows: number }, _: unknown, limit: number) =>
          ask(() => {
            const deleted = Math.min(limit, range.rows, this.rows);
            this.now += batchMs;
            this.rows -= deleted;
            this.deleted.set(chain(), (this.deleted.get(chain()) ?? 0) + deleted);
            return { deleted, hitLocks: false };
          }, true),
      },
      expiryIndex: { state: async () => ({ kind: 'present', name: 'ix' }) },
      figures: {
        backlog: async () => ({ oldest: null, rows: this.rows }),
        oldestExpiry: async () => undefined,
        countUpTo: async () => this.rows,
      },
      close: async () => undefined,
    };
    return table as unknown as CacheTable;
  }

  async #step<T>(instance: Instance, effect: () => T, mayFail = true, mayLoseAnswer = true): Promise<T> {
    const turn = (mayFail: boolean) =>
      new Promise<void>((resolve, reject) => {
        const go = (fails: boolean) => (fails && mayFail ? reject(new Error('It failed.')) : resolve());
        if (instance.isAlive) this.turns.push({ instance, go });
      });
    await turn(mayFail);
    const value = effect();
    await turn(mayLoseAnswer);
    return value;
  }
}
