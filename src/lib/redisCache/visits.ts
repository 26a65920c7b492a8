import { withDeadline } from './deadline.ts';
import { type LookContext, lookAtNode, type NodeLook, readNode } from './look.ts';
import { type Endpoint, endpointName } from './redisConnection.ts';
import type { Connect, RedisNode } from './redisNode.ts';
import { RefusedError, UnreachableError } from './unreachable.ts';

export type Visit = { node: string } & ({ look: NodeLook } | { error: UnreachableError; seedOnly: boolean });

/** All nodes of a cache, each looked at or found unreachable. */
export interface Visits {
  nodes: Visit[];
  /** Null where the nodes form no OSS cluster. */
  slotsUncovered: number | null;
  refused: string[];
}

interface Topology {
  primaries: Endpoint[];
  slotsUncovered: number;
}

/**
 * Looks at every node of a cache, side by side: those of the connection string, and every primary of an OSS cluster that
 * they belong to. A node that hangs holds up no other, and is given up at its deadline; so the whole takes at most twice
 * the deadline.
 */
export async function visitNodes(
  endpoints: readonly Endpoint[],
  connect: Connect,
  context: LookContext,
  signal: AbortSignal | undefined,
): Promise<Visits> {
  const refused: string[] = [];
  const visit = (endpoint: Endpoint, seed: boolean) =>
    withDeadline(context.clock, context.policy.timeoutMs, signal, (deadline) =>
      visitNode(endpoint, connect, context, deadline, seed, refused),
    );
  const first = await Promise.all(unique(endpoints).map((endpoint) => visit(endpoint, true)));
  const topologies = first.flatMap(({ topology }) => topology ?? []);
  if (topologies.length === 0)
    return { nodes: first.flatMap(({ visit }) => visit ?? []), slotsUncovered: null, refused };
  const primaries = unique(topologies.flatMap((topology) => topology.primaries));
  const names = new Set(primaries.map(endpointName));
  const done = first.flatMap(({ visit: found }) => found ?? []);
  const visited = new Set(done.map(({ node }) => node));
  const rest = await Promise.all(
    primaries.filter((endpoint) => !visited.has(endpointName(endpoint))).map((endpoint) => visit(endpoint, false)),
  );
  return {
    nodes: [...done, ...rest.flatMap(({ visit: found }) => found ?? [])].map((found) =>
      'error' in found ? { ...found, seedOnly: !names.has(found.node) } : found,
    ),
    slotsUncovered: Math.min(...topologies.map(({ slotsUncovered }) => slotsUncovered)),
    refused,
  };
}

/** An endpoint of the connection string that is no primary of its cluster gives the topology alone. */
async function visitNode(
  endpoint: Endpoint,
  connect: Connect,
  context: LookContext,
  signal: AbortSignal,
  seed: boolean,
  refused: string[],
): Promise<{ visit?: Visit; topology?: Topology }> {
  const name = endpointName(endpoint);
  let node: RedisNode | undefined;
  try {
    node = await connect(endpoint, signal);
    const figures = await readNode(node);
    const topology = seed && figures.cluster ? await topologyOf(node, refused) : undefined;
    if (topology && !topology.primaries.some((primary) => endpointName(primary) === name)) return { topology };
    const visit = { node: name, look: await lookAtNode(node, figures, context) };
    return topology ? { visit, topology } : { visit };
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    return { visit: { node: name, error, seedOnly: false } };
  } finally {
    node?.close();
  }
}

async function topologyOf(node: RedisNode, refused: string[]): Promise<Topology | undefined> {
  try {
    return await node.clusterPrimaries();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    refused.push(`${error.message} Only the nodes of the connection string are watched.`);
    return undefined;
  }
}

function unique(endpoints: readonly Endpoint[]): Endpoint[] {
  return [...new Map(endpoints.map((endpoint) => [endpointName(endpoint), endpoint])).values()];
}
