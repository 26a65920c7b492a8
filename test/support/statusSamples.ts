/** Sources of a status page with a bit of everything, as a bad night leaves them. */
import { formatDuration } from '../../src/lib/durations.ts';
import type { RunRecord } from '../../src/lib/runs/recordStore.ts';
import { newRunId } from '../../src/lib/runs/runId.ts';
import type { RingRuns } from '../../src/lib/status/ringView.ts';
import type { StatusSources } from '../../src/lib/status/statusView.ts';

export const now = new Date('2026-11-24T03:12:00Z');
const minute = 60_000;
const hour = 3_600_000;
const day = 24 * hour;
export const ago = (ms: number) => new Date(now.getTime() - ms).toISOString();

/** A record of a run that began so long before `now`. */
export function record(job: string, cache: string, agoMs: number, changes: Partial<RunRecord> = {}): RunRecord {
  return {
    runId: newRunId(job, cache, new Date(now.getTime() - agoMs)),
    job,
    cache,
    trigger: 'timer',
    startedAt: ago(agoMs),
    duration: 'PT12.4S',
    outcome: 'succeeded',
    ...changes,
  };
}

export function countsReport(agoMs: number, active: number, expired: number, ageMs: number) {
  const exact = (count: number) => ({ count, estimated: false });
  return {
    engine: 'sqlserver',
    table: '[dbo].[TokenCache]',
    at: ago(agoMs),
    entries: exact(active + expired),
    expired: exact(expired),
    active: { count: active, estimated: true },
    expiringWithinHour: exact(40),
    dataBytes: (active + expired) * 4_100,
    indexBytes: (active + expired) * 90,
    oldestExpiredAge: ageMs === 0 ? null : formatDuration(ageMs),
    entrySize: null,
  };
}

export function purgeReport(deleted: number, changes: object = {}) {
  return {
    dryRun: false,
    stopReason: 'drained',
    deleted,
    batches: Math.ceil(deleted / 500),
    expiredRemaining: { count: 0, estimated: false },
    oldestExpiredAge: { before: 'PT31M', after: null },
    skippedLocked: 0,
    way: 'expiry',
    waits: { pauses: 'PT2S', load: 'PT0S', loadReasons: [] },
    warnings: [],
    ...changes,
  };
}

/** A day of counts every five minutes, and purges every half hour. */
export function healthyCache(name: string) {
  const wave = (step: number) => Math.round(120_000 + 60_000 * Math.sin((step / 288) * 2 * Math.PI));
  return {
    name,
    engine: 'sqlserver',
    running: null,
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
    index: [record('index', name, 4 * 3_600_000, { report: { outcome: 'present', name: 'IX_expiry', percent: null } })],
  };
}

export function redisWatch(agoMs: number, usedBytes: number, evicted: number, findings: object[] = []): RunRecord {
  const node = (name: string, share: number) => ({
    node: name,
    up: true,
    memory: { usedBytes: usedBytes * share, maxBytes: 1_000_000_000, utilization: (usedBytes * share) / 1e9 },
    sinceLastLook: { at: ago(agoMs + 5 * minute), counts: { evicted, expired: 12 } },
  });
  return record('redis', 'sessions', agoMs, {
    report: { nodes: [node('cache-1.example.net:6380', 1), node('cache-2.example.net:6380', 0.6)], findings },
  });
}

function ringKey(id: string, state: string, activeInDays: number, lifetimeDays = 90) {
  return {
    id: `${id}-3794-491f-943c-52f34c6b8f3e`,
    state,
    created: ago(-(activeInDays - 14) * day),
    activated: ago(-activeInDays * day),
    expires: ago(-(activeInDays + lifetimeDays) * day),
    protection: 'keyVault',
    protectorVersion: '4f1d2c',
    madeBy: 'token-cache-maintenance',
    unwraps: true,
  };
}

export const ringStatus = {
  store: 'blob',
  mode: 'manage',
  at: ago(hour),
  keys: [
    ringKey('1f0c77aa', 'expired', -210),
    ringKey('5a41b2c3', 'revoked', -140),
    ringKey('9d3320ee', 'default', -80),
    ringKey('bb38a4bf', 'next', 10),
  ],
  nextActionAt: ago(-86 * day),
  findings: [{ check: 'protector_old', level: 'info', what: 'One key is protected with an older version.' }],
};

/** A ring whose newest run left the given status. */
export function ringOf(status: object): RingRuns {
  return {
    name: 'web',
    runs: [record('rotateKeyRing', 'web', hour, { report: { outcome: 'nothingToDo', status } })],
  };
}

export function badNight(): StatusSources {
  const web = healthyCache('web');
  const error = {
    code: 'permission_missing',
    message: 'The identity may not delete from [dbo].[TokenCache].',
    advice: 'Run GRANT SELECT, DELETE ON [dbo].[TokenCache] TO [token-cache-maintenance];',
  };
  return {
    now,
    health: {
      status: 'failing',
      at: now.toISOString(),
      reasons: [],
      timers: [
        {
          name: 'purgeExpiredEntries',
          status: 'ok',
          lateness: null,
          lastStart: ago(12 * minute),
          nextStart: ago(-18 * minute),
        },
        {
          name: 'ensureExpiryIndex',
          status: 'ok',
          lateness: null,
          lastStart: ago(4 * 3_600_000),
          nextStart: ago(-20 * 3_600_000),
        },
        {
          name: 'recordCacheCounts',
          status: 'failing',
          lateness: 'PT1H4M',
          lastStart: ago(69 * minute),
          nextStart: ago(-3 * minute),
        },
      ],
    },
    settingProblems: [],
    recordStore: 'table tokencachemaintenance',
    recordsReadable: true,
    purgeEveryMs: 30 * minute,
    caches: [
      web,
      {
        ...healthyCache('portal'),
        engine: 'postgres',
        running: { runId: 'x', startedAt: ago(2 * minute), deleted: 41_500, updatedAt: ago(minute) },
        purge: [
          record('purge', 'portal', 12 * minute, { outcome: 'failed', error }),
          record('purge', 'portal', 42 * minute, { outcome: 'failed', error }),
          record('purge', 'portal', 72 * minute, {
            trigger: 'http',
            requestedBy: { by: 'ada@example.com', from: '198.51.100.7' },
            report: purgeReport(5_000, {
              stopReason: 'unhealthy',
              waits: { loadReasons: ['log_write 93 % > 80 %'] },
              warnings: [
                'The expiry index is missing (missing): the run goes along the primary key, which reads the whole table.',
              ],
            }),
          }),
        ],
      },
    ],
    redis: [
      {
        name: 'sessions',
        watches: Array.from({ length: 100 }, (_, step) =>
          redisWatch(
            step * 5 * minute + minute,
            920_000_000 - step * 2_000_000,
            Math.max(0, 30 - step * 3),
            step === 0
              ? [
                  {
                    check: 'memory',
                    level: 'critical',
                    node: 'cache-1.example.net:6380',
                    what: 'Memory is at 92 % of its maximum; at this rate it is full in 3 h.',
                    advice: 'Scale the cache up by a size, or give user entries a sliding expiry.',
                    since: ago(2 * 3_600_000),
                  },
                ]
              : [],
          ),
        ),
      },
    ],
    rings: [ringOf(ringStatus)],
  };
}

export function allWell(): StatusSources {
  const { health, ...rest } = badNight();
  return {
    ...rest,
    health: { ...health, status: 'ok', timers: health.timers.filter(({ status }) => status === 'ok') },
    caches: [healthyCache('web')],
    redis: [],
    rings: [],
  };
}
