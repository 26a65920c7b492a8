import { measureApp } from '../appTelemetry/appMetrics.ts';
import { credentialOf } from '../azure/credentials.ts';
import { MaintenanceError } from '../errors.ts';
import { inTime } from '../inTime.ts';
import { type JobOn, type RunDeps, runJob } from '../runs/runJob.ts';
import { stops } from '../settings/problems.ts';
import type { Settings } from '../settings/settings.ts';
import type { WebApp } from '../settings/subjects.ts';
import { usable } from './cachesOfEngine.ts';

/** The looks at the telemetry of the caches' web apps, put together from the settings. */
export function appMaintenance(settings: Settings, runs: RunDeps) {
  /** @throws MaintenanceError with what is wrong in the settings */
  const appOf = (cache: string): WebApp => {
    const { webApps, problems } = settings;
    const stopping = problems.filter((problem) => stops(problem, 'app', cache));
    return usable(webApps, cache, stopping, () => [
      'app_unknown',
      `No web app is named for the cache ${cache}.`,
      'Give `app` (workspace, role) to the cache in TOKEN_CACHES; docs/reference/settings.md says how.',
    ]);
  };

  /** One look, of which no run is recorded. */
  const look = async (cache: string, stop: AbortSignal | undefined) => {
    const { workspace, role } = appOf(cache);
    const { policy, endpoint } = settings.apps;
    // Loaded for those who have an app to look at.
    const [{ watchApp }, { openWorkspace }] = await Promise.all([
      import('../appTelemetry/watchApp.ts'),
      import('../appTelemetry/workspace.ts'),
    ]);
    const credential = await credentialOf();
    const late = () => {
      if (stop?.aborted) throw new MaintenanceError('watch_aborted', 'The look was stopped.', 'Look again.');
      throw new MaintenanceError(
        'app_workspace_unavailable',
        `The workspace ${workspace} gave no answer in time.`,
        'See whether APP_LOGS_ENDPOINT can be reached from here. Where queries take longer, raise APP_TIMEOUT.',
      );
    };
    return inTime(
      policy.timeoutMs,
      stop,
      async (signal) => {
        const opened = await openWorkspace({ workspace, endpoint, credential, signal });
        return watchApp({ workspace: opened, role, policy, now: runs.clock.now() });
      },
      late,
    );
  };

  /** Reads what the web app of a cache tells of itself, and changes nothing. */
  const watch: JobOn<'app', { dryRun?: boolean }> = (cache, started, request = {}, { signal, ...place } = {}) =>
    runJob(runs, {
      job: 'app',
      subject: cache,
      started,
      dryRun: request.dryRun ?? false,
      place,
      work: () => look(cache, signal),
      measure: (report) => measureApp(cache, report),
    });

  return { watch, look };
}

export type AppMaintenance = ReturnType<typeof appMaintenance>;
