/** Sources of a status page with a bit of everything, as a bad night leaves them; their reports are those of real runs. */
import { formatDuration } from '../../src/lib/durations.ts';
import { healthOf, judge } from '../../src/lib/findings/judge.ts';
import type {
  KeyRingRecords,
  RedisCacheRecords,
  SqlCacheRecords,
  SubjectRecords,
} from '../../src/lib/findings/subjectRecords.ts';
import type { TimerReading } from '../../src/lib/findings/timers.ts';
import type { RingFinding } from '../../src/lib/keyRing/findings.ts';
import type { RingStatus } from '../../src/lib/keyRing/ringStatus.ts';
import type { RotateReport } from '../../src/lib/keyRing/rotate.ts';
import { worst } from '../../src/lib/level.ts';
import type { StatusSources } from '../../src/lib/pages/status/statusView.ts';
import type { NodeUp, WatchFinding, WatchReport } from '../../src/lib/redis/watchReport.ts';
import { type JobName, jobs, type ScheduleName } from '../../src/lib/runs/catalogue.ts';
import { historyOf } from '../../src/lib/runs/history.ts';
import { newRunId } from '../../src/lib/runs/runId.ts';
import type { RunRecord } from '../../src/lib/runs/runRecord.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import type { CountsReport } from '../../src/lib/sql/counts.ts';
import type { PurgeReport } from '../../src/lib/sql/purgeReport.ts';
import { reports } from './reports.ts';

/** When the ring of the reports was as it is. */
export const now = new Date('2026-11-24T03:12:00Z');
const minute = 60_000;
const hour = 3_600_000;
export const ago = (ms: number) => new Date(now.getTime() - ms).toISOString();

/** A record of a run that began so long before `now`. */
export function record<J extends JobName>(
  job: J,
  subject: string,
  agoMs: number,
  changes: Partial<RunRecord<J>> = {},
): RunRecord<J> {
  const run = {
    runId: newRunId(job, subject, new Date(now.getTime() - agoMs)),
    job,
    subject,
    trigger: 'timer',
    startedAt: ago(agoMs),
    duration: 'PT12.4S',
    outcome: 'succeeded',
    dryRun: false,
    ...changes,
  };
  return run as RunRecord<J>;
}

type RunsOf<R> = { [J in keyof R & JobName]?: RunRecord<J>[] };

export function sqlCache(
  name: string,
  { purge = [], index = [], counts = [], clear = [] }: RunsOf<SqlCacheRecords>,
  running?: SqlCacheRecords['running'],
): SqlCacheRecords {
  return {
    kind: 'sqlCache',
    name,
    purge: historyOf('purge', name, purge),
    index: historyOf('index', name, index),
    counts: historyOf('counts', name, counts),
    clear: historyOf('clear', name, clear),
    running,
  };
}

export function redisCache(name: string, { redis = [], clear = [] }: RunsOf<RedisCacheRecords>): RedisCacheRecords {
  return {
    kind: 'redisCache',
    name,
    redis: historyOf('redis', name, redis),
    clear: historyOf('clear', name, clear),
    running: undefined,
  };
}

export function keyRing(name: string, runs: RunsOf<KeyRingRecords>): KeyRingRecords {
  const { rotateKeyRing = [], keyRingStatus = [], rewrapKeyRing = [], revokeKeys = [], pruneKeyRing = [] } = runs;
  return {
    kind: 'keyRing',
    name,
    rotateKeyRing: historyOf('rotateKeyRing', name, rotateKeyRing),
    keyRingStatus: historyOf('keyRingStatus', name, keyRingStatus),
    rewrapKeyRing: historyOf('rewrapKeyRing', name, rewrapKeyRing),
    revokeKeys: historyOf('revokeKeys', name, revokeKeys),
    pruneKeyRing: historyOf('pruneKeyRing', name, pruneKeyRing),
  };
}

/** Counts as they were made, at another time and of another table. */
export function countsReport(agoMs: number, active: number, expired: number, ageMs: number): CountsReport {
  const exact = (count: number) => ({ count, estimated: false });
  return {
    ...reports.counts,
    at: ago(agoMs),
    entries: exact(active + expired),
    expired: exact(expired),
    active: { count: active, estimated: true },
    dataBytes: (active + expired) * 4_100,
    indexBytes: (active + expired) * 90,
    oldestExpiredAge: ageMs === 0 ? null : formatDuration(ageMs),
  };
}

/** A purge as it was made, that deleted so many entries. */
export function purgeReport(deleted: number, changes: Partial<PurgeReport> = {}): PurgeReport {
  return { ...reports.purge, deleted, batches: Math.ceil(deleted / 500), ...changes };
}

/** A day of counts every five minutes, and of purges every half hour. */
export function healthyRuns(name: string) {
  const wave = (step: number) => Math.round(120_000 + 60_000 * Math.sin((step / 288) * 2 * Math.PI));
  return {
    counts: Array.from({ length: 288 }, (_, step) => {
      const [agoMs, sincePurge] = [step * 5 * minute + minute, 6 - (step % 6)];
      const report = countsReport(agoMs, wave(step), 400 * sincePurge, sincePurge * 5 * minute);
      return record('counts', name, agoMs, { report });
    }),
    purge: Array.from({ length: 48 }, (_, step) =>
      record('purge', name, step * 30 * minute + 12 * minute, { report: purgeReport(2_000 + 37 * (step % 9)) }),
    ),
    index: [record('index', name, 4 * hour, { report: { ...reports.index, outcome: 'present' } })],
  };
}

