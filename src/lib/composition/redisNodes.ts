import { accessToken } from '../azure/credentials.ts';
import type { Clock } from '../clock.ts';
import { EntraLogin } from '../redisCache/entraLogin.ts';
import type { OpenReader, OpenRemover } from '../redisCache/entryPorts.ts';
import type { LineOptions } from '../redisCache/ioredis/ioredisLine.ts';
import type { RedisConnection } from '../redisCache/redisConnection.ts';
import type { Connect } from '../redisCache/redisNode.ts';
import type { RedisSettings } from '../settings/redisSettings.ts';

/** How the nodes of a Redis cache are opened. The driver is loaded only now: a function app without Redis pays for none. */
export async function connectorTo(
  connection: RedisConnection,
  settings: Pick<RedisSettings, 'ca'>,
  clock: Clock,
): Promise<Connect> {
  const { openNode } = await import('../redisCache/ioredis/ioredisNode.ts');
  const options = lineOptions(connection, settings, clock);
  return (endpoint, signal) => openNode(endpoint, options, signal);
}

/** How the entries of a Redis cache are read and removed, on one node. */
export async function entryPortsTo(
  connection: RedisConnection,
  settings: Pick<RedisSettings, 'ca'>,
  clock: Clock,
): Promise<{ openRemover: OpenRemover; openReader: OpenReader }> {
  const { openReader, openRemover } = await import('../redisCache/ioredis/ioredisEntries.ts');
  const options = lineOptions(connection, settings, clock);
  return {
    openReader: (endpoint, signal) => openReader(endpoint, options, signal),
    openRemover: (endpoint, signal) => openRemover(endpoint, options, signal),
  };
}

/** The ways in which every line to a Redis is opened, that of a key ring too. */
export function lineOptions(connection: RedisConnection, { ca }: Pick<RedisSettings, 'ca'>, clock: Clock): LineOptions {
  const { user, password, token } = connection;
  const login = token ? new EntraLogin(() => accessToken(token), clock, user).login : async () => ({ user, password });
  return { ...connection, ca, timeoutMs: connection.connectTimeoutMs, login };
}
