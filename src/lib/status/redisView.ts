import { z } from 'zod';
import type { RunRecord } from '../runs/recordStore.ts';
import { numberText } from '../sqlCache/summaries.ts';
import { bytesText, percentText } from '../wording.ts';
import { failure } from './cacheFindings.ts';
import type { Finding } from './finding.ts';
import { type Plot, rangeOf, type Tone } from './plot.ts';
import { read } from './reports.ts';

/** What is known of a Redis cache: its watches, the newest first. */
export interface RedisRuns {
  name: string;
  watches: readonly RunRecord[];
}

export interface RedisView {
  name: string;
  at: string | null;
  nodes: RedisNodeView[];
  plots: Plot[];
}

export interface RedisNodeView {
  node: string;
  up: boolean;
  /** Used of the maximum, 0 to 1; null where either is not known. */
  utilization: number | null;
  memory: string;
  evictions: string;
}

const nullish = z.number().nullable().catch(null);
const nodeUp = z.object({
  node: z.string(),
  up: z.literal(true),
  memory: z.object({ usedBytes: nullish, maxBytes: nullish, utilization: nullish }),
  sinceLastLook: z
    .object({ at: z.string(), counts: z.object({ evicted: nullish }) })
    .nullable()
    .catch(null),
});
const nodeDown = z.object({ node: z.string(), up: z.literal(false), step: z.string().catch('unknown') });
const watch = z.object({
  nodes: z.array(z.union([nodeUp, nodeDown])),
  findings: z
    .array(
      z.object({
        check: z.string(),
        level: z.enum(['info', 'warning', 'critical']),
        node: z.string().nullable(),
        what: z.string(),
        advice: z.string(),
        since: z.string().nullable().catch(null),
      }),
    )
    .catch([]),
});
type Watch = z.infer<typeof watch>;
type Node = Watch['nodes'][number];
interface Look {
  at: number;
  nodes: Map<string, Node>;
}

export function redisView({ name, watches }: RedisRuns): RedisView {
  const looks = [...watches].reverse().flatMap((record): Look[] => {
    const report = read(watch, record);
    const at = Date.parse(record.startedAt) / 1000;
    return report ? [{ at, nodes: new Map(report.nodes.map((node) => [node.node, node])) }] : [];
  });
  const newest = watches.find((record) => read(watch, record));
  const nodes = [...(looks.at(-1)?.nodes.values() ?? [])];
  return {
    name,
    at: newest?.startedAt ?? null,
    nodes: nodes.map(nodeView),
    plots:
      nodes.length === 0
        ? []
        : [...nodes.map((node, index) => memoryPlot(name, node.node, index, looks)), evictionPlot(name, looks)],
  };
}

/** The findings of the newest watch, as the watch judged them. */
export function redisFindings({ name, watches }: RedisRuns): Finding[] {
  const findings = read(watch, watches[0])?.findings ?? [];
  return [
    ...failure(watches),
    ...findings.map(({ level, check, node, what, advice, since }): Finding => {
      return {
        level,
        subject: node === null ? `${name}, ${check}` : `${name}, ${check}, ${node}`,
        what,
        advice,
        since,
      };
    }),
  ];
}

function nodeView(node: Node): RedisNodeView {
  if (!node.up) {
    const memory = `not reached (${node.step})`;
    return { node: node.node, up: false, utilization: null, memory, evictions: 'unknown' };
  }
  const { usedBytes, maxBytes, utilization } = node.memory;
  const used = usedBytes === null ? 'an unknown amount' : bytesText(usedBytes);
  const of = maxBytes === null ? ', limit unknown' : maxBytes === 0 ? ', no limit set' : ` of ${bytesText(maxBytes)}`;
  const share = utilization === null ? '' : ` (${percentText(utilization * 100)})`;
  const evicted = node.sinceLastLook?.counts.evicted;
  return {
    node: node.node,
    up: true,
    utilization,
    memory: `${used}${of}${share}`,
    evictions: evicted == null ? 'unknown until the next look' : `${numberText(evicted)} since the look before`,
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

/** Of all nodes together: an entry evicted anywhere is a user who signs in again. */
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
    summary: total === 0 ? 'No eviction was seen.' : `${numberText(total)} evicted over these looks.`,
  };
}
