import type { Visit } from './visits.ts';

/** Endpoints of the connection string that lead to a node of a cluster under another name: `localhost:7001` → `10.0.0.4:7001`. */
export type Seeds = Record<string, string>;

/** What the visit of an endpoint of the connection string gave. */
export interface SeedVisit {
  endpoint: string;
  /** None where it answered and is not a node under this name: then it told the nodes of its cluster alone. */
  visit?: Visit;
  /** The server that answered. */
  runId?: string | null;
}

/**
 * The nodes behind the endpoints, each under one name: that which its cluster announces. An endpoint that does not answer
 * is the node it last led to, unless that node answers under its own name.
 */
export function oneNameEach(first: readonly SeedVisit[], rest: readonly Visit[], known: Seeds): Visit[] {
  const nodes = new Map([...first.flatMap(({ visit }) => visit ?? []), ...rest].map((visit) => [visit.node, visit]));
  for (const visit of [...nodes.values()]) {
    const node = known[visit.node];
    if (!('error' in visit) || node === undefined) continue;
    const same = nodes.get(node);
    if (same && 'look' in same) continue;
    nodes.delete(visit.node);
    nodes.set(node, same ?? { ...visit, node });
  }
  return [...nodes.values()];
}

/** Which node each endpoint leads to, told by the server's run id; as known before, where that does not show it now. */
export function learnSeeds(first: readonly SeedVisit[], nodes: readonly Visit[], known: Seeds): Seeds {
  const learnt = first.map(({ endpoint, visit, runId }) => {
    if (visit && 'look' in visit) return [endpoint, undefined];
    const same = nodes.filter((node) => 'look' in node && runId && node.look.figures.runId === runId);
    return [endpoint, same.length === 1 ? same[0]?.node : known[endpoint]];
  });
  return Object.fromEntries(learnt.filter(([, node]) => node !== undefined));
}
