import type { Clock } from '../clock.ts';
import { MaintenanceError } from '../errors.ts';
import { readMessage, type WorkMessage } from './message.ts';
import type { PoisonMessage, WorkQueue } from './workQueue.ts';

/** A message of the poison queue as an operator sees it. */
export interface PoisonView {
  insertedAt: string;
  /** Undefined of a message that cannot be read. */
  message: WorkMessage | undefined;
  /** Why it cannot be read. */
  problem?: string;
}

export interface PoisonReport {
  queue: string;
  /** About how many lie there. */
  count: number;
  messages: PoisonView[];
}

export type PoisonFilter = (view: PoisonView) => boolean;

/** What lies in the poison queue: the first 32, which is as far as the service lets one look. */
export async function listPoison({ poison }: WorkQueue): Promise<PoisonReport> {
  const [count, messages] = await Promise.all([poison.count(), poison.peek()]);
  return { queue: poison.name, count, messages: messages.map(viewOf) };
}

/**
 * Puts the chosen messages back, as new work of the same run. Where there are several of one job on one subject, one is put
 * back and the others are forgotten: the work is the same. A message is taken out of the poison queue after it was put back, so
 * that none is lost; put back twice, it does no harm.
 */
export async function retryPoison(queue: WorkQueue, chosen: PoisonFilter, clock: Clock): Promise<PoisonView[]> {
  const done = new Set<string>();
  return takeEach(
    queue,
    (view) => chosen(view) && view.message !== undefined,
    async ({ message }) => {
      if (!message) return;
      // Work that somebody asked for in his own words is not the same as any other.
      const work = message.trigger === 'http' ? message.runId : `${message.job}|${message.subject}`;
      if (done.has(work)) return;
      const { until: _until, tries: _tries, ...rest } = message;
      await queue.put({ ...rest, queuedAt: clock.now().toISOString() });
      done.add(work);
    },
  );
}

/** Takes the chosen messages out for good. */
export function discardPoison(queue: WorkQueue, chosen: PoisonFilter): Promise<PoisonView[]> {
  return takeEach(queue, chosen, async () => undefined);
}

/** Goes through the queue once: as many messages as there were when it began. Those not chosen come back after a minute. */
async function takeEach(
  { poison }: WorkQueue,
  chosen: PoisonFilter,
  work: (view: PoisonView) => Promise<void>,
): Promise<PoisonView[]> {
  const views: PoisonView[] = [];
  let left = await poison.count();
  while (left > 0) {
    const taken = await poison.take();
    if (taken.length === 0) break;
    left -= taken.length;
    for (const message of taken) {
      const view = viewOf(message);
      if (!chosen(view)) continue;
      await work(view);
      await message.forget();
      views.push(view);
    }
  }
  return views;
}

function viewOf({ text, insertedAt }: PoisonMessage): PoisonView {
  try {
    return { insertedAt, message: readMessage(text) };
  } catch (error) {
    if (!(error instanceof MaintenanceError)) throw error;
    return { insertedAt, message: undefined, problem: error.message };
  }
}
