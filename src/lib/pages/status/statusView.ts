import type { ToldFinding } from '../../findings/finding.ts';
import type { HealthStatus } from '../../findings/judge.ts';
import { historiesOf, type SubjectRecords } from '../../findings/subjectRecords.ts';
import type { TimerReading } from '../../findings/timers.ts';
import { worst } from '../../level.ts';
import { joinParts } from '../../runs/sumOfParts.ts';
import { appView } from './appView.ts';
import { cacheView } from './cacheView.ts';
import { redisView } from './redisView.ts';
import { ringView } from './ringView.ts';
import { runViews } from './runView.ts';

/** All that the status page is made from. */
export interface StatusSources {
  now: Date;
  /** As /api/health tells it. */
  health: HealthStatus;
  findings: ToldFinding[];
  timers: TimerReading[];
  subjects: readonly SubjectRecords[];
  /** Where records go; `none` where they are not kept. */
  recordStore: string;
  version: string;
  /** When the deployed code was built. */
  deployment: string | undefined;
}

const shownRuns = 25;

export type StatusView = ReturnType<typeof statusView>;

/** What the page shows, from records and findings. Pure: it reads nothing and never throws over a record. */
export function statusView(sources: StatusSources) {
  const { now, health, findings, timers, subjects, recordStore, version, deployment } = sources;
  const level = worst(findings);
  const state: 'ok' | 'warning' | 'critical' = level === 'critical' || level === 'warning' ? level : 'ok';
  const histories = subjects.flatMap(historiesOf);
  return {
    at: now.toISOString(),
    state,
    health,
    findings,
    caches: subjects.flatMap((each) => (each.kind === 'sqlCache' ? cacheView(each, now) : [])),
    redis: subjects.flatMap((each) => (each.kind === 'redisCache' ? redisView(each) : [])),
    apps: subjects.flatMap((each) => (each.kind === 'webApp' ? appView(each) : [])),
    rings: subjects.flatMap((each) => (each.kind === 'keyRing' ? ringView(each, now) : [])),
    runs: runViews(
      histories.flatMap(({ shown }) => joinParts(shown, now)),
      shownRuns,
    ),
    timers,
    recordStore,
    version,
    deployment,
  };
}
