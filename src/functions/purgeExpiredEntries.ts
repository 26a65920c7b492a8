import { app } from '@azure/functions';
import { onEachCache, settings } from './support/onEachCache.ts';

app.timer('purgeExpiredEntries', {
  schedule: settings.schedules.purge,
  handler: onEachCache((maintenance, cache, signal) => maintenance.purge(cache, 'timer', { signal })),
});
