import pLimit from 'p-limit';
import type { FindingPolicy } from '../findingPolicy.ts';
import type { JobName, SubjectKind } from '../runs/catalogue.ts';
import { historyOf, type JobHistory, readHistory } from '../runs/history.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import { type HoldsLock, type RunningRun, readRunning } from '../runs/runningState.ts';
import { tellEvents } from './redisLooks.ts';
import { tellBacklog, tellCounts } from './sqlReadings.ts';

/** The jobs on each kind of subject whose records are judged. */
const judgedJobs = {
  sqlCache: ['purge', 'index', 'counts', 'clear'],
  redisCache: ['redis', 'clear'],
  keyRing: ['rotateKeyRing', 'keyRingStatus', 'rewrapKeyRing', 'revokeKeys', 'pruneKeyRing'],
  webApp: ['app'],
} as const satisfies Record<string, readonly JobName[]>;
type Kind = keyof typeof judgedJobs;

/** What the records say of a subject: the history of each of its jobs. */
type Records<K extends Kind> = { kind: K; name: string } & {
  [J in (typeof judgedJobs)[K][number]]: JobHistory<J>;
};
type CacheRecords<K extends Kind> = Records<K> & { running: RunningRun | undefined };
/** `rings` protect its entries. */
export type SqlCacheRecords = CacheRecords<'sqlCache'> & { rings: readonly string[] };
export type RedisCacheRecords = CacheRecords<'redisCache'>;
export type KeyRingRecords = Records<'keyRing'>;
/** The web app of a cache, by the cache's name; `rings` as of the cache. */
export type WebAppRecords = Records<'webApp'> & { rings: readonly string[] };

export type SubjectRecords = SqlCacheRecords | RedisCacheRecords | KeyRingRecords | WebAppRecords;

/** By which its findings call it. */
export const titleOf = ({ kind, name }: { kind: SubjectKind; name: string }) =>
  `${kind === 'keyRing' ? 'key ring' : kind === 'webApp' ? 'web app of' : 'cache'} ${name}`;

/** The subjects of the settings, by their names. */
export interface SubjectNames {
  sqlCaches: readonly string[];
  redisCaches: readonly string[];
  keyRings: readonly string[];
  webApps: readonly string[];
  /** The rings that protect the entries of a cache. */
  ringsOf(cache: string): readonly string[];
}

/** Records of each job that are read at least: most often as many as a judge needs. Of jobs that are asked for, fewer do. */
const judgedRuns = { purge: 48, index: 5, counts: 12, redis: 12, app: 5, rotateKeyRing: 5 };
const judgedOthers = 5;
export type Depths = typeof judgedRuns;

export interface Reading {
  now: Date;
  policy: FindingPolicy;
  /** Where somebody wants to see more: what is judged does not depend on it. */
  depths?: Partial<Depths>;
  /** Asks a SQL cache whether a run holds its lock; left out where no cache is to be asked. */
  holdsLock?: ((cache: string) => ReturnType<HoldsLock>) | undefined;
}

/** Reads of the record store at once: there may be thousands of jobs and caches. */
const readsAtOnce = 32;

/** What the records say of every subject. Records that cannot be read make it say so; it does not fail over them. */
export async function readSubjects(
  records: RecordStore,
  { sqlCaches, redisCaches, keyRings, webApps, ringsOf }: SubjectNames,
  { now, policy, depths: wanted, holdsLock }: Reading,
): Promise<SubjectRecords[]> {
  const limit = pLimit(readsAtOnce);
  const depths: { readonly [J in JobName]?: number } = judgedRuns;
  const shown: typeof depths = wanted ?? {};
  const tells: { readonly [J in JobName]?: (history: JobHistory<J>) => boolean } = {
    purge: (history) => tellBacklog(history, policy, now),
    counts: tellCounts,
    redis: (history) => tellEvents(history, policy, now),
  };
  const read = <J extends JobName>(job: J, name: string): Promise<JobHistory<J>> =>
    limit(() => {
      const more = { tells: tells[job], shown: shown[job] };
      return readHistory(records, job, name, depths[job] ?? judgedOthers, now, more);
    });
  const recordsOf = async <K extends Kind>(kind: K, name: string) => {
    const histories = judgedJobs[kind].map(async (job) => [job, await read(job, name)]);
    return { kind, name, ...Object.fromEntries(await Promise.all(histories)) } as Records<K>;
  };
  const cacheOf = async <K extends Kind>(kind: K, name: string, isHeld?: HoldsLock) => {
    const found = await recordsOf(kind, name);
    const { purge } = found as { purge?: JobHistory<'purge'> };
    const running = await limit(() => readRunning(records, name, now, isHeld, purge?.lastSuccess?.startedAt));
    return { ...found, running };
  };
  return Promise.all<SubjectRecords>([
    ...sqlCaches.map(async (name) => ({
      ...(await cacheOf('sqlCache', name, async () => holdsLock?.(name))),
      rings: ringsOf(name),
    })),
    ...redisCaches.map((name) => cacheOf('redisCache', name)),
    ...webApps.map(async (name) => ({ ...(await recordsOf('webApp', name)), rings: ringsOf(name) })),
    ...keyRings.map((name) => recordsOf('keyRing', name)),
  ]);
}

/** The histories of a subject's jobs. */
export function historiesOf(subject: SubjectRecords): JobHistory[] {
  return Object.values(subject).filter(
    (part): part is JobHistory => typeof part === 'object' && part !== null && 'failures' in part,
  );
}

/** A subject by its runs since then: those before are shown alone. */
export function ofItsTime<S extends SubjectRecords>(subject: S, from: Date, now: Date): S {
  const histories = historiesOf(subject).map((history) => {
    const { job, subject: name, runs } = history;
    const counting = runs.filter(({ startedAt }) => Date.parse(startedAt) >= from.getTime());
    if (counting.length === runs.length) return [job, history];
    const { shown: _, ahead: __, ...judged } = historyOf(job, name, counting, now);
    return [job, { ...history, ...judged }];
  });
  return { ...subject, ...Object.fromEntries(histories) };
}
