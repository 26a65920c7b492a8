import { Presets, SingleBar } from 'cli-progress';
import { humanDuration } from '../lib/durations.ts';
import type { PurgeProgress } from '../lib/sql/purgeReport.ts';
import { numberText } from '../lib/sql/summaries.ts';

/** A progress bar on stderr: deleted of expired, rows a second, time left. */
export function purgeProgressBar(cache: string) {
  const bar = new SingleBar(
    {
      format: `purge ${cache} {bar} {percentage} % | {deleted} of {expired} | {rate} rows/s | {left}`,
      hideCursor: true,
      clearOnComplete: false,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  let started = false;
  return {
    update({ deleted, expired, elapsedMs }: PurgeProgress): void {
      const total = Math.max(expired ?? 0, deleted);
      const rate = deleted / Math.max(1, elapsedMs);
      const payload = {
        deleted: numberText(deleted),
        expired: expired === undefined ? 'unknown' : numberText(total),
        rate: numberText(Math.round(rate * 1000)),
        left: expired === undefined ? '' : `${humanDuration((total - deleted) / rate)} left`,
      };
      if (!started) bar.start(total, deleted, payload);
      started = true;
      bar.setTotal(total);
      bar.update(deleted, payload);
    },
    stop(): void {
      if (started) bar.stop();
    },
  };
}

/** The same for a clear, whose end is not known beforehand: deleted, rows a second. */
export function deletionBar(cache: string) {
  const start = performance.now();
  let last: number | undefined;
  return {
    update(deleted: number): void {
      last = deleted;
      const rate = Math.round((deleted * 1000) / Math.max(1, performance.now() - start));
      process.stderr.write(`\rclear ${cache} | ${numberText(deleted)} deleted | ${numberText(rate)} entries/s  `);
    },
    stop(): void {
      if (last !== undefined) process.stderr.write('\n');
    },
  };
}
