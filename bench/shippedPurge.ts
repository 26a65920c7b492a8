import { now, type PurgeDone } from './children.ts';
import { table } from './ways.ts';

/** The purge as it is deployed, with its default settings except what would end or hold a measurement. */
export async function shippedPurge(
  url: string,
  pauseRatio?: number,
): Promise<() => Promise<Pick<PurgeDone, 'deleted' | 'deletingFrom' | 'notes'>>> {
  const [{ systemClock }, { readSettings }, { openTable }, { purge }] = await Promise.all([
    import('../src/lib/clock.ts'),
    import('../src/lib/settings/settings.ts'),
    import('../src/lib/app/cacheTables.ts'),
    import('../src/lib/sql/purge.ts'),
  ]);
  const settings = readSettings(
    { PURGE_TIME_BUDGET: 'PT6H', TOKEN_CACHE_CONNECTION_STRING: url, TOKEN_CACHE_TABLE: table },
    'table',
  );
  const [subject] = settings.sqlCaches;
  if (!subject) throw new Error('The settings name no cache.');
  const policy = {
    ...settings.purge,
    ...(pauseRatio !== undefined && { pauseRatio }),
    // The single DELETE makes no halt for sessions that wait, so the purge must not either.
    loadLimits: { percent: 100, lockWaits: 10_000 },
  };
  const position = { read: async () => undefined, write: async () => undefined };
  return async () => {
    const cache = await openTable(subject, settings.statementTimeoutMs, systemClock);
    let deletingFrom: number | undefined;
    const observed = new Proxy(cache, {
      get: (target, property) => {
        if (property === 'entries') deletingFrom ??= now();
        const value = Reflect.get(target, property, target) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    try {
      const report = await purge({ table: observed, policy, clock: systemClock, position });
      if (report.dryRun) throw new Error('The purge made a plan only.');
      const notes = [`by way of ${report.way}`, ...report.warnings];
      if (report.stopReason !== 'drained') notes.push(`stopped: ${report.stopReason}`);
      if (report.retries > 0) notes.push(`${report.retries} retries`);
      return { deleted: report.deleted, deletingFrom: deletingFrom ?? now(), notes };
    } finally {
      await cache.close();
    }
  };
}
