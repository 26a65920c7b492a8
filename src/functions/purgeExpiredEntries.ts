import { app } from '@azure/functions';
import { timers } from './support/app.ts';
import { onEachCache } from './support/onEachCache.ts';

app.timer('purgeExpiredEntries', {
  schedule: timers.purgeExpiredEntries,
  handler: onEachCache('purgeExpiredEntries', 'purge', (maintenance, cache, signal, queue) => {
    // One whose time is up goes on from the queue, where there is one.
    const part = queue?.directPurge(cache);
    return maintenance.sqlCaches.purge(
      cache,
      'timer',
      { signal },
      part && { toRecord: (ended) => part.toRecord(ended) },
    );
  }),
});
