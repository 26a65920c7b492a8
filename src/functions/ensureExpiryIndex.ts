import { app } from '@azure/functions';
import { onEachCache, settings } from './support/onEachCache.ts';

app.timer('ensureExpiryIndex', {
  schedule: settings.schedules.index,
  handler: onEachCache((maintenance, cache, signal) => maintenance.ensureIndex(cache, 'timer', { signal })),
});
