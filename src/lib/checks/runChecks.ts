import type { Clock } from '../clock.ts';
import { MaintenanceError, toErrorReport } from '../errors.ts';
import { inTime } from '../inTime.ts';
import { type Check, type Outcome, unknown } from './check.ts';
import { type CheckReport, checkReport, stoppedCheck } from './diagnosisReport.ts';

/** What is to be looked at, and by which checks. */
export interface Examination<S> {
  /** `cache web`, `key ring web`, `maintenance`. */
  subject: string;
  checks: readonly Check<S>[];
  of: S;
}

/**
 * Runs checks side by side. None stops another: one that throws or hangs is `unknown`, with the reason. What a check that
 * was given up still does is ended by its signal.
 */
export async function runChecks<S>(
  { subject, checks, of }: Examination<S>,
  clock: Clock,
  signal?: AbortSignal,
): Promise<CheckReport[]> {
  const applying = checks.filter((check) => check.applies?.(of) ?? true);
  return Promise.all(
    applying.map(async (check) => {
      const start = clock.elapsed();
      const outcome = await runOne(check, of, clock, signal);
      return checkReport(check, subject, outcome, clock.elapsed() - start);
    }),
  );
}

async function runOne<S>(check: Check<S>, of: S, clock: Clock, stop: AbortSignal | undefined): Promise<Outcome> {
  const done = new AbortController();
  try {
    return await inTime(
      check.timeLimitMs,
      stop,
      (end) => attempt(() => check.run(of, clock, AbortSignal.any([end, done.signal]))),
      () => (stop?.aborted ? stopped : tooSlow(check.timeLimitMs)),
    );
  } finally {
    done.abort();
  }
}

/** A check that throws at once, or later, is as unable to look. */
async function attempt(run: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await run();
  } catch (error) {
    const { code, message, advice } = toErrorReport(error);
    if (error instanceof MaintenanceError) return unknown(code, message, advice);
    return unknown(code, `The check itself failed: ${message}`, advice);
  }
}

const tooSlow = (limitMs: number) =>
  unknown(
    'time_limit',
    `No result within ${limitMs / 1000} s.`,
    'Look at what is slow or blocked, then run the diagnosis again.',
    [{ what: 'time limit', value: limitMs / 1000, unit: 's' }],
  );

const stopped = unknown(stoppedCheck, 'The diagnosis was stopped before this check had ended.', 'Run it again.');
