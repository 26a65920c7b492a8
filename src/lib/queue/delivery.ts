import { isAhead } from '../clock.ts';
import { isReal } from '../runs/history.ts';
import { longestWaitMs } from '../runs/pendingRuns.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import type { WorkMessage } from './message.ts';

export interface DeliveryFacts {
  /** The record that the message's run has. */
  own: RunRecord | undefined;
  /** The newest record of the job on the subject. */
  latest: RunRecord | undefined;
  /** How often the message has been delivered, this time included; not counted are times when its server had no place. */
  deliveries: number;
  now: Date;
}

export type Delivery = { do: 'run' } | { do: 'drop'; reason: string };

/**
 * What is to be done with a message that comes: it may come twice, late, out of order, or after its instance died, when the
 * host gives it again. What a part does twice does no harm: the table's lock lets one run at a time.
 */
export function judgeDelivery(message: WorkMessage, { own, latest, deliveries, now }: DeliveryFacts): Delivery {
  const queuedAt = Date.parse(message.queuedAt);
  if (isOver(own)) return drop('its run is done');
  if (now.getTime() - queuedAt > longestWaitMs) return drop('it waited for longer than a day');
  const fresh = message.trigger === 'timer' && message.part === 1;
  // Only untried ones: a message that fails is to be seen in the poison queue, however often its timer fires.
  if (fresh && deliveries === 1 && message.until !== undefined && now.getTime() >= Date.parse(message.until))
    return drop('its successor is due');
  const isYounger = latest && Date.parse(latest.startedAt) >= queuedAt && !isAhead(latest.startedAt, now);
  if (fresh && isYounger && latest.runId !== message.runId && isDone(latest))
    return drop('a younger run has done its work');
  return { do: 'run' };
}

/** Whether a message's run is done, by its record. */
export function isOver(own: RunRecord | undefined): boolean {
  return own !== undefined && (own.outcome === 'succeeded' || own.outcome === 'refused' || own.next !== undefined);
}

const drop = (reason: string): Delivery => ({ do: 'drop', reason });

/** A purge that left something behind has not done the work of another. */
function isDone(run: RunRecord): boolean {
  if (!isReal(run) || run.outcome === 'failed') return false;
  return (
    run.job !== 'purge' || (run.report?.dryRun === false && ['drained', 'rowsKept'].includes(run.report.stopReason))
  );
}

/**
 * Whether a purge that finds its table busy comes again. A timer's untried one does not: the other run does its work, and so does
 * the next timer.
 */
export function comesAgainWhenBusy({ job, trigger, part }: WorkMessage, deliveries: number): boolean {
  return job === 'purge' && (trigger === 'http' || part > 1 || deliveries > 1);
}

const shortestWaitMs = 1_000;
const longestPlaceWaitMs = 60_000;

/**
 * How long a message waits that found no place at its server, in ms: a quarter of its age, so that a place is found soon in a
 * short queue, and a long one is not asked for every few seconds. `random`, from 0 to 1, spreads those that were queued together.
 */
export function waitForPlace({ queuedAt }: WorkMessage, now: Date, random: number): number {
  const quarter = (now.getTime() - Date.parse(queuedAt)) / 4;
  return Math.min(longestPlaceWaitMs, Math.max(shortestWaitMs, quarter)) * (0.5 + random);
}
