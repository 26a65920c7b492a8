import type { Maintenance } from '../lib/app/maintenance.ts';
import { codesOf, type ErrorCode } from '../lib/errorCodes.ts';
import { MaintenanceError } from '../lib/errors.ts';
import { parseInstant } from '../lib/keyRing/reading/instants.ts';
import type { RunOptions, RunResult, Started } from '../lib/runs/runJob.ts';
import { runRecord } from '../lib/runs/runRecord.ts';
import { refuseUnconfirmed } from './http/chooseCache.ts';
import { refuseUnended } from './http/problem.ts';
import { answer, type Route, route } from './http/route.ts';
import { revokeRequest, ringRequest, rotateRequest } from './http/schemas.ts';
import { maintenanceFor } from './support/app.ts';
import { stopSignal } from './support/shutdown.ts';

/** Azure ends a request after 230 s; a ring whose store does not answer is given up before. */
const timeLimitMs = 150_000;

const errors = [
  'key_ring_unknown',
  'key_ring_observed',
  'settings_invalid',
  'run_aborted',
  ...codesOf.ring,
  ...codesOf.database,
] as const;

type RingWork<B> = (
  rings: Maintenance['keyRings'],
  ring: string,
  body: B,
  started: Started,
  options: RunOptions,
) => Promise<RunResult>;

/** A job on the ring that the address names: the vault may be out of reach of any laptop. */
function ringRoute<B>(
  job: 'rotate' | 'rewrap' | 'revoke',
  {
    more = [],
    work,
    ...facts
  }: Pick<Route<B, undefined>, 'summary' | 'body'> & { more?: ErrorCode[]; work: RingWork<B> },
): void {
  route<B>({
    ...facts,
    name: `${job}Ring`,
    method: 'POST',
    path: `key-ring/{ring}/${job}`,
    role: 'TokenCache.Operator',
    turn: 'run',
    answers: { 200: { description: 'The run, with its report.', schema: runRecord } },
    errors: [...errors, ...more],
    handle: async ({ params, body, requester, context }) => {
      const { keyRings, names } = maintenanceFor(context);
      const ring = names.keyRing.find((name) => name === params.ring);
      if (ring === undefined)
        throw new MaintenanceError(
          'key_ring_unknown',
          'No key ring has that name.',
          `Choose one of: ${names.keyRing.join(', ') || 'none is configured'}.`,
        );
      const signal = AbortSignal.any([stopSignal, AbortSignal.timeout(timeLimitMs)]);
      const result = await work(keyRings, ring, body, { trigger: 'http', requestedBy: requester }, { signal });
      await refuseUnended(result);
      return answer(200, result);
    },
  });
}

ringRoute('rotate', {
  summary: 'Publish the keys that are due; a dry run unless `dryRun` is false.',
  body: rotateRequest,
  more: ['revocation_ahead'],
  work: (rings, ring, request, started, options) =>
    rings.rotate(ring, started, { ...request, mustManage: true }, options),
});

ringRoute('rewrap', {
  summary: 'Move keys to the newest Key Vault key version or certificate; a dry run unless `dryRun` is false.',
  body: ringRequest,
  work: (rings, ring, { dryRun }, started, options) => rings.rewrap(ring, started, { dryRun }, options),
});

ringRoute('revoke', {
  summary: 'Revoke keys and publish a successor; a dry run unless `dryRun` is false.',
  body: revokeRequest,
  more: ['confirmation_wrong', 'key_unknown', 'revocation_in_future', 'revocation_ahead', 'reason_unwritable'],
  work: (rings, ring, body, started, options) => {
    refuseUnconfirmed(body, ring, 'ring');
    const { dryRun, reason, key, createdBefore } = body;
    // The schema has seen that it is one of the three.
    const target = key
      ? { key: key.toLowerCase() }
      : { createdBefore: createdBefore === undefined ? undefined : parseInstant(createdBefore) };
    return rings.revoke(ring, started, { target, reason, confirm: dryRun ? undefined : ring }, options);
  },
});
