/** Records of runs, whose reports are those of real runs with what a test changes of them. */
import type {
  KeyRingRecords,
  RedisCacheRecords,
  SqlCacheRecords,
  WebAppRecords,
} from '../../src/lib/findings/subjectRecords.ts';
import type { KeyReport, RingStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import type { RotateReport } from '../../src/lib/keyRing/jobs/rotate.ts';
import { worst } from '../../src/lib/level.ts';
import type { NodeUp, WatchFinding, WatchReport } from '../../src/lib/redis/watchReport.ts';
import type { JobName } from '../../src/lib/runs/catalogue.ts';
import { historyOf } from '../../src/lib/runs/history.ts';
import { newRunId } from '../../src/lib/runs/runId.ts';
import type { RunRecord } from '../../src/lib/runs/runRecord.ts';
import type { ClearReport } from '../../src/lib/sql/clearReport.ts';
import type { CountsReport } from '../../src/lib/sql/counts.ts';
import type { IndexReport } from '../../src/lib/sql/ensureExpiryIndex.ts';
import type { PurgePlan, PurgeReport } from '../../src/lib/sql/purgeReport.ts';
import { reports } from './reports.ts';

/** A real run that succeeded, begun at that time. */
export function record<J extends JobName>(
  job: J,
  subject: string,
  startedAt: Date | string,
  changes: Partial<RunRecord<J>> = {},
): RunRecord<J> {
  const began = new Date(startedAt);
  return {
    runId: newRunId(job, subject, began),
    job,
    subject,
    trigger: 'timer',
    startedAt: began.toISOString(),
    duration: 'PT12.4S',
    outcome: 'succeeded',
    dryRun: false,
    ...changes,
  } as RunRecord<J>;
}

/** What a record of a run has that ended with an error. */
export function failed(code = 'firewall'): Pick<RunRecord, 'outcome' | 'error'> {
  return { outcome: 'failed', error: { code, message: 'Not let in.', advice: 'Let it in.' } };
}

export const exactly = (count: number) => ({ count, estimated: false });

export const purgeReport = (changes: Partial<PurgeReport> = {}): PurgeReport => ({ ...reports.purge, ...changes });
export const purgePlan = (changes: Partial<PurgePlan> = {}): PurgePlan => ({ ...reports.purgePlan, ...changes });
export const clearReport = (changes: Partial<ClearReport> = {}): ClearReport => ({ ...reports.clear, ...changes });
export const countsReport = (changes: Partial<CountsReport> = {}): CountsReport => ({ ...reports.counts, ...changes });
export const indexReport = (changes: Partial<IndexReport> = {}): IndexReport => ({ ...reports.index, ...changes });

/** A purge whose time was up, with so much left. */
export const leftBehind = (count: number, changes: Partial<PurgeReport> = {}) =>
  purgeReport({ stopReason: 'timeBudget', expiredRemaining: exactly(count), ...changes });

/** A look that saw nothing worth telling, unless told otherwise. */
export const watchReport = (changes: Partial<WatchReport> = {}): WatchReport => ({
  ...reports.watch,
  level: worst(changes.findings ?? []) ?? 'ok',
  findings: [],
  ...changes,
});

export function watchFinding(check: string, changes: Partial<WatchFinding> = {}): WatchFinding {
  return {
    check,
    level: 'critical',
    node: nodeUp().node,
    what: 'Something was seen.',
    advice: 'Do something.',
    since: '2026-11-24T05:00:00.000Z',
    ...changes,
  };
}

export function nodeUp(changes: Partial<NodeUp> = {}): NodeUp {
  const node = reports.watch.nodes.find(({ up }) => up);
  if (!node?.up) throw new Error('the recorded look reached no node');
  return { ...node, ...changes };
}

/** A ring as it was on 2026-11-24, with its default key and a successor. */
export const ringStatus = (changes: Partial<RingStatus> = {}): RingStatus => ({ ...reports.ringStatus, ...changes });

export function ringKey(changes: Partial<KeyReport>): KeyReport {
  const current = reports.ringStatus.keys.find(({ state }) => state === 'default');
  if (!current) throw new Error('the recorded ring has no default key');
  return { ...current, ...changes };
}

/** A rotation that had nothing to do, and left the ring so. */
export const rotateReport = (status = ringStatus(), changes: Partial<RotateReport> = {}): RotateReport => ({
  ...reports.rotate,
  outcome: 'nothingToDo',
  keys: [],
  status,
  ...changes,
});

type Runs<R> = { [J in keyof R & JobName]?: RunRecord<J>[] };
type Told = Partial<Pick<SqlCacheRecords, 'running' | 'rings'>> & Seen;
interface Seen {
  /** When the records are read: by default no test's are dated ahead. */
  seen?: Date;
}
const laterThanAll = new Date('2100-01-01T00:00:00Z');

export function sqlCache(
  name: string,
  runs: Runs<SqlCacheRecords> = {},
  { running, rings = [], seen = laterThanAll }: Told = {},
): SqlCacheRecords {
  return {
    kind: 'sqlCache',
    name,
    rings,
    purge: historyOf('purge', name, runs.purge ?? [], seen),
    index: historyOf('index', name, runs.index ?? [], seen),
    counts: historyOf('counts', name, runs.counts ?? [], seen),
    clear: historyOf('clear', name, runs.clear ?? [], seen),
    running,
  };
}

export function redisCache(
  name: string,
  runs: Runs<RedisCacheRecords> = {},
  { seen = laterThanAll }: Seen = {},
): RedisCacheRecords {
  return {
    kind: 'redisCache',
    name,
    redis: historyOf('redis', name, runs.redis ?? [], seen),
    clear: historyOf('clear', name, runs.clear ?? [], seen),
    running: undefined,
  };
}

/** The web app of a cache, whose entries the rings protect. */
export function webApp(
  name: string,
  runs: Runs<WebAppRecords> = {},
  { seen = laterThanAll, rings = [] }: Seen & { rings?: string[] } = {},
): WebAppRecords {
  return { kind: 'webApp', name, rings, app: historyOf('app', name, runs.app ?? [], seen) };
}

export function keyRing(
  name: string,
  runs: Runs<KeyRingRecords> = {},
  { seen = laterThanAll }: Seen = {},
): KeyRingRecords {
  return {
    kind: 'keyRing',
    name,
    rotateKeyRing: historyOf('rotateKeyRing', name, runs.rotateKeyRing ?? [], seen),
    keyRingStatus: historyOf('keyRingStatus', name, runs.keyRingStatus ?? [], seen),
    rewrapKeyRing: historyOf('rewrapKeyRing', name, runs.rewrapKeyRing ?? [], seen),
    revokeKeys: historyOf('revokeKeys', name, runs.revokeKeys ?? [], seen),
    pruneKeyRing: historyOf('pruneKeyRing', name, runs.pruneKeyRing ?? [], seen),
  };
}
