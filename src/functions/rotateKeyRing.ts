import { app } from '@azure/functions';
import { timers } from './support/app.ts';
import { onEachKeyRing } from './support/onEachKeyRing.ts';

app.timer('rotateKeyRing', {
  schedule: timers.rotateKeyRing,
  handler: onEachKeyRing('rotateKeyRing', (maintenance, ring, signal) =>
    maintenance.keyRings.rotate(ring, 'timer', { signal }),
  ),
});
