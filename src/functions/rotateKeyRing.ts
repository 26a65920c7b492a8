import { app } from '@azure/functions';
import { settings } from './support/onEachCache.ts';
import { onEachKeyRing } from './support/onEachKeyRing.ts';

app.timer('rotateKeyRing', {
  schedule: settings.schedules.keyRing,
  handler: onEachKeyRing((maintenance, ring, signal) => maintenance.keyRings.rotate(ring, 'timer', { signal })),
});
