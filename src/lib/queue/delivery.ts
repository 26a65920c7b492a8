import type { RunRecord } from '../runs/recordStore.ts';
import type { WorkMessage } from './message.ts';

/** A message is given up this long after it was queued: whoever asked has asked again, or forgotten it. */
export const longestWaitMs = 24 * 3_600_000;
/** Takeovers of one part after which it goes to the poison queue: as many tries as the host gives a message that fails. */
export const mostTakeovers = 5;

export interface DeliveryFacts {
  /** The record that the message's run has so far. */
  own: RunRecord | undefined;
  /** The newest record of the job on the cache. */
  latest: RunRecord | undefined;
  /** How often the message has been delivered, this time included; not counted are times when its server had no place. */
  deliveries: number;
  now: Date;
}

export type Delivery = { do: 'run' } | { do: 'poison'; reason: string } | { do: 'drop'; reason: string };

/** What is to be done with a message that comes: it may come twice, late, out of order, or after its instance died. */
export function judgeDelivery(message: WorkMessage, { own, latest, deliveries, now }: DeliveryFacts): Delivery {
  const queuedAt = Date.parse(message.queuedAt);
  if (own?.outcome === 'succeeded' && !foundBusy(own)) return drop('its run is done');
  if (own && (own.parts ?? 0) >= message.part) return drop(`part ${message.part} of its run is done`);
  if (message.takeovers >= mostTakeovers)
    return { do: 'poison', reason: `the instances that ran it ended ${message.takeovers} times in mid-run` };
  if (now.getTime() - queuedAt > longestWaitMs) return drop('it waited for longer than a day');
  const fresh = message.trigger === 'timer' && message.part === 1 && message.takeovers === 0;
  // Only untried ones: a message that fails is to be seen in the poison queue, however often its timer fires.
  if (fresh && deliveries === 1 && message.until !== undefined && now.getTime() >= Date.parse(message.until))
    return drop('its successor is due');
  if (fresh && latest && latest.runId !== message.runId && Date.parse(latest.startedAt) >= queuedAt && isDone(latest))
    return drop('a younger run has done its work');
  return { do: 'run' };
}

const drop = (reason: string): Delivery => ({ do: 'drop', reason });

/** A purge that left something behind, or found the table busy, has not done the work of another. */
function isDone({ outcome, report }: RunRecord): boolean {
  const { stopReason = 'drained' } = (report ?? {}) as { stopReason?: unknown };
  return outcome === 'succeeded' && stopReason === 'drained';
}

/** It may be the record of a second delivery, which found the first at work; that one may have died since. */
function foundBusy({ report }: RunRecord): boolean {
  return ((report ?? {}) as { stopReason?: unknown }).stopReason === 'busy';
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
