import type { Clock } from '../../../clock.ts';
import { toErrorReport } from '../../../errors.ts';
import type { RingStatus } from '../../../keyRing/jobs/ringStatus.ts';
import { once } from '../../../once.ts';
import type { ConnectedSubject, ConnectionAdvice } from '../connection/connectionChecks.ts';
import { type ConnectionProbe, lookAtConnection } from '../connection/probe.ts';
import type { RingKnowledge } from '../entries/entriesSubject.ts';
import { onceReached } from './cacheSubject.ts';

interface Connection {
  probe: ConnectionProbe;
  advice?: readonly ConnectionAdvice[];
}

export interface RingSubjectOptions {
  name: string;
  /** Undefined for a folder. */
  store: Connection | undefined;
  /** Only of Key Vault. */
  protector: Connection | undefined;
  status: () => Promise<RingStatus>;
  clock: Clock;
  signal: AbortSignal;
}

export type RingSubject = ReturnType<typeof keyRingSubject>;

/** A key ring under examination. Each look is made once, when the first check asks for it. */
export function keyRingSubject({ name, clock, signal, ...options }: RingSubjectOptions) {
  const connected = ({ probe, advice = [] }: Connection): ConnectedSubject => ({
    contact: once(() => lookAtConnection(probe, clock, signal)),
    advice,
  });
  const store = options.store && connected(options.store);
  const protector = options.protector && connected(options.protector);
  const status = [protector, store].reduce(
    (look, part) => (part ? onceReached(part, look) : look),
    once(options.status),
  );
  /** What the checks of entries hold key ids against. */
  const knowledge = async (): Promise<RingKnowledge> => {
    try {
      const { keys, findings } = await status();
      // The rotation takes such a key as readable, as to the apps; for what is configured here it is not.
      const otherwise = findings.flatMap(({ check, what }) => (check === 'key_protected_otherwise' ? [what] : []));
      const tried = (id: string, unwraps: boolean | null) =>
        otherwise.some((what) => what.includes(id)) ? false : unwraps;
      return {
        ring: name,
        keys: new Map(
          keys.map(({ id, state, unwraps }) => [
            id.toLowerCase(),
            { revoked: state === 'revoked', unwraps: tried(id, unwraps) },
          ]),
        ),
        problem: null,
      };
    } catch (error) {
      return { ring: name, keys: undefined, problem: toErrorReport(error).message };
    }
  };
  return { name, store, protector, status, knowledge };
}
