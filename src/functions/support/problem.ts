import type { HttpResponseInit } from '@azure/functions';
import type { ErrorReport } from '../../lib/errors.ts';
import type { RunningRun } from '../../lib/runs/runningState.ts';

/** An error answer of RFC 9457, with a stable `code` and what to do. Thrown by a handler, answered by `route`. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly advice: string;
  /** Further members, such as the run that is in progress or the fields that are wrong. */
  readonly members: object;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    code: string,
    detail: string,
    advice: string,
    members: object = {},
    headers: Record<string, string> = {},
  ) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.advice = advice;
    this.members = members;
    this.headers = headers;
  }
}

const titles: Record<number, string> = {
  400: 'Bad request',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  406: 'Not acceptable',
  409: 'Conflict',
  413: 'Content too large',
  415: 'Unsupported media type',
  500: 'Internal error',
  502: 'Bad gateway',
  503: 'Not available',
};

export function answerProblem({ status, code, message, advice, members, headers }: Problem): HttpResponseInit {
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
    body: JSON.stringify({
      type: 'about:blank',
      title: titles[status] ?? 'Error',
      status,
      code,
      detail: message,
      advice,
      ...members,
    }),
  };
}

/** Codes of failed runs that pass by themselves; all others need somebody. */
const passing = new Set([
  'database_unavailable',
  'lock_in_the_way',
  'statement_timeout',
  'aborted',
  'redis_unreachable',
  'key_ring_unavailable',
  'key_vault_unavailable',
]);
/** Codes of runs that the request, or what is known by then, did not allow. */
const refused: Record<string, number> = {
  confirmation_wrong: 400,
  revocation_in_future: 400,
  instance_name_missing: 409,
  key_ring_observed: 409,
  key_unknown: 404,
};

/** The answer to a run that failed. */
export function problemOfRun(runId: string, { code, message, advice }: ErrorReport): Problem {
  const status =
    refused[code] ?? (code === 'internal_error' ? 500 : code === 'settings_invalid' || passing.has(code) ? 503 : 502);
  return new Problem(status, code, message, advice, { runId });
}

/** The answer where a purge or a clear holds the cache; `run` is what is known of it. */
export function runInProgress(cache: string, run: RunningRun | undefined): Problem {
  return new Problem(
    409,
    'run_in_progress',
    `Another run is deleting entries of ${cache}.`,
    'Wait for it to end; a dry run is possible meanwhile.',
    run && { run },
  );
}
