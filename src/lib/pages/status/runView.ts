import { type JobName, jobs, type ReportOf } from '../../runs/catalogue.ts';
import { newestFirst } from '../../runs/history.ts';
import { summaryOf } from '../../runs/runJob.ts';
import type { RunRecord } from '../../runs/runRecord.ts';
import { stopReason } from '../../sql/purgeReport.ts';
import { durationText } from './wording.ts';

type Tone = 'good' | 'neutral' | 'bad';

type Facts = { meaning: string; tone: Tone };
type Word<R> = R extends { stopReason: infer S extends string }
  ? S
  : R extends { outcome: infer O extends string }
    ? O
    : never;
/** What the report of any job may say of itself, in a word. */
type Reason = Word<ReportOf<JobName>> | 'succeeded';

const changedNothing: Facts = { meaning: 'nothing was changed', tone: 'neutral' };
const atWork: Facts = { meaning: 'another run was at work', tone: 'neutral' };
const stopped: Facts = { meaning: 'it was asked to stop, or lost its lock', tone: 'neutral' };

/** docs/runbook/purge.md and docs/runbook/sql-table.md explain them. */
const reasons = {
  succeeded: { meaning: '', tone: 'good' },
  drained: { meaning: 'a last look found nothing left to delete', tone: 'good' },
  rowsKept: { meaning: 'what is left the database refuses to delete, or hides', tone: 'bad' },
  timeBudget: { meaning: 'its time was up; the next run goes on', tone: 'neutral' },
  rowLimit: { meaning: 'it had deleted as many as it may', tone: 'neutral' },
  unhealthy: { meaning: 'it waited for the database, above a load limit, until its time was up', tone: 'bad' },
  busy: atWork,
  aborted: stopped,
  failed: { meaning: 'an error ended it', tone: 'bad' },
  present: { meaning: 'the expiry index is there', tone: 'good' },
  created: { meaning: 'the expiry index was created', tone: 'good' },
  rebuilt: { meaning: 'the expiry index was rebuilt', tone: 'good' },
  building: { meaning: 'a build of the expiry index is under way', tone: 'neutral' },
  missing: { meaning: 'the expiry index could not be built', tone: 'bad' },
  wouldBuild: { meaning: 'the expiry index is to be built', tone: 'neutral' },
  nothingToDo: { meaning: 'the key ring needs nothing', tone: 'good' },
  published: { meaning: 'keys were published', tone: 'good' },
  rewrapped: { meaning: 'keys were re-wrapped', tone: 'good' },
  revoked: { meaning: 'keys were revoked', tone: 'good' },
  pruned: { meaning: 'expired keys were removed', tone: 'good' },
  planned: changedNothing,
  wouldPublish: changedNothing,
  wouldRewrap: changedNothing,
  wouldPrune: changedNothing,
} satisfies Record<Reason, Facts>;

/** The newest first. Looks that only read and succeeded are in the plots, not here. */
export function runViews(records: readonly RunRecord[], count: number) {
  return records
    .filter(({ job, outcome }) => outcome === 'failed' || !jobs[job].looks)
    .sort(newestFirst)
    .slice(0, count)
    .map(runView);
}

export type RunView = ReturnType<typeof runView>;

/** A run as the page lists it. */
function runView(record: RunRecord) {
  const { runId, job, subject, startedAt, trigger, requestedBy } = record;
  return {
    runId,
    job,
    subject,
    startedAt,
    // Who asked, where that is known.
    startedBy: requestedBy ? `${trigger}, ${requestedBy.by} from ${requestedBy.from}` : trigger,
    duration: durationText(record.duration),
    ...endOf(record),
  };
}

/** What says enough, whatever the report does. */
const outcomes: Record<RunRecord['outcome'], Facts | undefined> = {
  queued: { meaning: 'it waits in the work queue', tone: 'neutral' },
  running: { meaning: 'it goes on from the work queue', tone: 'neutral' },
  succeeded: undefined,
  failed: { meaning: 'not all of it could be done', tone: 'bad' },
  refused: { meaning: 'it may not be done', tone: 'neutral' },
  skipped: atWork,
  aborted: stopped,
};

/** Why it stopped (a stop reason, an outcome or an error code), what that means, and what it did. */
function endOf(record: RunRecord): Facts & { reason: string; did: string } {
  const { outcome, error, dryRun, parts, incomplete } = record;
  // The reason stands beside it.
  const work = didText(record).replace(new RegExp(`^(dry run|${stopReason.options.join('|')}), `), '');
  const gaps = incomplete ? 'at least, since not all parts are known' : '';
  const did = [work, parts && parts > 1 ? `in ${parts} parts` : '', gaps].filter(Boolean).join(', ');
  if (error) {
    const meaning = [error.message, outcome === 'failed' && work ? `By then: ${work}.` : ''].filter(Boolean).join(' ');
    return { reason: error.code, meaning, did: error.advice, tone: outcome === 'failed' ? 'bad' : 'neutral' };
  }
  const known = outcomes[outcome];
  if (known) return { reason: outcome, ...known, did };
  if (dryRun) return { reason: 'dry run', ...changedNothing, did };
  const reason = reasonOf(record);
  return { reason, ...reasons[reason], did };
}

/** What a report says of itself, in a word. */
function reasonOf({ report }: RunRecord): Reason {
  if (report && 'stopReason' in report) return report.stopReason;
  return report && 'outcome' in report ? report.outcome : 'succeeded';
}

function didText<J extends JobName>({ job, report }: RunRecord<J>): string {
  return report === undefined ? '' : summaryOf(job, report);
}
