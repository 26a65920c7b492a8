import { app } from '@azure/functions';
import { timers } from './support/app.ts';
import { onEachCache } from './support/onEachCache.ts';

app.timer('ensureExpiryIndex', {
  schedule: timers.ensureExpiryIndex,
  handler: onEachCache('ensureExpiryIndex', 'index', (maintenance, cache, signal) =>
    maintenance.sqlCaches.ensureIndex(cache, 'timer', { signal }),
  ),
});
