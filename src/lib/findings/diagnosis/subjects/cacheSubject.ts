import { once } from '../../../checks/memo.ts';
import type { Clock } from '../../../clock.ts';
import { timeEach } from '../../../roundTrips.ts';
import type { ConnectedSubject, ConnectionAdvice } from '../connection/connectionChecks.ts';
import { type ConnectionLook, type ConnectionProbe, lookAtConnection, notReached } from '../connection/probe.ts';
import type { RingKnowledge } from '../entries/entriesSubject.ts';
import type { ShowKey } from '../shownKey.ts';

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

/** A cache under examination. Each look is made once, when the first check asks for it. */
export abstract class CacheSubject implements ConnectedSubject {
  readonly name: string;
  readonly showKey: ShowKey;
  readonly advice: readonly ConnectionAdvice[];
  readonly rings: () => Promise<RingKnowledge[]>;
  readonly contact: () => Promise<ConnectionLook>;
  protected readonly clock: Clock;

  constructor({ name, probe, advice, rings, showKey, clock, signal }: CacheSubjectOptions) {
    this.name = name;
    this.showKey = showKey;
    this.advice = advice;
    this.rings = once(rings);
    this.contact = once(() => lookAtConnection(probe, clock, signal));
    this.clock = clock;
  }

  /** Reads one after the other, as an app makes them. */
  protected timed(keys: readonly string[], read: (key: string) => Promise<unknown>, signal: AbortSignal) {
    return timeEach(keys, read, this.clock, signal);
  }
}

/** A look that needs the connection: only where that succeeded at every step. */
export function onceReached<T>({ contact }: Pick<ConnectedSubject, 'contact'>, look: () => Promise<T>) {
  return once(async () => {
    const { failure } = await contact();
    if (!failure) return look();
    throw notReached(failure.step);
  });
}
