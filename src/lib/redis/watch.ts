import { MaintenanceError } from '../errors.ts';
import { withDeadline } from '../inTime.ts';
import { worst, worstFirst } from '../level.ts';
import { assess, type ResourceReading } from './assess.ts';
import { recordStoreFinding } from './judge.ts';
import type { LookContext } from './look.ts';
import type { RedisConnection } from './redisConnection.ts';
import type { Connect } from './redisNode.ts';
import { kept, lastState, type StateStore } from './state.ts';
import type { ResourceMemory } from './subject.ts';
import { type Visit, type Visits, visitNodes } from './visits.ts';
import { type NodeReport, sentinelReport, type WatchReport } from './watchReport.ts';

export interface WatchContext extends LookContext {
  connection: RedisConnection;
  connect: Connect;
  state: StateStore;
  /** The memory of one node, where the server does not name it. */
  maxMemoryBytes: number | undefined;
  /**
   * The newest measurement of the Azure resource, undefined where there is none of late: for services whose INFO does not
   * say how full they are. Rejects with a MaintenanceError `resource_metrics_unavailable`.
   */
  resource: ((signal: AbortSignal) => Promise<ResourceMemory | undefined>) | undefined;
}

export interface WatchRequest {
  /** Looks, and leaves the last readings and levels as they are. */
  dryRun?: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Looks at every node of a Redis cache once, and says what that means for the sign-ins. Reads only, on one connection a
 * node, which it closes. A node that cannot be reached is a finding; whatever hangs is given up at its deadline.
 * @throws MaintenanceError `watch_aborted` where `signal` ended it
 */
export async function watchRedis(
  context: WatchContext,
  { dryRun = false, signal }: WatchRequest = {},
): Promise<WatchReport> {
  const { connection, clock } = context;
  const { state, unread } = await lastState(context.state);
  const visits = await visitNodes(connection, context.connect, context, signal, state.seeds);
  if (signal?.aborted) throw aborted();
  const resource = await resourceMemory(visits.nodes, context, signal);
  const now = clock.now();
  const { nodes, findings, unjudged, recovered, next } = assess(visits, context, { state, resource, now });
  const unwritten = !dryRun && !(await kept(context.state, next));
  if (unread || unwritten) findings.push(recordStoreFinding(unread, now));
  return {
    dryRun,
    deployment: deploymentOf(visits, nodes),
    database: connection.database,
    level: worst(findings) ?? 'ok',
    findings: worstFirst(findings),
    ...(unjudged.length > 0 && { unjudged }),
    nodes,
    ...(visits.sentinels.length > 0 && { sentinels: visits.sentinels.map(sentinelReport) }),
    ...(recovered.length > 0 && { recovered }),
  };
}

function deploymentOf({ slotsUncovered, sentinels }: Visits, nodes: NodeReport[]): WatchReport['deployment'] {
  if (slotsUncovered !== null) return 'cluster';
  if (sentinels.length > 0) return 'sentinel';
  return replicated(nodes) ? 'replicated' : 'single';
}

function replicated(nodes: NodeReport[]): boolean {
  return (
    nodes.length > 1 ||
    nodes.some((node) => node.up && (node.role === 'replica' || (node.replication.replicas ?? 0) > 0))
  );
}

/** Asked for only where a node leaves its maximum open: most servers name it themselves. */
async function resourceMemory(
  visits: Visit[],
  { resource, maxMemoryBytes, policy, clock }: WatchContext,
  signal: AbortSignal | undefined,
): Promise<ResourceReading> {
  const open = visits.some((visit) => 'look' in visit && visit.look.figures.memory.maxBytes === null);
  if (!resource || !open || maxMemoryBytes !== undefined) return { problem: null };
  try {
    const memory = await withDeadline(clock, policy.timeoutMs, signal, resource);
    return memory ? { memory, problem: null } : { problem: 'Azure Monitor has no measurement of the last half hour.' };
  } catch (error) {
    if (!(error instanceof MaintenanceError)) throw error;
    return { problem: error.message };
  }
}

function aborted(): MaintenanceError {
  return new MaintenanceError(
    'watch_aborted',
    'The watch was stopped before it had looked at every node.',
    'Nothing needs to be done: the next run looks again.',
  );
}
