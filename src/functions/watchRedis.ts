import { app } from '@azure/functions';
import { timers } from './support/app.ts';
import { onEachRedisCache } from './support/onEachCache.ts';

app.timer('watchRedis', {
  schedule: timers.watchRedis,
  handler: onEachRedisCache('watchRedis', 'redis', (maintenance, cache, signal) =>
    maintenance.redisCaches.watch(cache, 'timer', { signal }),
  ),
});
