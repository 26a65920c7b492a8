import { formatDuration } from '../durations.ts';
import type { KeySample } from './keySample.ts';
import type { Level } from './levels.ts';
import type { Counters, NodeFigures } from './nodeFigures.ts';
import type { NodeSubject, PingSummary } from './subject.ts';
import type { Step } from './unreachable.ts';

/** What a watch tells about a cache. */
export interface WatchReport {
  dryRun: boolean;
  deployment: 'single' | 'replicated' | 'cluster';
  database: number;
  /** The gravest level of the findings; `ok` where there is none. */
  level: Level | 'ok';
  /** The gravest first. */
  findings: Finding[];
  nodes: NodeReport[];
}

export interface Finding {
  check: string;
  level: Level;
  /** Null where it concerns the whole cache. */
  node: string | null;
  evidence: string;
  advice: string;
  /** When the level was entered, ISO 8601. */
  since: string;
  /** Of an unreachable node: the step that failed. */
  step?: Step;
}

export type NodeReport = NodeUp | NodeDown;

export interface NodeDown {
  node: string;
  up: false;
  step: Step;
}

export interface NodeUp {
  node: string;
  up: true;
  software: string;
  role: NodeFigures['role'];
  uptime: string | null;
  memory: NodeFigures['memory'] & {
    /** Of the maximum, 0 to 1. */
    utilization: number | null;
    maxFrom: MaxSource | null;
    bytesPerDay: number | null;
    untilFull: string | null;
  };
  /** Since the server's start. */
  counters: Counters;
  /** Since the last look; null at the first one. */
  sinceLastLook: {
    at: string;
    kind: 'same' | 'restarted' | 'failover';
    duration: string;
    counts: Counters;
    perSecond: Counters;
  } | null;
  /** 0 to 1, of the look-ups since the last look, or since the start at the first one. */
  hitRatio: number | null;
  clients: NodeFigures['clients'];
  databases: NodeFigures['databases'];
  /** Of the cache's database, 0 to 1. */
  keysWithoutTtlRatio: number | null;
  keySample: Omit<KeySample, 'lookups'> | null;
  keyRing: boolean;
  persistence: { kind: string; lastSaveAt: string | null; lastSaveOk: boolean | null; changesSinceSave: number | null };
  replication: NodeFigures['replication'];
  pingMilliseconds: PingSummary | null;
}

/** Where the maximum of the memory was found. */
export type MaxSource = 'server' | 'setting' | 'azureMonitor';

export function nodeReport(node: string, subject: NodeSubject, maxFrom: MaxSource | null): NodeUp {
  const { figures, change, cache } = subject;
  return {
    node,
    up: true,
    software: figures.software,
    role: figures.role,
    uptime: figures.uptimeSeconds === null ? null : formatDuration(figures.uptimeSeconds * 1000),
    memory: {
      ...figures.memory,
      usedBytes: subject.usedBytes,
      maxBytes: subject.maxBytes,
      utilization: subject.utilization,
      maxFrom,
      bytesPerDay: subject.bytesPerDay,
      untilFull: subject.untilFullMs === null ? null : formatDuration(subject.untilFullMs),
    },
    counters: figures.counters,
    sinceLastLook: change && {
      at: change.since,
      kind: change.kind,
      duration: formatDuration(change.seconds * 1000),
      counts: change.counts,
      perSecond: perSecond(change.counts, change.seconds),
    },
    hitRatio: hitRatio(change?.counts ?? figures.counters),
    clients: figures.clients,
    databases: figures.databases,
    keysWithoutTtlRatio: cache.keys === 0 ? null : cache.keysWithoutTtl / cache.keys,
    keySample: subject.sample && {
      keys: subject.sample.keys,
      complete: subject.sample.complete,
      userShare: subject.sample.userShare,
      groups: subject.sample.groups,
    },
    keyRing: subject.keyRing,
    persistence: {
      kind: subject.persistence,
      lastSaveAt:
        figures.persistence.lastSaveAt === null ? null : new Date(figures.persistence.lastSaveAt * 1000).toISOString(),
      lastSaveOk: figures.persistence.lastSaveOk,
      changesSinceSave: figures.persistence.changesSinceSave,
    },
    replication: figures.replication,
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
