import { STATUS_CODES } from 'node:http';
import type { HttpResponseInit } from '@azure/functions';
import { z } from 'zod';
import { type ErrorCode, factsOf } from '../../lib/errorCodes.ts';
import { MaintenanceError } from '../../lib/errors.ts';
import type { RunResult } from '../../lib/runs/runJob.ts';
import { type RunningRun, runningRun } from '../../lib/runs/runningState.ts';

/** An error of a handler that has more to answer than every {@link MaintenanceError}. */
export class Problem extends MaintenanceError {
  /** Further members, such as the run that is in progress or the fields that are wrong. */
  readonly members: object;
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, detail: string, advice: string, members: object, headers: Record<string, string> = {}) {
    super(code, detail, advice);
    this.name = 'Problem';
    this.members = members;
    this.headers = headers;
  }
}

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; explained in docs/reference/errors.md.' }),
    detail: z.string(),
    advice: z.string(),
    errors: z.array(z.object({ field: z.string(), detail: z.string() })).optional(),
    runId: z.string().optional(),
    run: runningRun.optional(),
  })
  .meta({ id: 'Problem' });

/** No cache keeps an answer, and no browser takes it for something else. */
export const guarded = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** The answer of RFC 9457 to an error, with its stable `code` and what to do. */
export function answerProblem(error: MaintenanceError): HttpResponseInit {
  const { code, message, advice } = error;
  const { status } = factsOf(code);
  const { members = {}, headers = {} } = error as Partial<Problem>;
  return {
    status,
    headers: { ...guarded, 'content-type': 'application/problem+json', ...headers },
    body: JSON.stringify({
      type: 'about:blank',
      title: STATUS_CODES[status],
      status,
      code,
      detail: message,
      advice,
      ...members,
    }),
  };
}

/**
 * The report of a run, as an answer.
 * @param runningNow asked where it found another at work
 * @throws Problem where it ended with an error, or found another run at work
 */
export async function refuseUnended(
  { error, outcome, runId, subject }: RunResult,
  runningNow?: () => Promise<RunningRun | undefined>,
): Promise<void> {
  if (error) throw new Problem(error.code as ErrorCode, error.message, error.advice, { runId });
  if (outcome !== 'skipped') return;
  const running = await runningNow?.();
  throw new Problem(
    'run_in_progress',
    `Another run is deleting entries of ${subject}.`,
    'Wait for it to end; a dry run is possible meanwhile.',
    running ? { run: running } : {},
  );
}
