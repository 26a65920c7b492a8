import { z } from 'zod';
import { appReport } from '../appTelemetry/appReport.ts';
import { summarizeApp } from '../appTelemetry/appSummary.ts';
import { diagnosis, earlier as earlierDiagnosis, stoppedCheck, summarizeDiagnosis } from '../checks/diagnosisReport.ts';
import { pruneReport } from '../keyRing/jobs/prune.ts';
import { earlier as earlierRevocation, revokeReport } from '../keyRing/jobs/revoke.ts';
import { rewrapReport } from '../keyRing/jobs/rewrap.ts';
import { earlier as earlierStatus, ringStatusReport } from '../keyRing/jobs/ringStatus.ts';
import { earlier as earlierRotation, rotateReport } from '../keyRing/jobs/rotate.ts';
import {
  findingLines,
  summarizePrune,
  summarizeRevoke,
  summarizeRewrap,
  summarizeRotate,
  summarizeStatus,
} from '../keyRing/jobs/summaries.ts';
import { anyRedisClearReport, summarizeRedisClear } from '../redis/clearReport.ts';
import { earlier as earlierWatch, watchReport } from '../redis/watchReport.ts';
import { summarizeWatch, watchWarnings } from '../redis/watchSummary.ts';
import { anyClearReport } from '../sql/clearReport.ts';
import { countsReport } from '../sql/counts.ts';
import { indexReport } from '../sql/ensureExpiryIndex.ts';
import { anyPurgeReport } from '../sql/purgeReport.ts';
import { summarizeClear, summarizeCounts, summarizeIndex, summarizePurge } from '../sql/summaries.ts';
import type { Ending } from './ending.ts';

/** What a job works on. */
export type SubjectKind = 'sqlCache' | 'redisCache' | 'cache' | 'webApp' | 'keyRing' | 'any';

/** All that is known of a job; what runs, records, pages, documents and metrics need of it comes from here. */
interface JobFacts<S extends z.ZodType> {
  on: SubjectKind;
  /** The timer function that runs it, and the setting of its schedule. */
  timer?: { name: string; schedule: ScheduleName };
  /** It changes nothing. */
  looks: boolean;
  report: S;
  /** Brings a report of an earlier version into the present shape. */
  earlier?(report: unknown): unknown;
  /** One line about a report. */
  summarize(report: z.infer<S>): string;
  /** Each is a log line of its own. */
  warnings?(report: z.infer<S>): readonly string[];
  /** How a run with this report ended, where that is not `succeeded`. */
  endedAs?(report: z.infer<S>): Ending | undefined;
}

export type ScheduleName = 'purge' | 'index' | 'counts' | 'redis' | 'apps' | 'keyRing';

const job = <S extends z.ZodType>(facts: JobFacts<S>) => facts;
const warningsOf = ({ warnings }: { warnings: readonly string[] }) => warnings;

/** A run that found the work in other hands did nothing; one that was stopped is not done. */
function byStopReason(report: object): Ending | undefined {
  const stopReason = 'stopReason' in report ? report.stopReason : undefined;
  if (stopReason === 'busy') return 'skipped';
  return stopReason === 'aborted' ? 'aborted' : undefined;
}

/** Every job there is, by the name that records, metrics, run ids and HTTP use. */
export const jobs = {
  purge: job({
    on: 'sqlCache',
    timer: { name: 'purgeExpiredEntries', schedule: 'purge' },
    looks: false,
    report: anyPurgeReport,
    summarize: summarizePurge,
    warnings: warningsOf,
    endedAs: byStopReason,
  }),
  index: job({
    on: 'sqlCache',
    timer: { name: 'ensureExpiryIndex', schedule: 'index' },
    looks: false,
    report: indexReport,
    summarize: summarizeIndex,
    warnings: warningsOf,
    endedAs: ({ outcome }) => (outcome === 'busy' ? 'skipped' : undefined),
  }),
  counts: job({
    on: 'sqlCache',
    timer: { name: 'recordCacheCounts', schedule: 'counts' },
    looks: true,
    report: countsReport,
    summarize: summarizeCounts,
  }),
  redis: job({
    on: 'redisCache',
    timer: { name: 'watchRedis', schedule: 'redis' },
    looks: true,
    report: watchReport,
    earlier: earlierWatch,
    summarize: summarizeWatch,
    warnings: watchWarnings,
  }),
  app: job({
    on: 'webApp',
    timer: { name: 'watchApps', schedule: 'apps' },
    looks: true,
    report: appReport,
    summarize: summarizeApp,
  }),
  clear: job({
    on: 'cache',
    looks: false,
    report: z.union([anyClearReport, anyRedisClearReport]),
    summarize: (report) => ('prefix' in report ? summarizeRedisClear(report) : summarizeClear(report)),
    warnings: warningsOf,
    endedAs: byStopReason,
  }),
  rotateKeyRing: job({
    on: 'keyRing',
    timer: { name: 'rotateKeyRing', schedule: 'keyRing' },
    looks: false,
    report: rotateReport,
    earlier: earlierRotation,
    summarize: summarizeRotate,
    warnings: ({ status }) => findingLines(status),
  }),
  keyRingStatus: job({
    on: 'keyRing',
    looks: true,
    report: ringStatusReport,
    earlier: earlierStatus,
    summarize: summarizeStatus,
    warnings: findingLines,
  }),
  rewrapKeyRing: job({
    on: 'keyRing',
    looks: false,
    report: rewrapReport,
    summarize: summarizeRewrap,
    endedAs: ({ failed }) => (failed.length > 0 ? 'failed' : undefined),
    warnings: ({ failed }) => failed.map(({ id, code, message }) => `Key ${id} was not moved (${code}): ${message}`),
  }),
  revokeKeys: job({
    on: 'keyRing',
    looks: false,
    report: revokeReport,
    earlier: earlierRevocation,
    summarize: summarizeRevoke,
    warnings: warningsOf,
  }),
  pruneKeyRing: job({ on: 'keyRing', looks: false, report: pruneReport, summarize: summarizePrune }),
  diagnose: job({
    on: 'any',
    looks: true,
    report: diagnosis,
    earlier: earlierDiagnosis,
    summarize: summarizeDiagnosis,
    endedAs: ({ checks }) => (checks.some(({ cause }) => cause === stoppedCheck) ? 'aborted' : undefined),
    warnings: ({ checks }) =>
      checks
        .filter(({ status }) => status === 'critical' || status === 'warning')
        .map(({ check, subject, what }) => `${check} (${subject}): ${what}`),
  }),
};

export type JobName = keyof typeof jobs;
export type ReportOf<J extends JobName> = z.infer<(typeof jobs)[J]['report']>;
export const jobNames = Object.keys(jobs) as [JobName, ...JobName[]];
