import { SpanStatusCode, trace } from '@opentelemetry/api';
import type { Clock } from '../clock.ts';
import { formatDuration } from '../durations.ts';
import { factsOf } from '../errorCodes.ts';
import { toErrorReport } from '../errors.ts';
import { instruments, meterName } from '../telemetry/metrics.ts';
import { packageVersion } from '../version.ts';
import { type JobName, jobs, type ReportOf } from './catalogue.ts';
import type { Ending } from './ending.ts';
import { type RecordStore, recordsAdvice } from './recordStore.ts';
import { newRunId } from './runId.ts';
import type { Requester, RunRecord } from './runRecord.ts';

type LogLevel = 'info' | 'warn' | 'error';
/** One line for a reader, and the same as data. */
export type Log = (level: LogLevel, message: string, data: object) => void;

export interface RunDeps {
  clock: Clock;
  records: RecordStore;
  log: Log;
}

/** What started a run: a trigger's name, or with it who asked. */
export type Started = string | { trigger: string; requestedBy: Requester };

/** Where a run belongs, where it is a part of a longer one or was given its id before it began. */
export interface RunPlace {
  runId?: string | undefined;
  queuedAt?: string | undefined;
  /** The id of the first part, and which part this is. */
  first?: string | undefined;
  part?: number | undefined;
  /**
   * Called once the run holds its cache: gives what earlier tries of it deleted, or undefined where one is at work yet. A run
   * that has this deletes nothing before others can see that it began.
   */
  begun?: (() => Promise<number | undefined>) | undefined;
  /** Keeps the record, where there is more to it than what this run knows. */
  keep?: ((result: RunResult) => Promise<void>) | undefined;
}

/** How a job is run, beside what is asked of it. */
export interface RunOptions extends RunPlace {
  signal?: AbortSignal | undefined;
}

/** What is asked of a job, without what the process that runs it adds. */
type Asked<R> = Omit<R, 'signal'>;

/** A job as everybody asks for it: on what, what started it, what is asked, and how it is run. */
export type JobOn<J extends JobName, R = object> = (
  subject: string,
  started: Started,
  request?: Asked<R>,
  options?: RunOptions,
) => Promise<RunResult<J>>;

export interface Run<J extends JobName> {
  job: J;
  subject: string;
  started: Started;
  dryRun: boolean;
  place?: RunPlace | undefined;
  work(context: RunContext<J>): Promise<ReportOf<J>>;
  measure?(report: ReportOf<J>): void;
}

export interface RunContext<J extends JobName> {
  /** For what the run tells others of itself while it runs. */
  runId: string;
  /** Keeps the report so far, for the record of a run that ends with an error. */
  soFar(report: ReportOf<J>): void;
  /** Called when the record is kept. */
  afterwards(work: () => Promise<void>): void;
}

/** A run that has ended. */
export type RunResult<J extends JobName = JobName> = RunRecord<J> & { outcome: Ending };

/**
 * The one wrapper of every job: span, duration, outcome, metrics, log lines and run record. Never throws: a failure is
 * a result with an `error`. A record store that fails costs the run nothing but a warning.
 */
export async function runJob<J extends JobName>(deps: RunDeps, run: Run<J>): Promise<RunResult<J>> {
  const { job, subject, dryRun, place = {} } = run;
  const startedAt = deps.clock.now();
  const start = deps.clock.elapsed();
  const runId = place.runId ?? newRunId(job, subject, startedAt);
  const { trigger, requestedBy } = typeof run.started === 'string' ? { trigger: run.started } : run.started;
  const attributes = { job, subject };
  const spanOptions = { attributes: { ...attributes, trigger } };
  return trace.getTracer(meterName).startActiveSpan(`maintenance.${job}`, spanOptions, async (span) => {
    let report: ReportOf<J> | undefined;
    const soFar = (partial: ReportOf<J>) => {
      report = partial;
    };
    let afterwards: (() => Promise<void>) | undefined;
    const ended = await endOf(run, {
      runId,
      soFar,
      afterwards: (work) => {
        afterwards = work;
      },
    });
    report = ended.report ?? report;
    const elapsed = deps.clock.elapsed() - start;
    const result = {
      runId,
      job,
      subject,
      version: packageVersion(),
      trigger,
      ...(requestedBy && { requestedBy }),
      ...(place.queuedAt !== undefined && { queuedAt: place.queuedAt }),
      startedAt: startedAt.toISOString(),
      duration: formatDuration(elapsed),
      outcome: ended.outcome,
      dryRun,
      ...(place.first !== undefined && { first: place.first }),
      ...(place.part !== undefined && { part: place.part }),
      ...(report !== undefined && { report }),
      ...(ended.error && { error: ended.error }),
    } as RunResult<J>;
    if (ended.error && ended.outcome === 'failed')
      span.setStatus({ code: SpanStatusCode.ERROR, message: ended.error.code });
    instruments.runs.add(1, { ...attributes, outcome: result.outcome, dryRun: String(dryRun) });
    instruments.runDuration.record(elapsed / 1000, attributes);
    logResult(deps.log, result);
    const keep = place.keep ?? ((ended: RunRecord) => deps.records.addRun(ended));
    await keep(result as RunResult)
      .then(() => afterwards?.())
      .catch((error: Error) => {
        const why = error.message.replace(/\.?$/, '.');
        deps.log('warn', `The record of a run could not be kept: ${why} ${recordsAdvice}`, { runId, ...attributes });
      });
    span.setAttribute('outcome', result.outcome);
    span.end();
    return result;
  });
}

type End<J extends JobName> = Pick<RunResult<J>, 'report' | 'error' | 'outcome'>;

async function endOf<J extends JobName>(run: Run<J>, context: RunContext<J>): Promise<End<J>> {
  try {
    const report = await run.work(context);
    run.measure?.(report);
    const { endedAs } = factsOfJob(run.job);
    return { report, outcome: endedAs?.(report) ?? 'succeeded' } as End<J>;
  } catch (thrown) {
    const error = toErrorReport(thrown);
    return { error, outcome: factsOf(error.code).outcome } as End<J>;
  }
}

/** The catalogue's facts, with functions that take the job's own report. */
function factsOfJob<J extends JobName>(job: J) {
  return jobs[job] as unknown as {
    summarize(report: ReportOf<J>): string;
    warnings?(report: ReportOf<J>): readonly string[];
    endedAs?(report: ReportOf<J>): Ending | undefined;
  };
}

/** One line about a report of a job. */
export function summaryOf<J extends JobName>(job: J, report: ReportOf<J>): string {
  return factsOfJob(job).summarize(report);
}

function logResult<J extends JobName>(log: Log, result: RunResult<J>): void {
  const { job, subject, report, error, outcome } = result;
  const head = `${job} ${subject}:`;
  const facts = factsOfJob(job);
  if (error) {
    const level = outcome === 'failed' ? 'error' : 'warn';
    log(level, `${head} ${outcome} (${error.code}). ${error.message} ${error.advice}`, result);
    return;
  }
  if (report === undefined) return;
  for (const warning of new Set(facts.warnings?.(report) ?? []))
    log('warn', `${head} ${warning}`, { runId: result.runId });
  log(
    'info',
    `${head} ${outcome === 'succeeded' ? '' : `${outcome}, `}${facts.summarize(report)} in ${result.duration}`,
    result,
  );
}
