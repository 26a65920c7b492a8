import { withDeadline } from '../inTime.ts';
import { type LookContext, lookAtNode, type NodeLook, readNode } from './look.ts';
import { type Endpoint, endpointName, type RedisConnection, unique } from './redisConnection.ts';
import type { Connect, RedisNode } from './redisNode.ts';
import { learnSeeds, oneNameEach, type Seeds, type SeedVisit } from './seeds.ts';
import type { SentinelView, SentinelVisit } from './sentinel.ts';
import { RefusedError, UnreachableError } from './unreachable.ts';

export type Visit = { node: string } & ({ look: NodeLook } | { error: UnreachableError; seedOnly: boolean });

/** All nodes of a cache, each looked at or found unreachable. */
export interface Visits {
  nodes: Visit[];
  /** The Sentinels that watch the nodes: those of the connection string, and those that these name. */
  sentinels: SentinelVisit[];
  /** Null where the nodes form no OSS cluster. */
  slotsUncovered: number | null;
  refused: string[];
  seeds: Seeds;
  /** Endpoints that answered and are not nodes under these names. */
  answered: string[];
}

interface Topology {
  primaries: Endpoint[];
  slotsUncovered: number;
}

/**
 * Looks at every node of a cache, side by side: those of the connection string, and every primary of an OSS cluster that
 * they belong to; where they are Sentinels, the primary that these name, its replicas, and the other Sentinels. A node that hangs holds up no other, and is given up at its deadline; so the whole takes at most twice
 * the deadline.
 */
export async function visitNodes(
  { endpoints, serviceName }: Pick<RedisConnection, 'endpoints' | 'serviceName'>,
  connect: Connect,
  context: LookContext,
  signal: AbortSignal | undefined,
  known: Seeds,
): Promise<Visits> {
  const refused: string[] = [];
  const visit = (endpoint: Endpoint, seed: boolean) =>
    withDeadline(context.clock, context.policy.timeoutMs, signal, (deadline) =>
      visitNode(endpoint, connect, context, deadline, seed, refused),
    );
  const first = await Promise.all(unique(endpoints).map((endpoint) => visit(endpoint, true)));
  const topologies = first.flatMap(({ topology }) => topology ?? []);
  const primaries = unique(topologies.flatMap((topology) => topology.primaries));
  const views = first.flatMap(({ sentinel }) => sentinel ?? []);
  const watched = unique(views.map((view) => view.primary));
  const names = new Set([...primaries, ...watched].map(endpointName));
  const visited = new Set(
    first.flatMap(({ endpoint, visit: found, sentinel }) => found?.node ?? (sentinel ? endpoint : [])),
  );
  const rest = await Promise.all(
    unique([...primaries, ...watched, ...views.flatMap(({ replicas, others }) => [...replicas, ...others])])
      .filter((endpoint) => !visited.has(endpointName(endpoint)))
      .map((endpoint) => visit(endpoint, false)),
  );
  const others = rest.flatMap(({ visit: found }) => found ?? []);
  const cluster = topologies.length > 0;
  const askedSentinels = new Set([
    ...views.flatMap((view) => view.others.map(endpointName)),
    ...(serviceName === undefined ? [] : endpoints.map(endpointName)),
  ]);
  const isSentinel = ({ node }: Visit) => askedSentinels.has(node);
  const all = oneNameEach(first, others, known).map((found) =>
    'error' in found ? { ...found, seedOnly: names.size > 0 && !names.has(found.node) } : found,
  );
  const nodes = all.filter((found) => !('error' in found && isSentinel(found)));
  return {
    nodes,
    sentinels: [
      ...[...first, ...rest].flatMap(({ endpoint: node, sentinel: view }) => (view ? { node, view } : [])),
      ...all.flatMap((found) =>
        'error' in found && isSentinel(found) ? { node: found.node, error: found.error } : [],
      ),
    ],
    slotsUncovered: cluster ? Math.min(...topologies.map(({ slotsUncovered }) => slotsUncovered)) : null,
    refused,
    seeds: learnSeeds(first, nodes, known),
    answered: first.flatMap(({ endpoint, visit: found }) => (found ? [] : endpoint)),
  };
}

/** An endpoint of the connection string that is not a primary of its cluster gives the topology alone. */
async function visitNode(
  endpoint: Endpoint,
  connect: Connect,
  context: LookContext,
  signal: AbortSignal,
  seed: boolean,
  refused: string[],
): Promise<SeedVisit & { topology?: Topology; sentinel?: SentinelView }> {
  const name = endpointName(endpoint);
  let node: RedisNode | undefined;
  try {
    node = await connect(endpoint, signal);
    const figures = await readNode(node);
    const sentinel = figures.sentinel ? await node.sentinel() : undefined;
    if (sentinel) return { endpoint: name, sentinel, runId: figures.runId };
    const topology = seed && figures.cluster ? await topologyOf(node, refused) : undefined;
    if (topology && !topology.primaries.some((primary) => endpointName(primary) === name))
      return { endpoint: name, topology, runId: figures.runId };
    const visit = { node: name, look: await lookAtNode(node, figures, context) };
    return { endpoint: name, visit, ...(topology && { topology }) };
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    return { endpoint: name, visit: { node: name, error, seedOnly: false } };
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
