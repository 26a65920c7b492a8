import { instruments } from '../telemetry/metrics.ts';
import type { AppReport } from './appReport.ts';

/** Exports what is known; what is unknown is not a value. */
export function measureApp(cache: string, report: AppReport): void {
  const { calls, hitRatio, l1Latency, l2Latency, unreadable, storeErrors, memory } = report;
  for (const [kind, count] of Object.entries(calls ?? {})) instruments.appCalls.record(count, { cache, kind });
  for (const [level, ratio] of Object.entries(hitRatio ?? {})) instruments.appHitRatio.record(ratio, { cache, level });
  if (l1Latency) instruments.appLatency.record(l1Latency.meanMs / 1000, { cache, level: 'l1' });
  if (l2Latency) instruments.appLatency.record(l2Latency.meanMs / 1000, { cache, level: 'l2' });
  if (unreadable.failures !== null) instruments.appUnreadable.record(unreadable.failures, { cache });
  if (storeErrors)
    instruments.appStoreErrors.record(
      storeErrors.reduce((sum, { count }) => sum + count, 0),
      { cache },
    );
  if (report.providerTokensPerUser !== null)
    instruments.appProviderTokens.record(report.providerTokensPerUser, { cache });
  if (!memory) return;
  instruments.appMemory.record(memory.largestBytes, { cache });
  if (memory.bytesPerHour !== null) instruments.appMemoryGrowth.record(memory.bytesPerHour, { cache });
}
