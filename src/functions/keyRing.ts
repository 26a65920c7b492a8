import type { Maintenance } from '../lib/app/maintenance.ts';
import { parseInstant } from '../lib/keyRing/instants.ts';
import type { RequestedTarget } from '../lib/keyRing/revoke.ts';
import type { RunOptions, RunResult, Started } from '../lib/runs/runJob.ts';
import { runRecord } from '../lib/runs/runRecord.ts';
import { refuseUnconfirmed } from './http/confirmation.ts';
import { Problem, refuseUnended } from './http/problem.ts';
import { answer, type RouteCall, route } from './http/route.ts';
import { type RevokeBody, revokeRequest, ringRequest } from './http/schemas.ts';
import { maintenanceFor } from './support/app.ts';
import { stopSignal } from './support/shutdown.ts';

/** Azure ends a request after 230 s; a ring whose store does not answer is given up before. */
const timeLimitMs = 150_000;

type RingWork<B> = (
  rings: Maintenance['keyRings'],
  ring: string,
  body: B,
  started: Started,
  options: RunOptions,
) => Promise<RunResult>;

/** One job on the ring that the address names: the vault may be out of reach of any laptop. */
async function onRing<B>({ params, body, requester, context }: RouteCall<B, undefined>, work: RingWork<B>) {
  const rings = maintenanceFor(context).keyRings;
  const ring = rings.names().find((name) => name === params.ring);
  if (ring === undefined) {
    throw new Problem(
      'key_ring_unknown',
      'No key ring has that name.',
      `Choose one of: ${rings.names().join(', ') || 'none is configured'}.`,
    );
  }
  const signal = AbortSignal.any([stopSignal, AbortSignal.timeout(timeLimitMs)]);
  const result = await work(rings, ring, body, { trigger: 'http', requestedBy: requester }, { signal });
  refuseUnended(result);
  return answer(200, result);
}

/** What every job on a ring answers. */
const answers = { 200: { description: 'The run, with its report.', schema: runRecord } };
const errors = [
  'key_ring_unknown',
  'key_ring_observed',
  'key_ring_damaged',
  'key_ring_forbidden',
  'key_ring_unavailable',
  'key_ring_busy',
  'key_vault_forbidden',
  'key_vault_unavailable',
  'settings_invalid',
] as const;

route({
  name: 'rotateRing',
  method: 'POST',
  path: 'key-ring/{ring}/rotate',
  role: 'TokenCache.Operator',
  summary: 'Publish the keys that are due; a dry run unless `dryRun` is false.',
  answers,
  errors,
  body: ringRequest,
  handle: (call) =>
    onRing(call, (rings, ring, { dryRun }, started, options) =>
      rings.rotate(ring, started, { dryRun, mustManage: true }, options),
    ),
});

route({
  name: 'rewrapRing',
  method: 'POST',
  path: 'key-ring/{ring}/rewrap',
  role: 'TokenCache.Operator',
  summary: 'Move keys to the newest Key Vault key version or certificate; a dry run unless `dryRun` is false.',
  answers,
  errors,
  body: ringRequest,
  handle: (call) =>
    onRing(call, (rings, ring, { dryRun }, started, options) => rings.rewrap(ring, started, { dryRun }, options)),
});

route({
  name: 'revokeRing',
  method: 'POST',
  path: 'key-ring/{ring}/revoke',
  role: 'TokenCache.Operator',
  summary: 'Revoke keys and publish a successor; a dry run unless `dryRun` is false.',
  answers,
  errors: [...errors, 'confirmation_wrong', 'key_unknown', 'revocation_in_future'],
  body: revokeRequest,
  handle: (call) =>
    onRing(call, (rings, ring, body, started, options) => {
      refuseUnconfirmed(body, ring, 'ring');
      const { dryRun, reason } = body;
      return rings.revoke(
        ring,
        started,
        { target: targetOf(body), reason, confirm: dryRun ? undefined : ring },
        options,
      );
    }),
});

/** The schema has seen that it is one of the three. */
function targetOf({ key, createdBefore }: RevokeBody): RequestedTarget {
  if (key !== undefined) return { key: key.toLowerCase() };
  return { createdBefore: createdBefore === undefined ? undefined : parseInstant(createdBefore) };
}
