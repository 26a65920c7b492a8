import { accessToken } from '../azure/credentials.ts';
import type { Clock } from '../clock.ts';
import { entraLogin } from '../redis/entraLogin.ts';
import type { LineOptions } from '../redis/line/ioredisLine.ts';
import type { RedisConnection } from '../redis/redisConnection.ts';
import type { EntryReader, EntryRemover, Open, RedisNode } from '../redis/redisNode.ts';

/** How the nodes of a Redis cache are opened. The driver is loaded only now: a function app without Redis pays for none. */
export async function nodesOf(
  connection: RedisConnection,
  clock: Clock,
): Promise<Open<RedisNode & EntryRemover & EntryReader>> {
  const { openNode } = await import('../redis/line/ioredisNode.ts');
  const options = lineOptions(connection, clock);
  return (endpoint, signal) => openNode(endpoint, options, signal);
}

/** The ways in which every line to a Redis is opened, that of a key ring too. */
export function lineOptions(connection: RedisConnection, clock: Clock): LineOptions {
  const { user, password, token } = connection;
  const login = token ? entraLogin(() => accessToken(token), clock, user) : async () => ({ user, password });
  return { ...connection, timeoutMs: connection.connectTimeoutMs, login };
}
