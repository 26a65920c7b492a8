import { SpanStatusCode, trace } from '@opentelemetry/api';
import type { Clock } from '../clock.ts';
import { formatDuration } from '../durations.ts';
import { toErrorReport } from '../errors.ts';
import { instruments, meterName } from '../telemetry/metrics.ts';
import type { RecordStore, Requester, RunRecord } from './recordStore.ts';
import { newRunId } from './runId.ts';

export type LogLevel = 'info' | 'warn' | 'error';
/** One line for a reader, and the same as data. */
export type Log = (level: LogLevel, message: string, data: object) => void;

export interface RunDeps {
  clock: Clock;
  records: RecordStore;
  log: Log;
}

export interface Job<R> {
  job: string;
  cache: string;
  /** What started it: `timer`, `cli`, `http`, … */
  trigger: string;
  /** Who asked for it, and from where: kept in the record of a change that was made over HTTP. */
  requestedBy?: Requester | undefined;
  /** Of a run that was given its id before it began; else it gets one now. */
  runId?: string | undefined;
  /** What is kept of the run, where that is not its own result: of one part of a longer run. Undefined: nothing. */
  toRecord?: ((result: RunResult<R>) => Promise<RunRecord | undefined>) | undefined;
  /** The run's id is for what it tells others of itself while it runs. */
  run: (runId: string) => Promise<R>;
  /** One line about the report, for the log. */
  summarize: (report: R) => string;
  /** Warnings of the report; each is a log line of its own. */
  warnings?: (report: R) => readonly string[];
  measure?: (report: R) => void;
}

export type RunResult<R> = Omit<RunRecord, 'report' | 'outcome'> & { report?: R; outcome: 'succeeded' | 'failed' };

/**
 * The one wrapper of every job: span, duration, outcome, metrics, log lines and run record. Never throws: a failure is
 * a result with an `error`. A record store or a log that fails costs the run nothing but a warning.
 */
export async function runJob<R>(deps: RunDeps, job: Job<R>): Promise<RunResult<R>> {
  const startedAt = deps.clock.now();
  const start = deps.clock.elapsed();
  const runId = job.runId ?? newRunId(job.job, job.cache, startedAt);
  const attributes = { job: job.job, cache: job.cache };
  const spanOptions = { attributes: { ...attributes, trigger: job.trigger } };
  return trace.getTracer(meterName).startActiveSpan(`maintenance.${job.job}`, spanOptions, async (span) => {
    const result: RunResult<R> = {
      runId,
      job: job.job,
      cache: job.cache,
      trigger: job.trigger,
      ...(job.requestedBy && { requestedBy: job.requestedBy }),
      startedAt: startedAt.toISOString(),
      duration: 'PT0S',
      outcome: 'succeeded',
    };
    try {
      result.report = await job.run(runId);
      job.measure?.(result.report);
    } catch (error) {
      result.outcome = 'failed';
      result.error = toErrorReport(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: result.error.code });
    }
    const elapsed = deps.clock.elapsed() - start;
    result.duration = formatDuration(elapsed);
    instruments.runs.add(1, { ...attributes, outcome: result.outcome });
    instruments.runDuration.record(elapsed / 1000, attributes);
    logResult(deps.log, job, result);
    const kept = job.toRecord ? await job.toRecord(result) : result;
    if (kept)
      await deps.records.addRun(kept).catch((error: Error) => {
        deps.log('warn', `The record of run ${runId} could not be kept: ${error.message}`, { runId, ...attributes });
      });
    span.setAttribute('outcome', result.outcome);
    span.end();
    return result;
  });
}

function logResult<R>(log: Log, job: Job<R>, result: RunResult<R>): void {
  const head = `${job.job} ${job.cache}:`;
  const { report, error } = result;
  if (error) {
    log('error', `${head} failed (${error.code}): ${error.message} ${error.advice}`, result);
    return;
  }
  if (report === undefined) return;
  for (const warning of job.warnings?.(report) ?? []) log('warn', `${head} ${warning}`, { runId: result.runId });
  log('info', `${head} ${job.summarize(report)} in ${result.duration}`, result);
}
