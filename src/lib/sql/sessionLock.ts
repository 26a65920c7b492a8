import type { Clock } from '../clock.ts';
import type { RunLock } from './cacheTable.ts';

/** The session that a lock lives in. */
export interface LockSession {
  /** Asks the server. */
  holdsLock(): Promise<boolean>;
  unlock(): Promise<unknown>;
  end(): Promise<unknown>;
}

/** How often the session is asked whether it holds the lock; often enough that no gateway closes it as idle. */
const checkEveryMs = 5_000;

/** A lock that the server releases when the session ends, however the process died; `lose` is told that it has ended. */
export function sessionLock(clock: Clock, session: LockSession): RunLock & { lose(): void } {
  let lost = false;
  let checkedAt = clock.elapsed();
  const lose = () => {
    lost = true;
  };
  return {
    lose,
    async isHeld() {
      if (!lost && clock.elapsed() - checkedAt > checkEveryMs) {
        if (!(await session.holdsLock().catch(() => false))) lose();
        checkedAt = clock.elapsed();
      }
      return !lost;
    },
    async release() {
      if (!lost) await session.unlock().catch(() => undefined);
      await session.end().catch(() => undefined);
    },
  };
}
