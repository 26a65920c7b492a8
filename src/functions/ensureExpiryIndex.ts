import { timed } from './support/timed.ts';

timed('index', (maintenance, cache, signal) => maintenance.sqlCaches.ensureIndex(cache, 'timer', {}, { signal }));
