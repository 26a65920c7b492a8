import pLimit from 'p-limit';
import { formatDuration } from '../durations.ts';
import type { RecordStore, RunRecord } from '../runs/recordStore.ts';
import { dueAfter, firstStartOf, intervalOf, lastTimerStart, nextStart, type Timer } from './timerStarts.ts';

/** `degraded`: somebody should look by day · `failing`: somebody should look now. */
export type HealthStatus = 'ok' | 'degraded' | 'failing';

export interface TimerHealth {
  name: string;
  status: HealthStatus;
  /** How much later than due the timer is, ISO 8601; null where it is not. */
  lateness: string | null;
  lastStart: string | null;
  nextStart: string | null;
}

export interface HealthReport {
  status: HealthStatus;
  at: string;
  timers: TimerHealth[];
  /** What lies in the poison queue; undefined where there is no queue or it cannot be read. */
  poison?: { queue: string; messages: number };
  /** How long the next message of a work queue that is not worked off, or is far behind, has waited, ISO 8601. */
  notWorkedOff?: { queue: string; wait: string; status: HealthStatus };
  /** Why the status is not `ok`; for those who may see it. */
  reasons: string[];
}

export interface TimerContext {
  records: RecordStore;
  timers: readonly Timer[];
  /** Names the deployment: a new one has no records yet, and is not late for that. */
  deployment: string;
  now: Date;
}

export interface HealthContext extends TimerContext {
  /** Job and cache of each run that the timers make. */
  runs: readonly { job: string; cache: string }[];
  settingsAreWrong: boolean;
  /** Of an app with a work queue. */
  poison?: { queue: string; count(): Promise<number> };
  /** Of the same: the work that waits. */
  waiting?: { queue: string; nextSince(): Promise<Date | undefined> };
}

const graceMs = 300_000;
/**
 * Of a purge timer's messages those over half an hour old are dropped when they are met, and the longest run takes 10 minutes: a
 * queue whose next message is older is far behind, and after two hours nobody works it off.
 */
const waitDegradedMs = 2_700_000;
const waitFailingMs = 7_200_000;
/** Reads of the record store at once: there may be thousands of jobs and caches. */
const readsAtOnce = 32;
const worse: HealthStatus[] = ['ok', 'degraded', 'failing'];

/**
 * Whether the timers fire and their jobs succeed. Seen from outside the timers, since a timer that has stopped firing
 * cannot say so (Azure/azure-functions-host issue 11828). Storage that cannot be read is `failing`, not an error.
 */
export async function readHealth(context: HealthContext): Promise<HealthReport> {
  const at = context.now.toISOString();
  const reasons: string[] = [];
  if (context.settingsAreWrong) reasons.push('The settings are wrong; each run says how.');
  try {
    const timers = await readTimers(context);
    for (const { name, status, lateness } of timers)
      if (status !== 'ok') reasons.push(`${name} is late by ${lateness}.`);
    const failed = await failedRuns(context);
    reasons.push(...failed);
    const poison = await poisonMessages(context, reasons);
    const notWorkedOff = await idleQueue(context, reasons);
    const status = worst([
      context.settingsAreWrong ? 'failing' : 'ok',
      notWorkedOff?.status ?? 'ok',
      failed.length > 0 || (context.poison && poison?.messages !== 0) ? 'degraded' : 'ok',
      ...timers.map((timer) => timer.status),
    ]);
    return { status, at, timers, ...(poison && { poison }), ...(notWorkedOff && { notWorkedOff }), reasons };
  } catch {
    return { status: 'failing', at, timers: [], reasons: [...reasons, 'The record store cannot be read.'] };
  }
}

/** How late the timers are; those that are switched off are left out. */
export function readTimers(context: TimerContext): Promise<TimerHealth[]> {
  return Promise.all(context.timers.filter(({ enabled }) => enabled).map((timer) => timerHealth(context, timer)));
}

/** What is given up needs somebody by day; so does a queue that cannot be looked into. */
async function poisonMessages({ poison }: HealthContext, reasons: string[]): Promise<HealthReport['poison']> {
  if (!poison) return undefined;
  const messages = await poison.count().catch(() => undefined);
  if (messages === undefined) reasons.push(`The queue ${poison.queue} cannot be read.`);
  else if (messages > 0) reasons.push(`${messages} messages lie in the queue ${poison.queue}.`);
  return messages === undefined ? undefined : { queue: poison.queue, messages };
}

/** The timers fire and queue their work, and nothing is done: no record would say so. */
async function idleQueue({ waiting, now }: HealthContext, reasons: string[]): Promise<HealthReport['notWorkedOff']> {
  // One that cannot be read is told of by its poison queue.
  const since = await waiting?.nextSince().catch(() => undefined);
  const waitMs = since ? now.getTime() - since.getTime() : 0;
  if (!waiting || waitMs <= waitDegradedMs) return undefined;
  const wait = formatDuration(waitMs);
  reasons.push(`The queue ${waiting.queue} is not worked off, or far behind: its next message has waited for ${wait}.`);
  return { queue: waiting.queue, wait, status: waitMs > waitFailingMs ? 'failing' : 'degraded' };
}

function worst(statuses: HealthStatus[]): HealthStatus {
  return worse[Math.max(...statuses.map((status) => worse.indexOf(status)))] ?? 'failing';
}

/** Lateness = now − when it is due: over one interval and 5 minutes is degraded, over two intervals is failing. */
async function timerHealth(
  { records, deployment, now }: TimerContext,
  { name, schedule }: Timer,
): Promise<TimerHealth> {
  const interval = intervalOf(schedule, now);
  const last = await lastTimerStart(records, name);
  // A timer that has not fired yet is measured from the first firing of any.
  const since = last ?? (await firstStartOf(records, deployment));
  const degradedMs = interval + graceMs;
  const latenessMs = since ? now.getTime() - dueAfter(schedule, since, interval) : 0;
  return {
    name,
    status: latenessMs > Math.max(2 * interval, degradedMs) ? 'failing' : latenessMs > degradedMs ? 'degraded' : 'ok',
    lateness: latenessMs > 0 ? formatDuration(latenessMs) : null,
    lastStart: last?.toISOString() ?? null,
    nextStart: nextStart(schedule, now)?.toISOString() ?? null,
  };
}

async function failedRuns({ records, runs }: HealthContext): Promise<string[]> {
  const limit = pLimit(readsAtOnce);
  const latest = await Promise.all(runs.map(({ job, cache }) => limit(() => lastRealRun(records, job, cache))));
  return latest.flatMap((run) =>
    run?.outcome === 'failed' ? [`${run.job} on ${run.cache} failed last time (${run.error?.code ?? 'unknown'}).`] : [],
  );
}

/** Dry runs that are looked behind, where the last run was one. */
const mostDryRuns = 20;

/** A dry run that succeeds says nothing of a job that fails to write: whoever looks into the failure begins with one. */
async function lastRealRun(records: RecordStore, job: string, cache: string): Promise<RunRecord | undefined> {
  const [last] = await records.latestRuns(job, cache, 1);
  if (!last || isReal(last)) return last;
  return (await records.latestRuns(job, cache, mostDryRuns)).find(isReal);
}

function isReal({ report }: RunRecord): boolean {
  return (report as { dryRun?: unknown } | undefined)?.dryRun !== true;
}
