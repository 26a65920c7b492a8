import type { RedisCacheRecords } from '../../findings/subjectRecords.ts';
import type { NodeReport, WatchReport } from '../../redis/watchReport.ts';
import { numberText } from '../../sql/summaries.ts';
import { bytesText, countOf, percentText } from '../../wording.ts';
import { type Plot, rangeOf, type Tone } from './plot.ts';
import { runningText } from './runningText.ts';

interface Look {
  at: number;
  nodes: Map<string, NodeReport>;
}

export type RedisView = ReturnType<typeof redisView>;

/** A Redis cache as the page shows it. */
export function redisView({ name, redis, running }: RedisCacheRecords) {
  const looks = [...redis.shown].reverse().flatMap(({ startedAt, report }): Look[] => {
    const at = Date.parse(startedAt) / 1000;
    return report ? [{ at, nodes: new Map(report.nodes.map((node) => [node.node, node])) }] : [];
  });
  const newest = redis.shown.find(({ report }) => report);
  const nodes = [...(looks.at(-1)?.nodes.values() ?? [])];
  return {
    name,
    at: newest?.startedAt ?? null,
    running: runningText(running),
    nodes: nodes.map(nodeView),
    sentinels: sentinelsText(newest?.report?.sentinels),
    notTold: [...new Set(newest?.report?.unjudged?.map(({ missing }) => missing))],
    plots:
      nodes.length === 0
        ? []
        : [...nodes.map((node, index) => memoryPlot(name, node.node, index, looks)), evictionPlot(name, looks)],
  };
}

function sentinelsText(sentinels: WatchReport['sentinels'] = []): string | null {
  if (sentinels.length === 0) return null;
  const up = sentinels.flatMap((sentinel) => (sentinel.up ? sentinel : []));
  const primaries = [...new Set(up.map(({ primary }) => primary))];
  const named = primaries.length === 0 ? '' : `; the primary is ${primaries.join(' or ')}`;
  return `${up.length} of ${countOf(sentinels.length, 'Sentinel')} answered${named}.`;
}

function nodeView(node: NodeReport) {
  if (!node.up) {
    const memory = `not reached (${node.step})`;
    return { node: node.node, up: false, utilization: null, memory, evictions: 'unknown' };
  }
  const { usedBytes, maxBytes, utilization } = node.memory;
  const used = usedBytes === null ? 'an unknown amount' : bytesText(usedBytes);
  const of = maxBytes === null ? ', limit unknown' : maxBytes === 0 ? ', no limit set' : ` of ${bytesText(maxBytes)}`;
  const share = utilization === null ? '' : ` (${percentText(utilization * 100)})`;
  const evicted = node.sinceLastLook?.counts.evicted;
  const untold = node.counters.evicted === null ? 'not counted by this server' : 'unknown until the next look';
  return {
    node: node.node,
    up: true,
    utilization,
    memory: `${used}${of}${share}`,
    evictions: evicted == null ? untold : `${numberText(evicted)} since the look before`,
  };
}

function memoryPlot(cache: string, node: string, index: number, looks: readonly Look[]): Plot {
  const memory = looks.map(({ nodes }) => {
    const seen = nodes.get(node);
    return seen?.up ? seen.memory : undefined;
  });
  const used = memory.map((figures) => figures?.usedBytes ?? null);
  const limit = memory.map((figures) => figures?.maxBytes || null);
  const range = rangeOf(used);
  const most = rangeOf(limit)?.greatest;
  const between = range ? `Between ${bytesText(range.least)} and ${bytesText(range.greatest)}` : 'Never read';
  return {
    id: `${cache}-memory-${index}`,
    title: `Memory of ${node}`,
    kind: 'lines',
    unit: 'bytes',
    times: looks.map(({ at }) => at),
    series: [
      { label: 'Used', tone: 'first', values: used },
      ...(most === undefined ? [] : [{ label: 'Limit', tone: 'limit' as Tone, values: limit }]),
    ],
    summary: most === undefined ? `${between}; no limit is known.` : `${between}; the limit is ${bytesText(most)}.`,
  };
}

/** All nodes together: an entry evicted anywhere is a user who signs in again. */
function evictionPlot(cache: string, looks: readonly Look[]): Plot {
  const evicted = looks.map(({ nodes }) => {
    const known = [...nodes.values()].flatMap((node) => (node.up ? (node.sinceLastLook?.counts.evicted ?? []) : []));
    return known.length === 0 ? null : known.reduce((sum, count) => sum + count, 0);
  });
  const total = evicted.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  return {
    id: `${cache}-evictions`,
    title: 'Evicted entries, from look to look',
    kind: 'bars',
    unit: 'count',
    times: looks.map(({ at }) => at),
    series: [{ label: 'Evicted', tone: 'second', values: evicted }],
    summary: evicted.every((count) => count === null)
      ? 'Not known.'
      : total === 0
        ? 'No eviction was seen.'
        : `${numberText(total)} evicted over these looks.`,
  };
}
