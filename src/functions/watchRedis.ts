import { app } from '@azure/functions';
import { onEachRedisCache, settings } from './support/onEachCache.ts';

app.timer('watchRedis', {
  schedule: settings.schedules.redis,
  handler: onEachRedisCache((maintenance, cache, signal) => maintenance.watchRedis(cache, 'timer', { signal })),
});
