import { once } from '../../../checks/memo.ts';
import type { Clock } from '../../../clock.ts';
import { toErrorReport } from '../../../errors.ts';
import type { RingStatus } from '../../../keyRing/ringStatus.ts';
import type { ConnectedSubject, ConnectionAdvice } from '../connection/connectionChecks.ts';
import { type ConnectionProbe, lookAtConnection } from '../connection/probe.ts';
import type { RingKnowledge } from '../entries/entriesSubject.ts';
import { onceReached } from './cacheSubject.ts';

export interface RingSubjectOptions {
  name: string;
  /** Undefined for a folder. */
  store: { probe: ConnectionProbe; advice: readonly ConnectionAdvice[] } | undefined;
  /** Only of Key Vault. */
  protector: { probe: ConnectionProbe } | undefined;
  status: () => Promise<RingStatus>;
  clock: Clock;
  signal: AbortSignal;
}

/** A key ring under examination. Each look is made once, when the first check asks for it. */
export class RingSubject {
  readonly name: string;
  readonly store: ConnectedSubject | undefined;
  readonly protector: ConnectedSubject | undefined;
  readonly status: () => Promise<RingStatus>;

  constructor({ name, store, protector, status, clock, signal }: RingSubjectOptions) {
    this.name = name;
    const connected = (probe: ConnectionProbe, advice: readonly ConnectionAdvice[]): ConnectedSubject => ({
      contact: once(() => lookAtConnection(probe, clock, signal)),
      advice,
    });
    this.store = store && connected(store.probe, store.advice);
    this.protector = protector && connected(protector.probe, []);
    this.status = [this.protector, this.store].reduce(
      (look, part) => (part ? onceReached(part, look) : look),
      once(status),
    );
  }

  /** What the checks of entries hold key ids against. */
  async knowledge(): Promise<RingKnowledge> {
    try {
      const { keys, findings } = await this.status();
      // The rotation takes such a key as readable, as to the apps; for what is configured here it is not.
      const otherwise = findings.flatMap(({ check, what }) => (check === 'key_protected_otherwise' ? [what] : []));
      const tried = (id: string, unwraps: boolean | null) =>
        otherwise.some((what) => what.includes(id)) ? false : unwraps;
      return {
        ring: this.name,
        keys: new Map(
          keys.map(({ id, state, unwraps }) => [
            id.toLowerCase(),
            { revoked: state === 'revoked', unwraps: tried(id, unwraps) },
          ]),
        ),
        problem: null,
      };
    } catch (error) {
      return { ring: this.name, keys: undefined, problem: toErrorReport(error).message };
    }
  }
}
