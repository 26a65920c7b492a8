import { app } from '@azure/functions';
import { timers } from './support/app.ts';
import { onEachCache } from './support/onEachCache.ts';

app.timer('purgeExpiredEntries', {
  schedule: timers.purgeExpiredEntries,
  handler: onEachCache('purgeExpiredEntries', (maintenance, cache, signal) =>
    maintenance.sqlCaches.purge(cache, 'timer', { signal }),
  ),
});
