import type { SlotKind } from '../queue/serverSlots.ts';
import type { Settings } from '../settings/settings.ts';

/** The database server of a cache, `host:port` or `host\instance`; undefined for Redis, and where the settings are wrong. */
export function serverOf({ sqlCaches }: Settings, cache: string): string | undefined {
  return sqlCaches.find(({ name }) => name === cache)?.connection.server;
}

/** Counting reads a little, and so does a look at a web app; purge and index change. */
export function slotKindOf(job: string): SlotKind {
  return job === 'counts' || job === 'app' ? 'look' : 'change';
}
