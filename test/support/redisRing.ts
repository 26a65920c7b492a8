import { Patience } from '../../src/lib/keyRing/patience.ts';
import { RedisStore } from '../../src/lib/keyRing/stores/redis.ts';
import { RingConnection } from '../../src/lib/keyRing/stores/redisConnection.ts';
import { parseConnectionString } from '../../src/lib/redis/connectionString.ts';
import { type LineOptions, openLine } from '../../src/lib/redis/line/ioredisLine.ts';

/** The store of a ring in Redis, by a connection string; it logs in as that says, unless told otherwise. */
export function redisRing(
  connectionString: string,
  key = 'DataProtection-Keys',
  changes: Partial<LineOptions> = {},
  patience = new Patience(),
): RedisStore {
  const connection = parseConnectionString(connectionString);
  const { user, password } = connection;
  const options = {
    ...connection,
    ca: undefined,
    timeoutMs: 5_000,
    login: async () => ({ user, password }),
    ...changes,
  };
  return new RedisStore(
    new RingConnection(connection.endpoints, (endpoint, signal) => openLine(endpoint, options, signal), patience),
    key,
  );
}
