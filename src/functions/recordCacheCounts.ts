import { app } from '@azure/functions';
import { onEachCache, settings } from './support/onEachCache.ts';

app.timer('recordCacheCounts', {
  schedule: settings.schedules.counts,
  handler: onEachCache((maintenance, cache, signal) => maintenance.counts(cache, 'timer', signal)),
});
