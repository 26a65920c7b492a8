import type { RunRecord } from '../runs/recordStore.ts';
import { countText, numberText } from '../sqlCache/summaries.ts';
import { readClear, readIndex, readOutcome, readPurge, readPurgePlan } from './reports.ts';
import { durationText } from './wording.ts';

/** A run as the page lists it. */
export interface RunView {
  runId: string;
  job: string;
  cache: string;
  startedAt: string;
  /** What started it, and who asked where that is known. */
  startedBy: string;
  duration: string;
  /** Why it stopped: a stop reason, an outcome or an error code. */
  reason: string;
  /** What the reason means. */
  meaning: string;
  did: string;
  tone: 'good' | 'neutral' | 'bad';
}

/** docs/operations.md, "What a purge reports". */
const stopReasons: Record<string, { meaning: string; tone: RunView['tone'] }> = {
  drained: { meaning: 'a last look found nothing left to delete', tone: 'good' },
  timeBudget: { meaning: 'its time was up; the next run goes on', tone: 'neutral' },
  rowLimit: { meaning: 'it had deleted as many as it may', tone: 'neutral' },
  busy: { meaning: 'another run worked on the table', tone: 'neutral' },
  unhealthy: { meaning: 'it waited for the database, above a load limit, until its time was up', tone: 'bad' },
  aborted: { meaning: 'it was asked to stop, or lost its lock', tone: 'neutral' },
};

const indexOutcomes: Record<string, { meaning: string; tone: RunView['tone'] }> = {
  present: { meaning: 'the expiry index is there', tone: 'good' },
  created: { meaning: 'the expiry index was created', tone: 'good' },
  rebuilt: { meaning: 'the expiry index was rebuilt', tone: 'good' },
  building: { meaning: 'a build of the expiry index is under way', tone: 'neutral' },
  busy: { meaning: 'another run looks after the index', tone: 'neutral' },
  missing: { meaning: 'the expiry index could not be built', tone: 'bad' },
  wouldBuild: { meaning: 'the expiry index is to be built', tone: 'neutral' },
};

/** The newest first. Looks that only read and succeeded are in the plots, not here. */
export function runViews(records: readonly RunRecord[], count: number): RunView[] {
  return records
    .filter(({ job, outcome }) => outcome === 'failed' || !looks.has(job))
    .sort((a, b) => b.startedAt.localeCompare(a.startedAt))
    .slice(0, count)
    .map(runView);
}

/** Jobs that change nothing. */
const looks = new Set(['counts', 'redis', 'keyRingStatus']);

function runView(record: RunRecord): RunView {
  const { runId, job, cache, startedAt, trigger, requestedBy } = record;
  return {
    runId,
    job,
    cache,
    startedAt,
    startedBy: requestedBy ? `${trigger}, ${requestedBy.by} from ${requestedBy.from}` : trigger,
    duration: durationText(record.duration),
    ...outcomeOf(record),
  };
}

function outcomeOf(record: RunRecord): Pick<RunView, 'reason' | 'meaning' | 'did' | 'tone'> {
  if (record.outcome === 'failed') {
    const { code = 'unknown', message = 'The record holds no error.', advice = '' } = record.error ?? {};
    return { reason: code, meaning: message, did: advice, tone: 'bad' };
  }
  const purge = readPurge(record);
  if (record.outcome === 'queued')
    return { reason: 'queued', meaning: 'it waits in the work queue', did: '', tone: 'neutral' };
  if (purge) {
    const left = purge.expiredRemaining ? `, ${countText(purge.expiredRemaining)} expired left` : '';
    const locked = purge.skippedLocked > 0 ? `, ${numberText(purge.skippedLocked)} locked by apps` : '';
    return {
      reason: record.outcome === 'running' ? 'running' : purge.stopReason,
      ...(record.outcome === 'running'
        ? { meaning: `part ${record.parts ?? 0} is done; it goes on from the work queue`, tone: 'neutral' as const }
        : (stopReasons[purge.stopReason] ?? { meaning: '', tone: 'neutral' as const })),
      did: `${numberText(purge.deleted)} deleted in ${numberText(purge.batches)} ${purge.batches === 1 ? 'batch' : 'batches'}${left}${locked}`,
    };
  }
  const clear = readClear(record);
  if (clear) {
    const ended = { meaning: 'every entry that there was at its start was gone through', tone: 'good' as const };
    const left = clear.remaining ? `, ${countText(clear.remaining)} left or new` : '';
    return {
      reason: clear.stopReason,
      ...(clear.stopReason === 'drained' ? ended : (stopReasons[clear.stopReason] ?? { meaning: '', tone: 'neutral' })),
      did: `${numberText(clear.deleted)} deleted${left}`,
    };
  }
  const plan = readPurgePlan(record);
  if (plan) {
    const did = `would delete ${countText(plan.wouldDelete)}`;
    return { reason: 'dry run', meaning: 'nothing was changed', did, tone: 'neutral' };
  }
  const index = readIndex(record);
  if (index) {
    const did = [index.name ?? '', index.percent === null ? '' : `${index.percent} %`].filter(Boolean).join(', ');
    return { reason: index.outcome, ...(indexOutcomes[index.outcome] ?? { meaning: '', tone: 'neutral' }), did };
  }
  return { reason: readOutcome(record)?.outcome ?? 'succeeded', meaning: '', did: '', tone: 'good' };
}
