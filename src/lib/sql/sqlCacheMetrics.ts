import { parseDuration } from '../durations.ts';
import { instruments } from '../telemetry/metrics.ts';
import type { CountsReport } from './counts.ts';
import type { IndexReport } from './ensureExpiryIndex.ts';
import type { AnyPurgeReport } from './purgeReport.ts';

export function measureBatch(cache: string, tookMs: number): void {
  instruments.purgeBatchDuration.record(tookMs / 1000, { cache });
}

export function measurePurge(cache: string, trigger: string, report: AnyPurgeReport): void {
  if (!report.dryRun) instruments.purgeDeleted.add(report.deleted, { cache, trigger });
}

export function measureIndex(cache: string, { after }: IndexReport): void {
  instruments.expiryIndexPresent.record(after === 'present' ? 1 : 0, { cache });
}

export function measureCounts(cache: string, report: CountsReport): void {
  instruments.entries.record(report.active.count, { cache, state: 'active' });
  instruments.entries.record(report.expired.count, { cache, state: 'expired' });
  if (report.dataBytes !== null) instruments.size.record(report.dataBytes, { cache, part: 'data' });
  if (report.indexBytes !== null) instruments.size.record(report.indexBytes, { cache, part: 'index' });
  // Unknown, where finding it took too long.
  if (report.oldestExpiredAge === null && report.expired.count > 0) return;
  const ageMs = report.oldestExpiredAge === null ? 0 : (parseDuration(report.oldestExpiredAge) ?? 0);
  instruments.oldestExpiredAge.record(ageMs / 1000, { cache });
}
