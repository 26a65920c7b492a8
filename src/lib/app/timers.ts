import type { Timer } from '../findings/timers.ts';
import { jobs, type ScheduleName } from '../runs/catalogue.ts';
import type { Settings } from '../settings/settings.ts';

/** The timer that judges the findings. */
export const judgingTimer = 'judgeFindings';

/** The timers of the function app: those of the jobs, and the one that judges. */
export function timersOf({ schedules, disabledFunctions }: Settings): Timer[] {
  const ofJobs = Object.values(jobs).flatMap((job) => ('timer' in job && job.timer ? [job.timer] : []));
  const all: { name: string; schedule: ScheduleName | 'findings' }[] = [
    ...ofJobs,
    { name: judgingTimer, schedule: 'findings' },
  ];
  return all.map(({ name, schedule }) => ({
    name,
    schedule: schedules[schedule],
    enabled: !disabledFunctions.includes(name),
  }));
}
