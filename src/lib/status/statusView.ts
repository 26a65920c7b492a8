import type { TimerHealth } from '../health/health.ts';
import { worst, worstFirst } from '../level.ts';
import type { RunRecord } from '../runs/recordStore.ts';
import { cacheFindings } from './cacheFindings.ts';
import { type CacheRuns, type CacheView, cacheView } from './cacheView.ts';
import type { Finding } from './finding.ts';
import { type AppState, healthFindings } from './healthFindings.ts';
import { type RedisRuns, type RedisView, redisFindings, redisView } from './redisView.ts';
import { type RingRuns, type RingView, ringFindings, ringView } from './ringView.ts';
import { type RunView, runViews } from './runView.ts';

/** All that the status page is made from. */
export interface StatusSources extends AppState {
  now: Date;
  /** Interval of the purge's timer. */
  purgeEveryMs: number;
  caches: readonly CacheRuns[];
  redis?: readonly RedisRuns[];
  rings?: readonly RingRuns[];
  /** Clears of caches of every engine. */
  clears?: readonly RunRecord[];
}

/** The status page as plain data. */
export interface StatusView {
  at: string;
  /** The worst of the findings and of health. */
  state: 'ok' | 'warning' | 'critical';
  /** As /api/health tells it. */
  health: string;
  findings: Finding[];
  caches: CacheView[];
  redis: RedisView[];
  rings: RingView[];
  runs: RunView[];
  timers: TimerHealth[];
  recordStore: string;
}

const shownRuns = 25;

/** What the page shows, from records and health. Pure: it reads nothing and never throws over a record. */
export function statusView(sources: StatusSources): StatusView {
  const { now, health, caches, redis = [], rings = [], clears = [], recordStore, purgeEveryMs } = sources;
  const findings = worstFirst([
    ...healthFindings(sources),
    ...caches.flatMap((cache) => cacheFindings(cache, purgeEveryMs)),
    ...redis.flatMap(redisFindings),
    ...rings.flatMap(ringFindings),
  ]);
  const records = [
    ...caches.flatMap(({ purge, index, counts }) => [...purge, ...index, ...counts]),
    ...redis.flatMap(({ watches }) => watches),
    ...rings.flatMap(({ runs }) => runs),
    ...clears,
  ];
  const level = health.status === 'failing' ? 'critical' : worst(findings);
  const calm = level === undefined || level === 'info';
  return {
    at: now.toISOString(),
    state: !calm ? level : health.status === 'degraded' ? 'warning' : 'ok',
    health: health.status,
    findings,
    caches: caches.map((cache) => cacheView(cache, now)),
    redis: redis.map(redisView),
    rings: rings.map((ring) => ringView(ring, now)),
    runs: runViews(records, shownRuns),
    timers: health.timers,
    recordStore,
  };
}
