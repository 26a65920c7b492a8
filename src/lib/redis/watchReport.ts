import { z } from 'zod';
import { formatDuration } from '../durations.ts';
import { level } from '../level.ts';
import { toldSample } from './keySample.ts';
import { persistenceKind } from './look.ts';
import {
  type Counters,
  clientFigures,
  counters,
  databaseFigures,
  memoryFigures,
  nodeRole,
  replicationFigures,
} from './nodeFigures.ts';
import { endpointName } from './redisConnection.ts';
import { earlierCheckNames } from './rules/rules.ts';
import type { SentinelVisit } from './sentinel.ts';
import { maxSource, type NodeSubject, pingSummary } from './subject.ts';
import { step } from './unreachable.ts';

const watchFinding = z.object({
  check: z.string(),
  level,
  node: z.string().nullable().meta({ description: 'Null where it concerns the whole cache.' }),
  what: z.string(),
  advice: z.string(),
  since: z.iso.datetime().meta({ description: 'When the level was entered.' }),
  step: step.optional().meta({ description: 'Of an unreachable node: the step that failed.' }),
});
export type WatchFinding = z.infer<typeof watchFinding>;

const unjudged = z.object({
  check: z.string(),
  node: z.string().nullable().meta({ description: 'Null where it concerns the whole cache.' }),
  missing: z.string().meta({ description: 'What the server does not give, in words.' }),
});
export type Unjudged = z.infer<typeof unjudged>;

const nodeDown = z.object({ node: z.string(), up: z.literal(false), step });
type NodeDown = z.infer<typeof nodeDown>;

const sentinelUp = z.object({
  node: z.string(),
  up: z.literal(true),
  service: z.string().meta({ description: 'The name under which it watches the primary.' }),
  primary: z.string(),
  primaryDown: z.enum(['objective', 'subjective']).nullable().meta({
    description: '`subjective`: it does not reach the primary; `objective`: so many do not that a failover is due.',
  }),
  quorum: z.boolean().nullable().meta({ description: 'Enough Sentinels reach each other to agree on a failover.' }),
});

const share = z.number().nullable();

const nodeUp = z.object({
  node: z.string(),
  up: z.literal(true),
  software: z.string(),
  role: nodeRole,
  uptime: z.iso.duration().nullable(),
  memory: memoryFigures.extend({
    utilization: share.meta({ description: 'Of the maximum, 0 to 1.' }),
    maxFrom: maxSource.nullable().meta({ description: 'Where the maximum was found.' }),
    bytesPerDay: z.number().nullable(),
    untilFull: z.iso.duration().nullable(),
  }),
  counters: counters.meta({ description: "Since the server's start." }),
  sinceLastLook: z
    .object({
      at: z.iso.datetime(),
      kind: z.enum(['same', 'restarted', 'failover']),
      duration: z.iso.duration(),
      counts: counters,
      perSecond: counters,
    })
    .nullable()
    .meta({ description: 'Null at the first look.' }),
  hitRatio: share.meta({
    description: '0 to 1, of the look-ups since the last look, or since the start at the first one.',
  }),
  clients: clientFigures,
  databases: z
    .array(databaseFigures)
    .nullable()
    .meta({ description: 'Those that hold keys; null where the server does not say it.' }),
  keysWithoutTtlRatio: share.meta({ description: "Of the cache's database, 0 to 1." }),
  keySample: toldSample.nullable(),
  keyRing: z.boolean().nullable().meta({ description: 'Null where it was not looked for, as on a replica.' }),
  persistence: z.object({
    kind: persistenceKind,
    lastSaveAt: z.iso.datetime().nullable(),
    lastSaveOk: z.boolean().nullable(),
    changesSinceSave: z.number().nullable(),
  }),
  replication: replicationFigures,
  pingMilliseconds: pingSummary.nullable(),
});
export type NodeUp = z.infer<typeof nodeUp>;
export type NodeReport = NodeUp | NodeDown;

