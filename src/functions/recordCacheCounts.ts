import { app } from '@azure/functions';
import { timers } from './support/app.ts';
import { onEachCache } from './support/onEachCache.ts';

app.timer('recordCacheCounts', {
  schedule: timers.recordCacheCounts,
  handler: onEachCache('recordCacheCounts', 'counts', (maintenance, cache, signal) =>
    maintenance.sqlCaches.counts(cache, 'timer', signal),
  ),
});
