/** Sources of a status page with a bit of everything, as a bad night leaves them; their reports are those of real runs. */
import { formatDuration } from '../../src/lib/durations.ts';
import { toldOf } from '../../src/lib/findings/finding.ts';
import { healthOf, judge } from '../../src/lib/findings/judge.ts';
import type { SubjectRecords } from '../../src/lib/findings/subjectRecords.ts';
import type { TimerReading } from '../../src/lib/findings/timers.ts';
import type { RingStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import type { RingFinding } from '../../src/lib/keyRing/rule/findings.ts';
import type { StatusSources } from '../../src/lib/pages/status/statusView.ts';
import type { WatchFinding, WatchReport } from '../../src/lib/redis/watchReport.ts';
import { runbookFolder } from '../../src/lib/runbook.ts';
import type { JobName } from '../../src/lib/runs/catalogue.ts';
import { newRunId } from '../../src/lib/runs/runId.ts';
import type { RunRecord } from '../../src/lib/runs/runRecord.ts';
import type { PurgeReport } from '../../src/lib/sql/purgeReport.ts';
import { facts, hour, minute } from './judging.ts';
import {
  countsReport as counts,
  exactly,
  indexReport,
  keyRing,
  nodeUp,
  purgeReport as purge,
  record as recordAt,
  redisCache,
  ringStatus,
  rotateReport,
  sqlCache,
  watchReport as watch,
} from './records.ts';

/** When the ring of the reports was as it is. */
export const now = new Date('2026-11-24T03:12:00Z');
export const ago = (ms: number) => new Date(now.getTime() - ms).toISOString();

/** A record of a run that began so long before `now`. */
export const record = <J extends JobName>(
  job: J,
  subject: string,
  agoMs: number,
  changes: Partial<RunRecord<J>> = {},
) => recordAt(job, subject, ago(agoMs), changes);

/** Counts as they were made, at another time and of another table. */
const countsReport = (agoMs: number, active: number, expired: number, ageMs: number) =>
  counts({
    at: ago(agoMs),
    entries: exactly(active + expired),
    expired: exactly(expired),
    active: { count: active, estimated: true },
    dataBytes: (active + expired) * 4_100,
    indexBytes: (active + expired) * 90,
    oldestExpiredAge: ageMs === 0 ? null : formatDuration(ageMs),
  });

/** A purge as it was made, that deleted so many entries. */
export const purgeReport = (deleted: number, changes: Partial<PurgeReport> = {}) =>
  purge({ deleted, batches: Math.ceil(deleted / 500), ...changes });

/** A day of counts every five minutes, and purges every half hour. */
export function healthyRuns(name: string) {
  const wave = (step: number) => Math.round(120_000 + 60_000 * Math.sin((step / 288) * 2 * Math.PI));
  return {
    counts: Array.from({ length: 288 }, (_, step) =>
      record('counts', name, step * 5 * minute + minute, {
        report: countsReport(
          step * 5 * minute + minute,
          wave(step),
          400 * (6 - (step % 6)),
          (6 - (step % 6)) * 5 * minute,
        ),
      }),
    ),
    purge: Array.from({ length: 48 }, (_, step) =>
      record('purge', name, step * 30 * minute + 12 * minute, { report: purgeReport(2_000 + 37 * (step % 9)) }),
    ),
    index: [record('index', name, 4 * hour, { report: indexReport() })],
  };
}

export const healthyCache = (name: string) => sqlCache(name, healthyRuns(name));

const nodes = ['cache-1.example.net:6380', 'cache-2.example.net:6380'] as const;

/** A look at two nodes, the second with less in it. */
export function watchReport(
  agoMs: number,
  usedBytes: number,
  evicted: number,
  findings: WatchFinding[] = [],
): WatchReport {
  const node = (name: string, share: number) => {
    const maxBytes = 1_000_000_000;
    const { memory, counters } = nodeUp();
    const counts = { ...counters, evicted };
    return nodeUp({
      node: name,
      memory: { ...memory, usedBytes: usedBytes * share, maxBytes, utilization: (usedBytes * share) / maxBytes },
      sinceLastLook: {
        at: ago(agoMs + 5 * minute),
        kind: 'same',
        duration: 'PT5M',
        counts,
        perSecond: { ...counts, evicted: evicted / 300 },
      },
    });
  };
  return watch({ findings, nodes: [node(nodes[0], 1), node(nodes[1], 0.6)] });
}

export const redisWatch = (...args: Parameters<typeof watchReport>) =>
  record('redis', 'sessions', args[0], { report: watchReport(...args) });

/** A ring whose newest rotation had nothing to do, and left it so. */
export const ringOf = (status: RingStatus, more: Parameters<typeof keyRing>[1] = {}) =>
  keyRing('web', {
    rotateKeyRing: [record('rotateKeyRing', 'web', hour, { report: rotateReport(status) })],
    ...more,
  });

const lastKey: RingFinding = {
  check: 'last_usable_key',
  level: 'info',
  what: 'One key alone is usable.',
  advice: 'Nothing: this is normal between two rotations.',
};

const timer = (name: string, lastMs: number, nextMs: number): TimerReading => ({
  name,
  status: 'ok',
  lateness: null,
  lastStart: ago(lastMs),
  nextStart: ago(-nextMs),
});
const punctual = [
  timer('purgeExpiredEntries', 12 * minute, 18 * minute),
  timer('ensureExpiryIndex', 4 * hour, 20 * hour),
];

/** What the page is made from, judged as the app judges it. */
export function sourcesOf(
  subjects: readonly SubjectRecords[],
  timers: readonly TimerReading[] = punctual,
): StatusSources {
  const findings = judge(facts(subjects, { now, timers })).map((each) => toldOf(each, runbookFolder));
  return {
    now,
    health: healthOf(findings),
    findings,
    timers: [...timers],
    subjects,
    recordStore: 'table tokencachemaintenance',
    version: '1.2.3',
    deployment: '2026-11-20T08:00:00.000Z',
  };
}

export function badNight(): StatusSources {
  const error = {
    code: 'permission_missing',
    message: 'The identity may not delete from [dbo].[TokenCache].',
    advice: 'Run GRANT SELECT, DELETE ON [dbo].[TokenCache] TO [token-cache-maintenance];',
  };
  const unhealthy = purgeReport(5_000, {
    stopReason: 'unhealthy',
    waits: { ...purge().waits, loadReasons: ['log_write 93 % > 80 %'] },
    warnings: [
      'The expiry index is missing (missing): the run goes along the primary key, which reads the whole table.',
    ],
  });
  const portal = sqlCache(
    'portal',
    {
      ...healthyRuns('portal'),
      purge: [
        record('purge', 'portal', 12 * minute, { outcome: 'failed', error }),
        record('purge', 'portal', 42 * minute, { outcome: 'failed', error }),
        record('purge', 'portal', 72 * minute, {
          trigger: 'http',
          requestedBy: { by: 'ada@example.com', from: '198.51.100.7' },
          report: unhealthy,
        }),
      ],
    },
    {
      running: {
        runId: newRunId('purge', 'portal', now),
        startedAt: ago(2 * minute),
        deleted: 41_500,
        updatedAt: ago(minute / 6),
        lost: false,
      },
    },
  );
  const memory: WatchFinding = {
    check: 'redis-memory-critical',
    level: 'critical',
    node: nodes[0],
    what: 'Memory is at 92 % of its maximum; at this rate it is full in 3 h.',
    advice: 'Scale the cache up by a size, or give user entries a sliding expiry.',
    since: ago(2 * hour),
  };
  const sessions = redisCache('sessions', {
    redis: Array.from({ length: 100 }, (_, step) =>
      redisWatch(
        step * 5 * minute + minute,
        920_000_000 - step * 2_000_000,
        Math.max(0, 30 - step * 3),
        step === 0 ? [memory] : [],
      ),
    ),
  });
  const late: TimerReading = {
    ...timer('recordCacheCounts', 69 * minute, 3 * minute),
    status: 'dead',
    lateness: 'PT1H4M',
  };
  return sourcesOf(
    [healthyCache('web'), portal, sessions, ringOf(ringStatus({ findings: [lastKey] }))],
    [...punctual, late],
  );
}

export const allWell = (): StatusSources => sourcesOf([healthyCache('web')]);
