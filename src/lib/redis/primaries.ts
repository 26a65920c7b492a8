import type { Clock } from '../clock.ts';
import { withDeadline } from '../inTime.ts';
import { readNode } from './look.ts';
import { type Endpoint, unique } from './redisConnection.ts';
import type { Connect } from './redisNode.ts';
import { UnreachableError } from './unreachable.ts';

export interface Primaries {
  endpoints: Endpoint[];
  /** Named endpoints that did not answer, in words; the others knew of the primaries. */
  unreachable: string[];
}

/**
 * Every node that holds keys of a cache: the primaries of an OSS cluster, the one that Sentinels name, else what is named
 * and no replica.
 * @throws MaintenanceError where there is none to be found, or the server does not say which they are
 */
export async function findPrimaries(
  endpoints: readonly Endpoint[],
  connect: Connect,
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Primaries> {
  const answers = await Promise.all(
    endpoints.map((endpoint) =>
      withDeadline(clock, timeoutMs, signal, (deadline) => primariesBy(endpoint, connect, deadline)).catch(
        (error: unknown) => {
          if (error instanceof UnreachableError) return error;
          throw error;
        },
      ),
    ),
  );
  const lost = answers.filter((answer) => answer instanceof UnreachableError);
  const found = unique(answers.flatMap((answer) => (answer instanceof UnreachableError ? [] : answer)));
  if (found.length === 0) {
    throw lost[0] ?? new UnreachableError('moved', 'The named endpoints are replicas: none of them takes writes.');
  }
  return { endpoints: found, unreachable: lost.map(({ message }) => message) };
}

async function primariesBy(endpoint: Endpoint, connect: Connect, signal: AbortSignal): Promise<Endpoint[]> {
  const node = await connect(endpoint, signal);
  try {
    const { cluster, role, sentinel } = await readNode(node);
    const view = sentinel ? await node.sentinel() : undefined;
    if (view) return [view.primary];
    if (cluster) return (await node.clusterPrimaries()).primaries;
    return role === 'replica' ? [] : [endpoint];
  } finally {
    node.close();
  }
}
