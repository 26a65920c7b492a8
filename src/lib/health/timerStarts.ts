import { Cron } from 'croner';
import type { RecordStore } from '../runs/recordStore.ts';

/** A timer of the function app. */
export interface Timer {
  /** Name of its function. */
  name: string;
  /** NCRONTAB, six fields, UTC. */
  schedule: string;
  enabled: boolean;
}

const stateKey = (name: string) => `timer|${name}`;
const deploymentKey = 'deployment';

/** Records that a timer has fired, and the first firing of this deployment: by these a timer that stopped firing is noticed. */
export async function recordTimerStart(
  records: RecordStore,
  name: string,
  deployment: string,
  now: Date,
): Promise<void> {
  const startedAt = now.toISOString();
  await records.writeState(stateKey(name), { startedAt });
  const known = (await records.readState(deploymentKey)) as { id?: unknown } | undefined;
  if (known?.id !== deployment) await records.writeState(deploymentKey, { id: deployment, startedAt });
}

export async function lastTimerStart(records: RecordStore, name: string): Promise<Date | undefined> {
  return dateOf(await records.readState(stateKey(name)));
}

/** When a timer of this deployment fired first; undefined where none has yet. */
export async function firstStartOf(records: RecordStore, deployment: string): Promise<Date | undefined> {
  const state = (await records.readState(deploymentKey)) as { id?: unknown } | undefined;
  return state?.id === deployment ? dateOf(state) : undefined;
}

function dateOf(state: unknown): Date | undefined {
  const { startedAt } = (state ?? {}) as { startedAt?: unknown };
  const date = new Date(typeof startedAt === 'string' ? startedAt : Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** The next firing of a schedule after `now`. */
export function nextStart(schedule: string, now: Date): Date | undefined {
  return cron(schedule).nextRun(now) ?? undefined;
}

/** Milliseconds between the next two firings: the interval that a lateness is measured against. */
export function intervalOf(schedule: string, now: Date): number {
  const [first, second] = cron(schedule).nextRuns(2, now);
  return first && second ? second.getTime() - first.getTime() : Number.POSITIVE_INFINITY;
}

/**
 * When a timer that fired at `last` is due, in milliseconds since 1970: an interval later, and not before its schedule has
 * a firing. Where intervals differ (working hours, weekdays), the one of now does not tell of a night or a weekend.
 */
export function dueAfter(schedule: string, last: Date, interval: number): number {
  return Math.max(last.getTime() + interval, nextStart(schedule, last)?.getTime() ?? Number.POSITIVE_INFINITY);
}

function cron(schedule: string): Cron {
  return new Cron(schedule, { paused: true, mode: '6-part', timezone: 'UTC' });
}
