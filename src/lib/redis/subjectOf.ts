import type { NodeLook } from './look.ts';
import type { WatchPolicy } from './policy.ts';
import { changeSince } from './rates.ts';
import type { ResourceMemory } from './resourceMetrics.ts';
import type { StoredNode } from './state.ts';
import { type NodeSubject, summarizePings } from './subject.ts';
import { addPoint, growthPerDay, timeUntilFull } from './trend.ts';
import type { MaxSource } from './watchReport.ts';

/** What is known of the cache beforehand. */
export interface CacheFacts {
  policy: WatchPolicy;
  /** The logical database of the cache. */
  database: number;
  /** Of one node; for servers that do not name it. */
  maxMemoryBytes: number | undefined;
}

interface Beside {
  stored: StoredNode | undefined;
  now: Date;
  resource: ResourceMemory | undefined;
  /** Nodes that share the resource. */
  peers: number;
}

/** A look beside the last one: what the rules judge, and the reading that the next look will compare with. */
export function subjectOf(
  look: NodeLook,
  { database, maxMemoryBytes, policy }: CacheFacts,
  { stored, now, resource, peers }: Beside,
): { subject: NodeSubject; maxFrom: MaxSource | null; reading: StoredNode } {
  const { figures } = look;
  const keysHeld = figures.databases.reduce((sum, { keys }) => sum + keys, 0);
  const change = changeSince(stored, figures, now);
  const memory = memoryOf(figures.memory, maxMemoryBytes, resource, peers);
  const kept = change?.kind === 'same' ? (stored?.trend ?? []) : [];
  const trend = memory.usedBytes === null ? kept : addPoint(kept, [now.getTime(), memory.usedBytes]);
  const bytesPerDay = growthPerDay(trend, policy.thresholds.trendSpanMs);
  const subject: NodeSubject = {
    ...look,
    maxBytes: memory.maxBytes,
    usedBytes: memory.usedBytes,
    utilization: memory.utilization,
    cache: figures.databases.find((each) => each.database === database) ?? { database, keys: 0, keysWithoutTtl: 0 },
    keysHeld,
    change,
    pingSummary: summarizePings(look.pings),
    bytesPerDay,
    untilFullMs: memory.maxBytes ? timeUntilFull(trend, memory.maxBytes, bytesPerDay) : null,
  };
  const reading: StoredNode = {
    at: now.toISOString(),
    runId: figures.runId,
    uptimeSeconds: figures.uptimeSeconds,
    counters: figures.counters,
    keys: keysHeld,
    ownLookups: look.ownLookups,
    trend,
  };
  return { subject, maxFrom: memory.from, reading };
}

interface Memory {
  usedBytes: number | null;
  maxBytes: number | null;
  utilization: number | null;
  from: MaxSource | null;
}

/** The server's own maximum, else the setting's, else Azure Monitor's, whose figures are those of all nodes together. */
function memoryOf(
  { usedBytes, maxBytes }: NodeLook['figures']['memory'],
  setting: number | undefined,
  resource: ResourceMemory | undefined,
  peers: number,
): Memory {
  const max = maxBytes ?? setting ?? null;
  if (max !== null) {
    const utilization = max > 0 && usedBytes !== null ? usedBytes / max : null;
    return { usedBytes, maxBytes: max, utilization, from: maxBytes === null ? 'setting' : 'server' };
  }
  if (!resource) return { usedBytes, maxBytes: null, utilization: null, from: null };
  const { utilization } = resource;
  const used = resource.usedBytes === null ? null : resource.usedBytes / peers;
  return {
    usedBytes: used ?? usedBytes,
    maxBytes: used === null || utilization === 0 ? null : Math.round(used / utilization),
    utilization,
    from: 'azureMonitor',
  };
}
