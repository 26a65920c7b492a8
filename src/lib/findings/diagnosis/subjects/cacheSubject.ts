import type { Clock } from '../../../clock.ts';
import { once } from '../../../once.ts';
import type { ConnectedSubject, ConnectionAdvice } from '../connection/connectionChecks.ts';
import { type ConnectionProbe, lookAtConnection, notReached } from '../connection/probe.ts';
import type { RingKnowledge, ShowKey } from '../entries/entriesSubject.ts';

export interface CacheSubjectOptions {
  name: string;
  probe: ConnectionProbe;
  advice: readonly ConnectionAdvice[];
  rings: () => Promise<RingKnowledge[]>;
  showKey: ShowKey;
  clock: Clock;
  signal: AbortSignal;
}

export interface ClockReading {
  server: Date;
  own: Date;
  roundTripMs: number;
}

/** What every cache under examination has. Each look is made once, when the first check asks for it. */
export function cacheSubject({ name, probe, advice, rings, showKey, clock, signal }: CacheSubjectOptions) {
  return { name, showKey, advice, rings: once(rings), contact: once(() => lookAtConnection(probe, clock, signal)) };
}

/** A look that needs the connection: only where that succeeded at every step. */
export function onceReached<T>({ contact }: Pick<ConnectedSubject, 'contact'>, look: () => Promise<T>) {
  return once(async () => {
    const { failure } = await contact();
    if (!failure) return look();
    throw notReached(failure.step);
  });
}
