import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { RecordStore } from './recordStore.ts';

/** A run that holds its cache, as it last told of itself. */
const told = z.object({
  runId: z.string(),
  startedAt: z.iso.datetime(),
  deleted: z.int(),
  updatedAt: z.iso.datetime(),
});

export const runningRun = told
  .extend({
    lost: z.boolean().meta({
      description: 'It has told nothing for 30 s, so its process is gone: `deleted` is what it told last.',
    }),
  })
  .meta({ id: 'RunningRun' });
export type RunningRun = z.infer<typeof runningRun>;

/** With each batch, at most this often. */
const updateEveryMs = 2_000;
/** Without a batch too, as in a pause: so that silence means something. */
const aliveEveryMs = 10_000;
const lostAfterMs = 30_000;

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
  #deleted = 0;
  #alive: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(records: RecordStore, subject: string, runId: string, clock: Clock) {
    this.#records = records;
    this.#key = keyOf(subject);
    this.#runId = runId;
    this.#clock = clock;
  }

  begin(): void {
    this.#startedAt = this.#clock.now().toISOString();
    this.#write();
    this.#alive = setInterval(() => this.#write(), aliveEveryMs).unref();
  }

  update(deleted: number): void {
    this.#deleted = deleted;
    if (this.#clock.elapsed() - this.#updatedAt >= updateEveryMs) this.#write();
  }

  /** After the last write: nothing may overtake it. */
  async end(): Promise<void> {
    if (this.#startedAt === undefined) return;
    clearInterval(this.#alive);
    await this.#writing;
    await this.#records.writeState(this.#key, undefined).catch(() => undefined);
  }

  #write(): void {
    if (this.#startedAt === undefined) return;
    this.#updatedAt = this.#clock.elapsed();
    const state: z.infer<typeof told> = {
      runId: this.#runId,
      startedAt: this.#startedAt,
      deleted: this.#deleted,
      updatedAt: this.#clock.now().toISOString(),
    };
    this.#writing = this.#writing.then(() => this.#records.writeState(this.#key, state)).catch(() => undefined);
  }
}

const keyOf = (subject: string) => `running|purge|${subject}`;

/** What is known of the purge or clear that holds a cache at `now`; undefined where nothing is known. */
export async function readRunning(records: RecordStore, subject: string, now: Date): Promise<RunningRun | undefined> {
  const state = await readTold(records, subject);
  return state && { ...state, lost: now.getTime() - Date.parse(state.updatedAt) > lostAfterMs };
}

/** What the run that holds a cache, or held it when its process ended, told last. */
export async function readTold(records: RecordStore, subject: string): Promise<z.infer<typeof told> | undefined> {
  return told.safeParse(await records.readState(keyOf(subject)).catch(() => undefined)).data;
}
