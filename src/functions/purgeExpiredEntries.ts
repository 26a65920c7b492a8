import { timed } from './support/timed.ts';

timed('purge', (maintenance, cache, signal, queue) =>
  // One whose time is up goes on from the queue, where there is one.
  maintenance.sqlCaches.purge(cache, 'timer', {}, { signal, ...queue?.placeOfDirectPurge(cache) }),
);
