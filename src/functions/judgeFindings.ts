import { app, type InvocationContext, type Timer } from '@azure/functions';
import { judgeAndTell } from '../lib/app/overview.ts';
import { judgingTimer } from '../lib/app/timers.ts';
import { expressionOf } from '../lib/schedules.ts';
import { overviewDeps, settings } from './support/app.ts';
import { awaitedAtShutdown } from './support/shutdown.ts';
import { noteTimerStart } from './support/timerStart.ts';

/** Judges every subject by its records, and exports what stands: the alerts are the findings. */
app.timer(judgingTimer, {
  schedule: expressionOf(settings.schedules.findings),
  handler: awaitedAtShutdown(async (_timer: Timer, context: InvocationContext) => {
    await noteTimerStart(judgingTimer, context);
    const { findings, health } = await judgeAndTell(overviewDeps(context));
    context.info(`${judgingTimer}: health is ${health}, findings that stand: ${findings.length}`);
  }),
});
