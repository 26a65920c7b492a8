import type { SlotKind } from '../queue/serverSlots.ts';
import type { Settings } from '../settings/settings.ts';
import { parseConnectionString as parsePostgres } from '../sqlCache/postgres/connectionString.ts';
import { parseConnectionString as parseSqlServer } from '../sqlCache/sqlServer/connectionString.ts';

/** The database server of a cache, `host:port` or `host\instance`; undefined for Redis, and where the settings are wrong. */
export function serverOf(settings: Settings, cache: string): string | undefined {
  const found = settings.caches.find(({ name }) => name === cache);
  if (!found || found.engine === 'redis') return undefined;
  // Both were read once already, when the settings were checked.
  if (found.engine === 'postgres') {
    const { host = 'localhost', port = 5432 } = parsePostgres(found.connectionString, async () => '');
    return `${host.toLowerCase()}:${port}`;
  }
  const { config } = parseSqlServer(found.connectionString);
  const at = config.options?.instanceName ? `\\${config.options.instanceName}` : `:${config.port ?? 1433}`;
  return `${config.server}${at}`.toLowerCase();
}

/** Counting reads a little; purge and index change. */
export function slotKindOf(job: string): SlotKind {
  return job === 'counts' ? 'look' : 'change';
}
