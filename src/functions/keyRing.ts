import type { Maintenance } from '../lib/composition/maintenance.ts';
import type { Started } from '../lib/composition/started.ts';
import { parseInstant } from '../lib/keyRing/instants.ts';
import type { RequestedTarget } from '../lib/keyRing/revoke.ts';
import type { RunResult } from '../lib/runs/runJob.ts';
import { maintenanceFor } from './support/app.ts';
import { refuseUnconfirmed } from './support/confirmation.ts';
import { Problem, problemOfRun } from './support/problem.ts';
import { answer, type RouteCall, route } from './support/route.ts';
import { type RevokeBody, revokeRequest, ringRequest } from './support/schemas.ts';
import { stopSignal } from './support/shutdown.ts';

/** Azure ends a request after 230 s; a ring whose store does not answer is given up before. */
const timeLimitMs = 150_000;

type RingWork<B> = (
  rings: Maintenance['keyRings'],
  ring: string,
  body: B,
  started: Started,
  signal: AbortSignal,
) => Promise<RunResult<object>>;

/** One job on the ring that the address names: the vault may be out of reach of any laptop. */
async function onRing<B>({ params, body, requester, context }: RouteCall<B, undefined>, work: RingWork<B>) {
  const rings = maintenanceFor(context).keyRings;
  const ring = rings.names().find((name) => name === params.ring);
  if (ring === undefined) {
    throw new Problem(
      404,
      'key_ring_unknown',
      'No key ring has that name.',
      `Choose one of: ${rings.names().join(', ') || 'none is configured'}.`,
    );
  }
  const signal = AbortSignal.any([stopSignal, AbortSignal.timeout(timeLimitMs)]);
  const result = await work(rings, ring, body, { trigger: 'http', requestedBy: requester }, signal);
  if (result.error) throw problemOfRun(result.runId, result.error);
  return answer(200, result);
}

route({
  name: 'rotateRing',
  method: 'POST',
  path: 'key-ring/{ring}/rotate',
  role: 'TokenCache.Operator',
  body: ringRequest,
  handle: (call) =>
    onRing(call, (rings, ring, { dryRun }, started, signal) =>
      rings.rotate(ring, started, { dryRun, signal, mustManage: true }),
    ),
});

route({
  name: 'rewrapRing',
  method: 'POST',
  path: 'key-ring/{ring}/rewrap',
  role: 'TokenCache.Operator',
  body: ringRequest,
  handle: (call) =>
    onRing(call, (rings, ring, { dryRun }, started, signal) => rings.rewrap(ring, started, { dryRun, signal })),
});

route({
  name: 'revokeRing',
  method: 'POST',
  path: 'key-ring/{ring}/revoke',
  role: 'TokenCache.Operator',
  body: revokeRequest,
  handle: (call) =>
    onRing(call, (rings, ring, body, started, signal) => {
      refuseUnconfirmed(body, ring, 'ring');
      const { dryRun, reason } = body;
      return rings.revoke(
        ring,
        started,
        { target: targetOf(body), reason, confirm: dryRun ? undefined : ring },
        signal,
      );
    }),
});

/** The schema has seen that it is one of the three. */
function targetOf({ key, createdBefore }: RevokeBody): RequestedTarget {
  if (key !== undefined) return { key: key.toLowerCase() };
  return { createdBefore: createdBefore === undefined ? undefined : parseInstant(createdBefore) };
}