/** What a watch tells about a cache. */
export const watchReport = z
  .object({
    dryRun: z.boolean(),
    deployment: z.enum(['single', 'replicated', 'cluster', 'sentinel']),
    database: z.int(),
    level: z
      .enum([...level.options, 'ok'])
      .meta({ description: 'The worst of the findings; `ok` where there is none.' }),
    findings: z.array(watchFinding).meta({ description: 'The worst first.' }),
    // Reports of earlier versions have none.
    unjudged: z
      .array(unjudged)
      .optional()
      .meta({ description: 'Checks that could not be judged: the server does not give their figures.' }),
    nodes: z.array(z.discriminatedUnion('up', [nodeUp, nodeDown])),
    sentinels: z
      .array(z.discriminatedUnion('up', [sentinelUp, nodeDown]))
      .optional()
      .meta({ description: 'Where the connection string leads to Sentinels.' }),
    recovered: z.array(z.string()).optional().meta({
      description:
        'Endpoints that were unreachable at the last look and answer now, though no node has their name: a node of a cluster under another name, or its replica.',
    }),
  })
  .meta({ id: 'WatchReport' });
export type WatchReport = z.infer<typeof watchReport>;

const earlierReport = z.looseObject({
  findings: z.array(z.looseObject({ check: z.string(), level, evidence: z.string() })),
  nodes: z.array(z.looseObject({ pingMilliseconds: z.looseObject({ p95: z.number() }).nullish() })),
});

/** A report of an earlier version in the present shape; undefined where the report is not one. */
export function earlier(report: unknown): unknown {
  const { data } = earlierReport.safeParse(report);
  return (
    data && {
      ...data,
      findings: data.findings.map(({ evidence, ...finding }) => ({
        ...finding,
        check: earlierCheckNames[finding.check]?.(finding.level) ?? finding.check,
        what: evidence,
      })),
      nodes: data.nodes.map(({ pingMilliseconds: ping, ...node }) => ({
        ...node,
        ...(ping !== undefined && {
          pingMilliseconds: ping && { ...ping, eventLoopDelay: 0, p95WithoutDelay: ping.p95 },
        }),
      })),
    }
  );
}

export function sentinelReport(visit: SentinelVisit): NonNullable<WatchReport['sentinels']>[number] {
  const { node } = visit;
  if ('error' in visit) return { node, up: false, step: visit.error.step };
  const { service, primary, primaryDown, quorum } = visit.view;
  return { node, up: true, service, primary: endpointName(primary), primaryDown, quorum };
}

export function nodeReport(node: string, subject: NodeSubject): NodeUp {
  const { figures, change, cache, usedBytes, maxBytes, utilization, maxFrom, bytesPerDay, untilFullMs } = subject;
  const { software, role, counters, clients, databases, replication, uptimeSeconds } = figures;
  const { lastSaveAt, lastSaveOk, changesSinceSave } = figures.persistence;
  const untilFull = untilFullMs === null ? null : formatDuration(untilFullMs);
  return {
    node,
    up: true,
    software,
    role,
    counters,
    clients,
    databases,
    replication,
    uptime: uptimeSeconds === null ? null : formatDuration(uptimeSeconds * 1000),
    memory: { ...figures.memory, usedBytes, maxBytes, utilization, maxFrom, bytesPerDay, untilFull },
    sinceLastLook: change && {
      at: change.since,
      kind: change.kind,
      duration: formatDuration(change.seconds * 1000),
      counts: change.counts,
      perSecond: perSecond(change.counts, change.seconds),
    },
    hitRatio: hitRatio(change?.counts ?? figures.counters),
    keysWithoutTtlRatio: !cache.keys || cache.keysWithoutTtl === null ? null : cache.keysWithoutTtl / cache.keys,
    keySample: toldSample.nullable().parse(subject.sample),
    keyRing: subject.keyRing,
    persistence: {
      kind: subject.persistence,
      lastSaveAt: lastSaveAt === null ? null : new Date(lastSaveAt * 1000).toISOString(),
      lastSaveOk,
      changesSinceSave,
    },
    pingMilliseconds: subject.pingSummary,
  };
}

function perSecond(counts: Counters, seconds: number): Counters {
  const rates = Object.entries(counts).map(([name, count]) => [
    name,
    count === null || seconds <= 0 ? null : Math.round(((count as number) / seconds) * 1000) / 1000,
  ]);
  return Object.fromEntries(rates) as Counters;
}

function hitRatio({ hits, misses }: Counters): number | null {
  return hits === null || misses === null || hits + misses === 0 ? null : hits / (hits + misses);
}
