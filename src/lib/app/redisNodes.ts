import { accessToken } from '../azure/credentials.ts';
import type { Clock } from '../clock.ts';
import { EntraLogin } from '../redis/entraLogin.ts';
import type { OpenReader, OpenRemover } from '../redis/entryPorts.ts';
import type { LineOptions } from '../redis/line/ioredisLine.ts';
import type { RedisConnection } from '../redis/redisConnection.ts';
import type { Connect } from '../redis/redisNode.ts';

export interface RedisPorts {
  connect: Connect;
  openReader: OpenReader;
  openRemover: OpenRemover;
}

/** How the nodes of a Redis cache are opened. The driver is loaded only now: a function app without Redis pays for none. */
export async function redisPorts(connection: RedisConnection, clock: Clock): Promise<RedisPorts> {
  const [{ openNode }, { openReader, openRemover }] = await Promise.all([
    import('../redis/line/ioredisNode.ts'),
    import('../redis/line/ioredisEntries.ts'),
  ]);
  const options = lineOptions(connection, clock);
  return {
    connect: (endpoint, signal) => openNode(endpoint, options, signal),
    openReader: (endpoint, signal) => openReader(endpoint, options, signal),
    openRemover: (endpoint, signal) => openRemover(endpoint, options, signal),
  };
}

/** The ways in which every line to a Redis is opened, that of a key ring too. */
export function lineOptions(connection: RedisConnection, clock: Clock): LineOptions {
  const { user, password, token } = connection;
  const login = token ? new EntraLogin(() => accessToken(token), clock, user).login : async () => ({ user, password });
  return { ...connection, timeoutMs: connection.connectTimeoutMs, login };
}
