import { timed } from './support/timed.ts';

timed('redis', (maintenance, cache, signal) => maintenance.redisCaches.watch(cache, 'timer', {}, { signal }));
