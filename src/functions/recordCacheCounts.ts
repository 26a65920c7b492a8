import { timed } from './support/timed.ts';

timed('counts', (maintenance, cache, signal) => maintenance.sqlCaches.counts(cache, 'timer', {}, { signal }));
