import pLimit, { type LimitFunction } from 'p-limit';
import type { SlotKind } from './serverSlots.ts';

/** Runs of one instance at once, whatever their servers: connections and memory are the bound. */
const mostRuns = 32;

/**
 * Runs within one instance: so many of a kind at once at each database server, the others wait. Without a server (a cache whose
 * settings are wrong, a Redis cache) only the bound on all runs counts.
 */
export function serverLimits(places: number) {
  const all = pLimit(mostRuns);
  const servers = new Map<string, LimitFunction>();
  return <T>(server: string | undefined, kind: SlotKind, work: () => Promise<T>): Promise<T> => {
    if (server === undefined) return all(work);
    const key = `${kind}|${server}`;
    const limit = servers.get(key) ?? pLimit(places);
    servers.set(key, limit);
    // The server's limit first: runs that wait for their server must not take the place of others.
    return limit(() => all(work));
  };
}
