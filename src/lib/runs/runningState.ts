import type { Clock } from '../clock.ts';
import type { RecordStore } from './recordStore.ts';

/** A run that is under way, as it last told of itself. */
export interface RunningRun {
  runId: string;
  startedAt: string;
  deleted: number;
  updatedAt: string;
}

const updateEveryMs = 2_000;

/**
 * What a run tells others while it holds its lock. Written now and then, beside the work and never waited for: a state
 * that is lost or late costs a reader some detail, and a killed run's is replaced by the next run's.
 */
export class RunningState {
  readonly #records: RecordStore;
  readonly #key: string;
  readonly #runId: string;
  readonly #clock: Clock;
  #startedAt: string | undefined;
  #updatedAt = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(records: RecordStore, key: string, runId: string, clock: Clock) {
    this.#records = records;
    this.#key = key;
    this.#runId = runId;
    this.#clock = clock;
  }

  begin(): void {
    this.#startedAt = this.#clock.now().toISOString();
    this.#write(0);
  }

  update(deleted: number): void {
    if (performance.now() - this.#updatedAt >= updateEveryMs) this.#write(deleted);
  }

  /** After the last write: nothing may overtake it. */
  async end(): Promise<void> {
    if (this.#startedAt === undefined) return;
    await this.#writing;
    await this.#records.writeState(this.#key, undefined).catch(() => undefined);
  }

  #write(deleted: number): void {
    if (this.#startedAt === undefined) return;
    this.#updatedAt = performance.now();
    const state: RunningRun = {
      runId: this.#runId,
      startedAt: this.#startedAt,
      deleted,
      updatedAt: this.#clock.now().toISOString(),
    };
    this.#writing = this.#writing.then(() => this.#records.writeState(this.#key, state)).catch(() => undefined);
  }
}

/** Of the purge or clear that is under way on a cache. */
export const runningKey = (cache: string) => `running|purge|${cache}`;

export async function readRunning(records: RecordStore, key: string): Promise<RunningRun | undefined> {
  const state = await records.readState(key).catch(() => undefined);
  return state && typeof state === 'object' && 'runId' in state ? (state as RunningRun) : undefined;
}
