import type { InvocationContext, Timer, TimerHandler } from '@azure/functions';
import pLimit from 'p-limit';
import { serverOf, slotKindOf } from '../../lib/composition/databaseServers.ts';
import type { Maintenance } from '../../lib/composition/maintenance.ts';
import type { QueueWork } from '../../lib/composition/queueWork.ts';
import { type ErrorReport, toErrorReport } from '../../lib/errors.ts';
import { nextStart } from '../../lib/health/timerStarts.ts';
import type { WorkJob } from '../../lib/queue/message.ts';
import type { RunResult } from '../../lib/runs/runJob.ts';
import { describeProblem, settingsError } from '../../lib/settings/problems.ts';
import { clock, maintenanceFor, queueFor, serverLimits, settings, type TimerName, timers } from './app.ts';
import { awaitedAtShutdown, stopSignal } from './shutdown.ts';
import { noteTimerStart } from './timerStart.ts';

/** Those of key rings are said by their own function. */
const problems = settings.problems.filter(({ ring, jobs }) => ring === undefined && !jobs?.includes('keyRing'));

export type CacheJob = (
  maintenance: Maintenance,
  cache: string,
  signal: AbortSignal,
  queue: QueueWork | undefined,
) => Promise<RunResult<object>>;

/** A timer's handler: one job on every SQL cache; see {@link onEach}. */
export function onEachCache(name: TimerName, kind: WorkJob, job: CacheJob): TimerHandler {
  return onEach(name, (maintenance) => maintenance.sqlCaches.names(), kind, job);
}

/** A timer's handler: one job on every Redis cache; see {@link onEach}. */
export function onEachRedisCache(name: TimerName, kind: WorkJob, job: CacheJob): TimerHandler {
  return onEach(name, (maintenance) => maintenance.redisCaches.names(), kind, job);
}

/**
 * One job on each of the caches: side by side, so that a slow or broken one delays no other, with so many at once on each
 * database server; or, with many caches, one message each on the work queue. Throws at the end where a run failed or a
 * setting is wrong, so that the invocation counts as failed.
 */
function onEach(
  name: TimerName,
  caches: (maintenance: Maintenance) => string[],
  kind: WorkJob,
  job: CacheJob,
): TimerHandler {
  return awaitedAtShutdown(async (_timer: Timer, context: InvocationContext) => {
    const maintenance = maintenanceFor(context);
    const queue = queueFor(context);
    await noteTimerStart(name, context);
    for (const problem of problems) context.error(`Setting ${describeProblem(problem)}`);
    const all = maintenance.sqlCaches.names().length + maintenance.redisCaches.names().length;
    const failures = queue?.queuesFor(all)
      ? await queueEach(queue, name, kind, caches(maintenance), context)
      : await runEach(maintenance, queue, kind, caches(maintenance), job);
    // Without a look, a message that was given up would be seen by nobody.
    await queue?.poisonCount().catch((error: Error) => context.warn(error.message));
    if (failures.length > 0) throw new Error(failures.join('\n'));
    if (problems.length > 0) throw settingsError(problems);
  });
}

/** Each cache's own failure, if any. */
async function runEach(
  maintenance: Maintenance,
  queue: QueueWork | undefined,
  kind: WorkJob,
  caches: string[],
  job: CacheJob,
): Promise<string[]> {
  const results = await Promise.all(
    caches.map((cache) =>
      serverLimits.run(serverOf(settings, cache), slotKindOf(kind), () => job(maintenance, cache, stopSignal, queue)),
    ),
  );
  return results.flatMap(({ cache, error }) => (error ? [describeFailure(cache, error)] : []));
}

/** A timer may fire a moment before its time: that start is not its own successor. */
const earliestMs = 30_000;
/** Calls of the queue at once. */
const putsAtOnce = 16;

async function queueEach(
  queue: QueueWork,
  name: TimerName,
  job: WorkJob,
  caches: string[],
  context: InvocationContext,
): Promise<string[]> {
  const until = nextStart(timers[name], new Date(clock.now().getTime() + earliestMs));
  const limit = pLimit(putsAtOnce);
  const failures = await Promise.all(
    caches.map((cache) =>
      limit(() =>
        queue.put({ job, cache, trigger: 'timer', until }).then(
          () => [],
          (error: unknown) => [describeFailure(cache, toErrorReport(error))],
        ),
      ),
    ),
  );
  context.info(
    `${name}: ${caches.length} messages for the queue ${queue.queue.name}, ${failures.flat().length} of them failed`,
  );
  return failures.flat();
}

function describeFailure(cache: string, { code, message, advice }: ErrorReport): string {
  return `${cache}: ${code}: ${message} ${advice}`;
}
