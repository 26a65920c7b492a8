import { Maintenance } from '../../src/lib/app/maintenance.ts';
import { judgeAndTell, type Overview, type OverviewDeps } from '../../src/lib/app/overview.ts';
import { timersOf } from '../../src/lib/app/timers.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { StandingMemory } from '../../src/lib/findings/standing.ts';
import { recordTimerStart } from '../../src/lib/findings/timers.ts';
import type { WorkQueue } from '../../src/lib/queue/workQueue.ts';
import type { RecordStore } from '../../src/lib/runs/recordStore.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';

export const deployment = '2026-11-20T08:00:00.000Z';

/** What the judges need of an app with these settings and records, as seen at that time. */
export function overviewDeps(
  env: Record<string, string>,
  records: RecordStore,
  now: Date,
  queue?: WorkQueue,
  memory: StandingMemory = { told: [] },
): OverviewDeps {
  const settings = readSettings(env, 'table');
  const clock = { ...systemClock, now: () => now };
  const maintenance = new Maintenance(settings, () => undefined, records, clock);
  return { settings, maintenance, records, clock, timers: timersOf(settings), deployment, queue, memory };
}

/** As its timer does it at that time, while all others fire as well. */
export async function judgeApp(
  env: Record<string, string>,
  records: RecordStore,
  now: Date,
  queue?: WorkQueue,
  memory?: StandingMemory,
): Promise<Overview> {
  const deps = overviewDeps(env, records, now, queue, memory);
  // A start that cannot be noted stops no timer.
  for (const timer of deps.timers) await recordTimerStart(records, timer, deployment, now).catch(() => undefined);
  return judgeAndTell(deps);
}
