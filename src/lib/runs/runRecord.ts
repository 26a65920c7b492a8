import { z } from 'zod';
import { byName } from '../byName.ts';
import { factsOf } from '../errorCodes.ts';
import { type JobName, jobNames, jobs, type ReportOf } from './catalogue.ts';
import { type Ending, ending } from './ending.ts';

export const requester = z
  .object({
    by: z.string().meta({ description: 'The Entra principal, or that a key was used.' }),
    from: z.string().meta({ description: "The client's address." }),
  })
  .meta({ description: 'Who asked for it, as far as the platform tells.' });
export type Requester = z.infer<typeof requester>;

const fields = {
  subject: z.string().meta({ description: 'Name of the cache or key ring; `all` of a diagnosis of everything.' }),
  version: z.string().optional().meta({ description: 'The version of token-cache-maintenance that ran it.' }),
  trigger: z.string().meta({ description: 'What started it: `timer`, `http` or `cli`.' }),
  requestedBy: requester.optional(),
  queuedAt: z.iso.datetime().optional().meta({ description: 'Of a run from the work queue.' }),
  startedAt: z.iso.datetime(),
  duration: z.iso.duration(),
  outcome: z.enum(['queued', 'running', ...ending.options]).meta({
    description:
      '`queued` and `running` are of a run from the work queue that is not done. `failed`: the job could not do its work. `refused`: the request was not allowed. `skipped`: another run was at it. `aborted`: it was stopped.',
  }),
  dryRun: z.boolean().meta({ description: 'Nothing was to be changed.' }),
  first: z.string().optional().meta({ description: 'Of a later part of a purge: the id of its first part.' }),
  part: z.int().optional().meta({ description: 'Of a part of a purge: 1, 2, 3 …' }),
  next: z.string().optional().meta({ description: 'Of a part of a purge: the id of the next one, which is queued.' }),
  lost: z.int().optional().meta({
    description:
      'Of a part of a purge in which an instance died: the entries that it had deleted, as far as it told. They are not in the report.',
  }),
  parts: z
    .int()
    .optional()
    .meta({ description: 'Of a purge in parts, where it is asked for as a whole: how many ended.' }),
  incomplete: z.boolean().optional().meta({
    description:
      'Of the same: not all parts are known, or an instance died in one, so more may have been done than is told.',
  }),
  cut: z.boolean().optional().meta({ description: 'The report was too large to be kept.' }),
  error: z.object({ code: z.string(), message: z.string(), advice: z.string() }).optional(),
};

/** What is kept of a run of one job. */
const recordOf = (job: JobName) =>
  z.object({
    runId: z.string(),
    job: z.literal(job),
    ...fields,
    report: jobs[job].report.optional().meta({ description: 'Of a run that did not end well: what it did so far.' }),
  });

const [first, ...others] = jobNames;
/** What is kept of a run. */
export const runRecord = z
  .discriminatedUnion('job', [recordOf(first), ...others.map(recordOf)])
  .meta({ id: 'Run', description: 'A run of a job; its report is that of the job.' });

type Fields = z.infer<z.ZodObject<typeof fields>> & { runId: string };
/** A run record, by its job. */
export type RunRecord<J extends JobName = JobName> = { [K in J]: Fields & { job: K; report?: ReportOf<K> } }[J];
export type Outcome = Fields['outcome'];

/**
 * A record as a store kept it, in the present shape. One of an earlier version has `cache` for `subject`, and no `dryRun`; a
 * report that is cut for its size, or cannot be read in any way, is left out.
 * @returns undefined where it is not a record at all
 */
export function readRecord(kept: unknown): RunRecord | undefined {
  const whole = runRecord.safeParse(kept);
  if (whole.success) return whole.data as RunRecord;
  const { report, ...record } = withPresentFields(kept);
  const bare = runRecord.safeParse(record);
  if (!bare.success) return undefined;
  const facts: { report: z.ZodType; earlier?(report: unknown): unknown } = jobs[bare.data.job];
  const asIs = facts.report.safeParse(report);
  const read = asIs.success || !facts.earlier ? asIs : facts.report.safeParse(facts.earlier(report));
  return { ...bare.data, ...(read.success && { report: read.data }) } as RunRecord;
}

function withPresentFields(kept: unknown): Record<string, unknown> {
  const { cache, ...record } = (kept ?? {}) as Record<string, unknown>;
  const report = (record.report ?? {}) as { dryRun?: unknown; outcome?: unknown; stopReason?: unknown };
  return {
    ...record,
    subject: record.subject ?? cache,
    dryRun: record.dryRun ?? (report.dryRun === true || report.outcome === 'planned'),
    outcome: record.dryRun === undefined ? earlierOutcome(record, report) : record.outcome,
  };
}

/** Earlier versions knew runs that succeeded and runs that failed. */
function earlierOutcome(
  { outcome, error }: Record<string, unknown>,
  report: { stopReason?: unknown; outcome?: unknown },
): unknown {
  if (outcome === 'failed') return factsOf(String((error as { code?: unknown } | undefined)?.code)).outcome;
  if (outcome !== 'succeeded') return outcome;
  const endings = byName<Ending>({ busy: 'skipped', aborted: 'aborted' });
  // A purge says it as its reason to stop, an index job as its outcome.
  return endings[String(report.stopReason ?? report.outcome)] ?? outcome;
}
