import type { InvocationContext, Timer, TimerHandler } from '@azure/functions';
import type { Maintenance } from '../../lib/composition/maintenance.ts';
import type { RunResult } from '../../lib/runs/runJob.ts';
import { describeProblem, settingsError, stopsRing } from '../../lib/settings/problems.ts';
import { maintenanceFor, settings, type TimerName } from './app.ts';
import { awaitedAtShutdown, stopSignal } from './shutdown.ts';
import { noteTimerStart } from './timerStart.ts';

export type KeyRingJob = (maintenance: Maintenance, ring: string, signal: AbortSignal) => Promise<RunResult<object>>;

/**
 * A timer's handler: one job on every key ring, one after the other, so that a broken one stops no other. Without any ring
 * it does nothing. Throws at the end where a run failed or a setting of the rings is wrong.
 */
export function onEachKeyRing(name: TimerName, job: KeyRingJob): TimerHandler {
  return awaitedAtShutdown(async (_timer: Timer, context: InvocationContext) => {
    const maintenance = maintenanceFor(context);
    await noteTimerStart(name, context);
    const problems = settings.problems.filter(
      (problem) => problem.setting.startsWith('KEY_RINGS') || problem.ring !== undefined,
    );
    const general = settings.rings.length > 0 ? settings.problems.filter((problem) => stopsRing(problem, '')) : [];
    for (const problem of new Set([...problems, ...general])) context.error(`Setting ${describeProblem(problem)}`);
    const failures: string[] = [];
    for (const ring of maintenance.keyRings.names()) {
      const { error } = await job(maintenance, ring, stopSignal);
      if (error) failures.push(`${ring}: ${error.code}: ${error.message} ${error.advice}`);
    }
    if (failures.length > 0) throw new Error(failures.join('\n'));
    if (problems.length > 0) throw settingsError(problems);
  });
}
