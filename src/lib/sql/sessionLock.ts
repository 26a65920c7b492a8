import type { Clock } from '../clock.ts';
import { withoutSecrets } from '../secret.ts';
import type { RunLock } from './cacheTable.ts';

/** The session that a lock lives in. */
export interface LockSession {
  /** Asks the server. */
  holdsLock(): Promise<boolean>;
  unlock(): Promise<unknown>;
  end(): Promise<unknown>;
}

/** How often the session is asked whether it holds the lock; often enough that no gateway closes it as idle. */
export const checkEveryMs = 5_000;

/**
 * A lock that the server releases when the session ends, however the process died; `lose` is told that it has ended.
 * @param every asked so often, in ms, beside the run too: a long batch must not let the session go idle
 */
export function sessionLock(clock: Clock, session: LockSession, every = checkEveryMs): RunLock & { lose(): void } {
  let lost = false;
  let checkedAt = clock.elapsed();
  let checking: Promise<void> | undefined;
  const lose = () => {
    lost = true;
  };
  const check = () => {
    checkedAt = clock.elapsed();
    checking ??= session
      .holdsLock()
      .catch(() => false)
      .then((holds) => {
        checking = undefined;
        if (!holds) lose();
      });
    return checking;
  };
  const timer = setInterval(() => void check(), every).unref();
  return {
    lose,
    async isHeld() {
      if (!lost && clock.elapsed() - checkedAt > every) await check();
      return !lost;
    },
    async release() {
      clearInterval(timer);
      await checking;
      if (!lost) await session.unlock().catch(() => undefined);
      await session.end().catch(() => undefined);
    },
  };
}

/** The session that holds a lock, as far as this login may see it; each column is named as it is told. */
export interface LockHolder {
  state: string | null;
  since: Date | null;
  [fact: string]: string | number | Date | null;
}

/** Who holds a lock, for a reader; undefined where nobody does. */
export function holderText(holder: LockHolder | undefined): string | undefined {
  if (!holder) return undefined;
  const { state, since, ...facts } = holder;
  const known = Object.entries(facts).flatMap(([name, value]) => (value ? [`${name} ${value}`] : []));
  const when = since ? [`${state ?? 'there'} since ${since.toISOString()}`] : [];
  // Whoever opened the session named its application.
  return withoutSecrets([...known, ...when].join(', '));
}
