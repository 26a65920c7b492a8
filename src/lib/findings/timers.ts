import { z } from 'zod';
import { isAhead } from '../clock.ts';
import { formatDuration, parseDuration } from '../durations.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import { firingsAfter } from '../schedules.ts';
import { instruments } from '../telemetry/metrics.ts';

/** A timer of the function app. */
export interface Timer {
  /** Name of its function. */
  name: string;
  /** NCRONTAB, and the time zone (`schedules.ts`). */
  schedule: string;
  enabled: boolean;
}

const stateKey = (name: string) => `timer|${name}`;
const deploymentKey = 'deployment';

/** Records that a timer has fired, and the first firing of this deployment: by these a timer that stopped firing is noticed. */
export async function recordTimerStart(
  records: RecordStore,
  { name, schedule }: Pick<Timer, 'name' | 'schedule'>,
  deployment: string,
  now: Date,
): Promise<void> {
  const startedAt = now.toISOString();
  await records.writeState(stateKey(name), { startedAt, schedule });
  const known = (await records.readState(deploymentKey)) as { id?: unknown } | undefined;
  if (known?.id !== deployment) await records.writeState(deploymentKey, { id: deployment, startedAt });
}

/** `schedule`: by which it fired then, where that is known. */
async function lastTimerStart(records: RecordStore, name: string) {
  const state = (await records.readState(stateKey(name))) as { schedule?: unknown } | undefined;
  return { last: dateOf(state), schedule: state?.schedule };
}

/** When a timer of this deployment fired first; undefined where none has yet. */
async function firstStartOf(records: RecordStore, deployment: string | undefined): Promise<Date | undefined> {
  const state = (await records.readState(deploymentKey)) as { id?: unknown } | undefined;
  return deployment === undefined || state?.id === deployment ? dateOf(state) : undefined;
}

function dateOf(state: unknown): Date | undefined {
  const { startedAt } = (state ?? {}) as { startedAt?: unknown };
  const date = new Date(typeof startedAt === 'string' ? startedAt : Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** The next firing of a schedule after `now`. */
export function nextStart(schedule: string, now: Date): Date | undefined {
  return firingsAfter(schedule, now, 1)[0];
}

/** Milliseconds between the next two firings: the interval that a lateness is measured against. */
export function intervalOf(schedule: string, now: Date): number {
  const [first, second] = firingsAfter(schedule, now, 2);
  return first && second ? second.getTime() - first.getTime() : Number.POSITIVE_INFINITY;
}

/**
 * When a timer that fired at `last` is due, in milliseconds since 1970: an interval later, and not before its schedule has
 * a firing. Where intervals differ (working hours, weekdays), the one of now does not tell of a night or a weekend.
 */
function dueAfter(schedule: string, last: Date, interval: number): number {
  return Math.max(last.getTime() + interval, nextStart(schedule, last)?.getTime() ?? Number.POSITIVE_INFINITY);
}

/**
 * `late`: over one interval and 5 minutes behind · `dead`: over two intervals · `unknown`: no timer of this deployment is recorded to
 * have fired, or this one by a fast clock or another schedule alone.
 */
export const timerReading = z.object({
  name: z.string().meta({ description: 'Name of its function.' }),
  status: z.enum(['ok', 'late', 'dead', 'unknown']),
  lateness: z.iso.duration().nullable().meta({ description: 'How much later than due it is; null where it is not.' }),
  lastStart: z.iso.datetime().nullable(),
  nextStart: z.iso.datetime().nullable(),
});
export type TimerReading = z.infer<typeof timerReading>;

export interface TimerContext {
  records: RecordStore;
  timers: readonly Timer[];
  /** Names the deployment: a new one has no records yet, and is not late for that. */
  deployment: string | undefined;
  now: Date;
}

const graceMs = 300_000;

/**
 * How late the timers are; those that are switched off are left out. Seen from outside the timers, since a timer that has
 * stopped firing cannot say so (Azure/azure-functions-host issue 11828).
 * @throws where the records cannot be read
 */
export function readTimers(context: TimerContext): Promise<TimerReading[]> {
  return Promise.all(context.timers.filter(({ enabled }) => enabled).map((timer) => readTimer(context, timer)));
}

async function readTimer({ records, deployment, now }: TimerContext, { name, schedule }: Timer): Promise<TimerReading> {
  const { last, schedule: before } = await lastTimerStart(records, name);
  // The host does not catch up after a change of its schedule (its ScheduleMonitor): until it fires, absence alone is told.
  const isChanged = typeof before === 'string' && before !== schedule;
  // A timer that has not fired yet is measured from the first firing of any.
  const fired = last ?? (await firstStartOf(records, deployment));
  const since = isChanged || (fired && isAhead(fired.getTime(), now)) ? undefined : fired;
  // Before a night the interval of now is that night: by it, one that has long been late would be in time again.
  const interval = Math.min(intervalOf(schedule, now), since ? intervalOf(schedule, since) : Number.POSITIVE_INFINITY);
  const lateMs = interval + graceMs;
  const latenessMs = since ? now.getTime() - dueAfter(schedule, since, interval) : 0;
  return {
    name,
    status: !since
      ? 'unknown'
      : latenessMs > Math.max(2 * interval, lateMs)
        ? 'dead'
        : latenessMs > lateMs
          ? 'late'
          : 'ok',
    lateness: latenessMs > 0 ? formatDuration(latenessMs) : null,
    lastStart: last?.toISOString() ?? null,
    nextStart: nextStart(schedule, now)?.toISOString() ?? null,
  };
}

/** Those that did not fire when due. */
export const lateOnes = (timers: readonly TimerReading[]) =>
  timers.filter(({ status }) => status === 'late' || status === 'dead');

/** Exports how late the timers are. */
export function measureLateness(timers: readonly TimerReading[]): void {
  for (const { name, lateness } of timers) {
    const ms = lateness === null ? 0 : (parseDuration(lateness) ?? 0);
    instruments.timerLateness.record(ms / 1000, { job: name });
  }
}
