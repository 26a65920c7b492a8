import { instruments } from '../telemetry/metrics.ts';
import type { NodeUp, WatchReport } from './watchReport.ts';

/** Exports a report. A dry run counts nothing: the next look would count the same again. */
export function measureWatch(cache: string, { nodes, sentinels = [], recovered = [], dryRun }: WatchReport): void {
  for (const node of nodes) {
    instruments.redisUp.record(node.up ? 1 : 0, { cache, node: node.node });
    if (node.up) measureNode(cache, node, dryRun);
  }
  for (const { node, up } of sentinels) instruments.redisUp.record(up ? 1 : 0, { cache, node });
  for (const node of recovered) instruments.redisUp.record(1, { cache, node });
}

export function measurePing(cache: string, node: string, ms: number): void {
  instruments.redisPing.record(ms / 1000, { cache, node });
}

function measureNode(cache: string, { node, memory, sinceLastLook, ...rest }: NodeUp, dryRun: boolean): void {
  const attributes = { cache, node };
  if (memory.usedBytes !== null) instruments.redisMemoryUsed.record(memory.usedBytes, attributes);
  if (memory.maxBytes !== null) instruments.redisMemoryMax.record(memory.maxBytes, attributes);
  if (memory.utilization !== null) instruments.redisMemoryUtilization.record(memory.utilization, attributes);
  if (memory.fragmentationRatio !== null) instruments.redisFragmentation.record(memory.fragmentationRatio, attributes);
  if (rest.keysWithoutTtlRatio !== null) instruments.redisWithoutTtl.record(rest.keysWithoutTtlRatio, attributes);
  if (rest.hitRatio !== null) instruments.redisHitRatio.record(rest.hitRatio, attributes);
  if (dryRun || !sinceLastLook) return;
  const { evicted, expired } = sinceLastLook.counts;
  if (evicted !== null) instruments.redisEvicted.add(evicted, attributes);
  if (expired !== null) instruments.redisExpired.add(expired, attributes);
}
