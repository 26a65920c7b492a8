import { type Judged, judge, unreachableFinding } from './judge.ts';
import type { RedisConnection } from './redisConnection.ts';
import { cacheRules, nodeRules, unreachableCheck } from './rules/rules.ts';
import { keepAbsent, levelKey, type WatchState } from './state.ts';
import { type CacheFacts, type ResourceMemory, subjectOf } from './subject.ts';
import type { Visits } from './visits.ts';
import { type NodeReport, nodeReport, type Unjudged, type WatchFinding } from './watchReport.ts';

/** What Azure Monitor said, or why it could not be asked. */
export interface ResourceReading {
  memory?: ResourceMemory;
  problem: string | null;
}

export interface Beside {
  /** What the last look left. */
  state: WatchState;
  resource: ResourceReading;
  now: Date;
}

export interface Assessment {
  nodes: NodeReport[];
  findings: WatchFinding[];
  unjudged: Unjudged[];
  /** See {@link WatchReport.recovered}. */
  recovered: string[];
  /** What this look leaves for the next one. */
  next: WatchState;
}

/** What the visits mean, beside the last look. Nothing is read or written here. */
export function assess(
  { nodes: visits, sentinels, slotsUncovered, refused, seeds, answered }: Visits,
  cache: CacheFacts & { connection: RedisConnection },
  { state, resource, now }: Beside,
): Assessment {
  const { thresholds } = cache.policy;
  const next: WatchState = { nodes: {}, levels: {}, seeds };
  const levels = { held: state.levels, next: next.levels, now };
  const nodes: NodeReport[] = [];
  const findings: WatchFinding[] = [];
  const unjudged: Unjudged[] = [];
  const add = (judged: Judged) => {
    findings.push(...judged.findings);
    unjudged.push(...judged.unjudged);
  };
  const allRefused = [...refused];
  for (const visit of visits) {
    const { node } = visit;
    if ('error' in visit) {
      nodes.push({ node, up: false, step: visit.error.step });
      findings.push(unreachableFinding(node, visit.error, visit.seedOnly, levels));
      continue;
    }
    const beside = { stored: state.nodes[node], now, resource: resource.memory, peers: visits.length };
    const { subject, reading } = subjectOf(visit.look, cache, beside);
    next.nodes[node] = reading;
    allRefused.push(...visit.look.refused);
    nodes.push(nodeReport(node, subject));
    add(judge(nodeRules, subject, node, thresholds, levels));
  }
  const told = sentinels.flatMap((visit) => ('view' in visit ? visit : []));
  for (const visit of sentinels)
    if ('error' in visit) findings.push(unreachableFinding(visit.node, visit.error, told.length > 0, levels));
  const whole = {
    sentinels: told,
    connection: cache.connection,
    slotsUncovered,
    cluster: visits.some((visit) => 'look' in visit && visit.look.figures.cluster),
    refused: allRefused,
    resourceProblem: resource.problem,
  };
  add(judge(cacheRules, whole, null, thresholds, levels));
  keepAbsent(state, next, new Set(nodes.flatMap(({ node, up }) => (up ? [node] : []))), now);
  // Under the name of its node too: that may now be a replica, which is not looked at.
  const recovered = answered
    .flatMap((endpoint) => [endpoint, seeds[endpoint] ?? endpoint])
    .filter((name) => state.levels[levelKey(unreachableCheck, name)] && !nodes.some(({ node }) => node === name));
  return { nodes, findings, unjudged, recovered: [...new Set(recovered)], next };
}
