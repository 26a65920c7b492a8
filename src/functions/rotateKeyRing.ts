import { timed } from './support/timed.ts';

timed('rotateKeyRing', (maintenance, ring, signal) => maintenance.keyRings.rotate(ring, 'timer', {}, { signal }));
