import { z } from 'zod';
import { type Clock, isAhead } from '../clock.ts';
import type { RecordStore } from './recordStore.ts';
import { parseRunId } from './runId.ts';

/** A run that holds its cache, as it last told of itself. */
const told = z.object({
  runId: z.string(),
  startedAt: z.iso.datetime(),
  deleted: z.int(),
  updatedAt: z.iso.datetime(),
});
export type ToldRun = z.infer<typeof told>;

export const runningRun = told
  .extend({
    lost: z.boolean().nullable().meta({
      description:
        'It has told nothing for 30 s and holds no lock, so its process is gone: `deleted` is what it told last. Null where it has told nothing and its cache cannot be asked for the lock.',
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
 * What a run tells others while it holds its lock, and once it has ended until its record is kept. Each run writes under a
 * key of its own, so that no other takes it away: what a killed run told stays for whoever tries it again.
 */
export function runningState(records: RecordStore, subject: string, runId: string, clock: Clock) {
  let startedAt: string | undefined;
  let isHolder = false;
  let toldAt = 0;
  let deletedBefore = 0;
  let deleted = 0;
  let alive: NodeJS.Timeout | undefined;
  let isDue = false;
  let telling: Promise<void> | undefined;

  const write = async () => {
    while (isDue && startedAt !== undefined) {
      isDue = false;
      toldAt = clock.elapsed();
      const updatedAt = clock.now().toISOString();
      const state: ToldRun = { runId, startedAt, deleted: deletedBefore + deleted, updatedAt };
      await records.writeState(keyOf(runId), state);
      if (!isHolder) await records.writeState(holderKey(subject), runId);
      isHolder = true;
    }
  };
  /** One write at a time, each of the newest: a slow storage is not asked for what is old. */
  const tell = () => {
    isDue = true;
    telling ??= write().finally(() => {
      telling = undefined;
    });
    return telling;
  };
  const tellBeside = () => void tell().catch(() => undefined);

  return {
    /**
     * @param before what earlier tries of the same run deleted
     * @throws where it could not be told, which is then tried again and again
     */
    begin(before = 0): Promise<void> {
      startedAt = clock.now().toISOString();
      deletedBefore = before;
      alive = setInterval(tellBeside, aliveEveryMs).unref();
      return tell();
    },
    /** Told beside the work, which does not wait for it. */
    update(now: number): void {
      deleted = now;
      if (startedAt !== undefined && clock.elapsed() - toldAt >= updateEveryMs) tellBeside();
    },
    /** The run holds its cache no longer. */
    end: () => clearInterval(alive),
    /** Its record says more. After the last telling: nothing may overtake it. */
    async forget(): Promise<void> {
      if (startedAt === undefined) return;
      await telling?.catch(() => undefined);
      await records.writeState(keyOf(runId), undefined).catch(() => undefined);
    },
  };
}

const holderKey = (subject: string) => `running|purge|${subject}`;
const keyOf = (runId: string) => `running|${runId}`;

/** Asks a cache whether a run holds its lock; undefined where that is not known. */
export type HoldsLock = () => Promise<boolean | undefined>;

/**
 * What is known of the purge or clear that holds a cache at `now`; undefined where nothing is known.
 * @param holdsLock asked where the run has told nothing for long; a cache has no lock by default
 * @param lastPurge when the last purge that succeeded began: it makes up for one that was lost before, and takes no lock where
 *   nothing is left
 */
export async function readRunning(
  records: RecordStore,
  subject: string,
  now: Date,
  holdsLock: HoldsLock = async () => false,
  lastPurge = '',
): Promise<RunningRun | undefined> {
  try {
    const holder = await records.readState(holderKey(subject));
    const state = typeof holder === 'string' ? await readTold(records, holder) : undefined;
    if (!state || !isSilent(state, now)) return state && { ...state, lost: false };
    const isLocked = await holdsLock();
    const isMadeUpFor = parseRunId(state.runId)?.job === 'purge' && Date.parse(lastPurge) > Date.parse(state.startedAt);
    if (isLocked === false && isMadeUpFor) return undefined;
    return { ...state, lost: isLocked === undefined ? null : !isLocked };
  } catch {
    return undefined;
  }
}

/** What a run that is under way, or was when its process ended, told last. */
export async function readTold(records: RecordStore, runId: string): Promise<ToldRun | undefined> {
  return told.safeParse(await records.readState(keyOf(runId))).data;
}

/** It has told nothing for long, or by a clock that is fast, which tells nothing of now. */
export function isSilent({ updatedAt }: ToldRun, now: Date): boolean {
  return isAhead(updatedAt, now) || now.getTime() - Date.parse(updatedAt) > lostAfterMs;
}
