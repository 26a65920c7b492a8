import pLimit from 'p-limit';
import type { FindingPolicy } from '../findingPolicy.ts';
import type { JobName } from '../runs/catalogue.ts';
import { type JobHistory, readHistory } from '../runs/history.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import { type HoldsLock, type RunningRun, readRunning } from '../runs/runningState.ts';
import { tellAge, tellBacklog } from './sqlReadings.ts';

/** What the records say of a SQL cache. */
export interface SqlCacheRecords {
  kind: 'sqlCache';
  name: string;
  purge: JobHistory<'purge'>;
  index: JobHistory<'index'>;
  counts: JobHistory<'counts'>;
  clear: JobHistory<'clear'>;
  running: RunningRun | undefined;
}

export interface RedisCacheRecords {
  kind: 'redisCache';
  name: string;
  redis: JobHistory<'redis'>;
  clear: JobHistory<'clear'>;
  running: RunningRun | undefined;
}

export interface KeyRingRecords {
  kind: 'keyRing';
  name: string;
  rotateKeyRing: JobHistory<'rotateKeyRing'>;
  keyRingStatus: JobHistory<'keyRingStatus'>;
  rewrapKeyRing: JobHistory<'rewrapKeyRing'>;
  revokeKeys: JobHistory<'revokeKeys'>;
  pruneKeyRing: JobHistory<'pruneKeyRing'>;
}

/** The web app of a cache, by the cache's name. */
export interface WebAppRecords {
  kind: 'webApp';
  name: string;
  /** Names of the rings that protect its entries. */
  rings: readonly string[];
  app: JobHistory<'app'>;
}

export type SubjectRecords = SqlCacheRecords | RedisCacheRecords | KeyRingRecords | WebAppRecords;

/** By which its findings call it. */
export const titleOf = ({ kind, name }: Pick<SubjectRecords, 'kind' | 'name'>) =>
  `${kind === 'keyRing' ? 'key ring' : kind === 'webApp' ? 'web app of' : 'cache'} ${name}`;

/** The subjects of the settings, by their names. */
export interface SubjectNames {
  sqlCaches: readonly string[];
  redisCaches: readonly string[];
  keyRings: readonly string[];
  webApps: readonly { name: string; rings: readonly string[] }[];
}

/** Records of each job that are read at least: most often as many as a judge needs. */
const judgedRuns = { purge: 48, index: 5, counts: 12, redis: 12, app: 5, rotateKeyRing: 5, asked: 5 };
export type Depths = typeof judgedRuns;

export interface Reading {
  now: Date;
  policy: FindingPolicy;
  /** Where somebody wants to see more. */
  depths?: Partial<Depths>;
  /** Asks a SQL cache whether a run holds its lock; left out where no cache is to be asked. */
  holdsLock?: ((cache: string) => ReturnType<HoldsLock>) | undefined;
}

/** Reads of the record store at once: there may be thousands of jobs and caches. */
const readsAtOnce = 32;

/** What the records say of every subject. Records that cannot be read make it say so; it does not fail over them. */
export async function readSubjects(
  records: RecordStore,
  { sqlCaches, redisCaches, keyRings, webApps }: SubjectNames,
  { now, policy, depths: wanted, holdsLock }: Reading,
): Promise<SubjectRecords[]> {
  const limit = pLimit(readsAtOnce);
  const depths = { ...judgedRuns, ...wanted };
  const of = <J extends JobName>(job: J, name: string, count: number, tells?: (history: JobHistory<J>) => boolean) =>
    limit(() => readHistory(records, job, name, count, now, tells));
  const running = (name: string, isHeld?: HoldsLock) => limit(() => readRunning(records, name, now, isHeld));
  return Promise.all<SubjectRecords>([
    ...sqlCaches.map(async (name) => ({
      kind: 'sqlCache' as const,
      name,
      ...(await together({
        purge: of('purge', name, depths.purge, (history) => tellBacklog(history, policy, now)),
        index: of('index', name, depths.index),
        counts: of('counts', name, depths.counts, tellAge),
        clear: of('clear', name, depths.asked),
        running: running(name, async () => holdsLock?.(name)),
      })),
    })),
    ...redisCaches.map(async (name) => ({
      kind: 'redisCache' as const,
      name,
      ...(await together({
        redis: of('redis', name, depths.redis),
        clear: of('clear', name, depths.asked),
        running: running(name),
      })),
    })),
    ...webApps.map(async ({ name, rings }) => ({
      kind: 'webApp' as const,
      name,
      rings,
      app: await of('app', name, depths.app),
    })),
    ...keyRings.map(async (name) => ({
      kind: 'keyRing' as const,
      name,
      ...(await together({
        rotateKeyRing: of('rotateKeyRing', name, depths.rotateKeyRing),
        keyRingStatus: of('keyRingStatus', name, depths.asked),
        rewrapKeyRing: of('rewrapKeyRing', name, depths.asked),
        revokeKeys: of('revokeKeys', name, depths.asked),
        pruneKeyRing: of('pruneKeyRing', name, depths.asked),
      })),
    })),
  ]);
}

/** The histories of a subject's jobs. */
export function historiesOf(subject: SubjectRecords): JobHistory[] {
  return Object.values(subject).filter(
    (part): part is JobHistory => typeof part === 'object' && part !== null && 'failures' in part,
  );
}

async function together<T extends Record<string, Promise<unknown>>>(
  parts: T,
): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  const values = await Promise.all(Object.values(parts));
  return Object.fromEntries(Object.keys(parts).map((key, index) => [key, values[index]])) as {
    [K in keyof T]: Awaited<T[K]>;
  };
}
