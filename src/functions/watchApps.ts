import { timed } from './support/timed.ts';

timed('app', (maintenance, cache, signal) => maintenance.webApps.watch(cache, 'timer', {}, { signal }));
