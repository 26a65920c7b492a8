import type { Clock } from '../../lib/clock.ts';

/** What is not made by then hangs: it is tried anew for those who ask. */
const hangsAfterMs = 15_000;

/**
 * What many may ask for at once: made once for all who ask while it is being made, or within `maxAgeMs` of its beginning, so
 * that readers cannot load the storage, or take the time of a run. A failure is shared like an answer.
 */
export function sharedCopy<T>(maxAgeMs: number, clock: Clock): (make: () => Promise<T>) => Promise<T> {
  let last: { begunAt: number; value: Promise<T>; made: boolean } | undefined;
  return (make) => {
    if (last && clock.elapsed() - last.begunAt < (last.made ? maxAgeMs : hangsAfterMs)) return last.value;
    const copy = { begunAt: clock.elapsed(), value: make(), made: false };
    const done = () => {
      copy.made = true;
    };
    copy.value.then(done, done);
    last = copy;
    return copy.value;
  };
}
