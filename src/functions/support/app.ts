import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { InvocationContext } from '@azure/functions';
import { Maintenance } from '../../lib/app/maintenance.ts';
import type { OverviewDeps } from '../../lib/app/overview.ts';
import { QueueWork } from '../../lib/app/queueWork.ts';
import { openRecordStore } from '../../lib/app/recordStores.ts';
import { timersOf } from '../../lib/app/timers.ts';
import { openWorkQueue } from '../../lib/app/workQueues.ts';
import { systemClock } from '../../lib/clock.ts';
import type { StandingMemory } from '../../lib/findings/standing.ts';
import { serverLimits } from '../../lib/queue/serverLimits.ts';
import { processSettings } from '../../lib/settings/settings.ts';
import { KeptFacts } from '../../lib/sql/keptFacts.ts';
import { logTo } from './log.ts';
import { keepYoungSpaceSmall } from './memory.ts';
import { stopSignal } from './shutdown.ts';
import { connectTelemetry } from './telemetry.ts';

/** Read while the functions register, and never thrown then: an import that throws takes every function with it. */
export const settings = processSettings('table');
export const records = openRecordStore(settings.recordStore);
export const clock = systemClock;
/** What runs learn of tables, for those that follow in this instance. */
const kept = new KeptFacts(clock);
keepYoungSpaceSmall();
// Before anything runs.
await connectTelemetry(settings.telemetry);
const workQueue = openWorkQueue(settings.queue);
/** Bounds the runs that timers make in this instance. */
export const withinLimits = serverLimits(settings.queue.serverConcurrency);

/** The timers of the app. */
export const timers = timersOf(settings);

/** Names the deployment, by when this file was built. */
export const deployment = statSync(fileURLToPath(import.meta.url)).mtime.toISOString();

export function maintenanceFor(context: InvocationContext): Maintenance {
  return new Maintenance(settings, logTo(context), records, clock, kept);
}

const memory: StandingMemory = { told: [] };

/** What the judges of the findings need. */
export function overviewDeps(context: InvocationContext): OverviewDeps {
  const maintenance = maintenanceFor(context);
  return { settings, maintenance, records, clock, timers, deployment, queue: queueFor(context)?.queue, memory };
}

/** For those who put work on the queue; undefined where there is none, or it is not to be used. */
export function queueFor(context: InvocationContext): QueueWork | undefined {
  return settings.queue.mode === 'never' ? undefined : queueWorkFor(context);
}

/** For the one who works it off. Undefined where the settings name no storage account to queue in. */
export function queueWorkFor(context: InvocationContext): QueueWork | undefined {
  const log = logTo(context);
  return (
    workQueue &&
    new QueueWork({
      adapters: workQueue,
      maintenance: maintenanceFor(context),
      settings,
      records,
      clock,
      log,
      stopSignal,
      random: Math.random,
    })
  );
}