export const nodes = ['cache-1.example.net:6380', 'cache-2.example.net:6380'] as const;

/** A look at two nodes, the second with less in it. */
export function watchReport(
  agoMs: number,
  usedBytes: number,
  evicted: number,
  findings: WatchFinding[] = [],
): WatchReport {
  const node = (name: string, share: number): NodeUp => {
    const maxBytes = 1_000_000_000;
    const memory = {
      ...nodeUp.memory,
      usedBytes: usedBytes * share,
      maxBytes,
      utilization: (usedBytes * share) / maxBytes,
    };
    const counts = { ...nodeUp.counters, evicted };
    const sinceLastLook = {
      at: ago(agoMs + 5 * minute),
      kind: 'same' as const,
      duration: 'PT5M',
      counts,
      perSecond: { ...counts, evicted: evicted / 300 },
    };
    return { ...nodeUp, node: name, memory, sinceLastLook };
  };
  return {
    ...reports.watch,
    level: worst(findings) ?? 'ok',
    findings,
    nodes: [node(nodes[0], 1), node(nodes[1], 0.6)],
  };
}

export const nodeUp = reports.watch.nodes.find((node) => node.up) as NodeUp;

export function redisWatch(...args: Parameters<typeof watchReport>): RunRecord<'redis'> {
  return record('redis', 'sessions', args[0], { report: watchReport(...args) });
}

/** A rotation that had nothing to do, and left the ring so. */
export function rotation(status: RingStatus): RunRecord<'rotateKeyRing'> {
  const report: RotateReport = { ...reports.rotate, outcome: 'nothingToDo', keys: [], status };
  return record('rotateKeyRing', 'web', hour, { report });
}

/** A ring whose newest rotation left it so. */
export const ringOf = (status: RingStatus) => keyRing('web', { rotateKeyRing: [rotation(status)] });

const timer = (name: string, lastAgoMs: number, nextInMs: number): TimerReading => ({
  name,
  status: 'ok',
  lateness: null,
  lastStart: ago(lastAgoMs),
  nextStart: ago(-nextInMs),
});

/** With the findings that the judges make of it, by the default settings. */
function judged(subjects: SubjectRecords[], timers: TimerReading[]): StatusSources {
  const { findings: policy, schedules } = readSettings({}, 'table');
  const recordStore = 'table tokencachemaintenance';
  const findings = judge({
    now,
    subjects,
    timers,
    policy,
    recordStore,
    settingProblems: [],
    statesReadable: true,
    queue: undefined,
    couldRunSince: () => new Date(ago(30 * 24 * hour)),
    scheduleOf: (job) => {
      const { timer } = jobs[job] as { timer?: { name: string; schedule: ScheduleName } };
      return timer && { timer: timer.name, schedule: schedules[timer.schedule] };
    },
  });
  return { now, health: healthOf(findings), findings, timers, subjects, recordStore };
}

const old: RingFinding = {
  check: 'last_usable_key',
  level: 'info',
  what: 'One key alone is usable.',
  advice: 'Nothing: this is normal between two rotations.',
};

const refused = {
  code: 'permission_missing',
  message: 'The identity may not delete from [dbo].[TokenCache].',
  advice: 'Run GRANT SELECT, DELETE ON [dbo].[TokenCache] TO [token-cache-maintenance];',
};
const memory: WatchFinding = {
  check: 'memory',
  level: 'critical',
  node: nodes[0],
  what: 'Memory is at 92 % of its maximum; at this rate it is full in 3 h.',
  advice: 'Scale the cache up by a size, or give user entries a sliding expiry.',
  since: ago(2 * hour),
};

const timers = [
  timer('purgeExpiredEntries', 12 * minute, 18 * minute),
  timer('ensureExpiryIndex', 4 * hour, 20 * hour),
];

export function badNight(): StatusSources {
  const under = { runId: 'x', startedAt: ago(2 * minute), deleted: 41_500, updatedAt: ago(minute), lost: false };
  const unhealthy = purgeReport(5_000, {
    stopReason: 'unhealthy',
    waits: { ...reports.purge.waits, loadReasons: ['log_write 93 % > 80 %'] },
    warnings: [
      'The expiry index is missing (missing): the run goes along the primary key, which reads the whole table.',
    ],
  });
  const purge = [
    record('purge', 'portal', 12 * minute, { outcome: 'failed', error: refused }),
    record('purge', 'portal', 42 * minute, { outcome: 'failed', error: refused }),
    record('purge', 'portal', 72 * minute, {
      trigger: 'http',
      requestedBy: { by: 'ada@example.com', from: '198.51.100.7' },
      report: unhealthy,
    }),
  ];
  const redis = Array.from({ length: 100 }, (_, step) =>
    redisWatch(
      step * 5 * minute + minute,
      920_000_000 - step * 2_000_000,
      Math.max(0, 30 - step * 3),
      step === 0 ? [memory] : [],
    ),
  );
  return judged(
    [
      sqlCache('web', healthyRuns('web')),
      sqlCache('portal', { ...healthyRuns('portal'), purge }, under),
      redisCache('sessions', { redis }),
      ringOf({ ...reports.ringStatus, findings: [old] }),
    ],
    [...timers, { ...timer('recordCacheCounts', 69 * minute, 3 * minute), status: 'dead', lateness: 'PT1H4M' }],
  );
}

export function allWell(): StatusSources {
  return judged([sqlCache('web', healthyRuns('web'))], timers);
}
