import type { Clock } from '../clock.ts';
import { entraAccessToken } from '../entraToken.ts';
import { isAzureHost } from '../redisCache/azureHosts.ts';
import { EntraLogin, redisScope } from '../redisCache/entraLogin.ts';
import type { RedisConnection } from '../redisCache/redisConnection.ts';
import type { Connect } from '../redisCache/redisNode.ts';
import type { RedisSettings } from '../settings/redisSettings.ts';

/** How the nodes of a Redis cache are opened. The driver is loaded only now: a function app without Redis pays for none. */
export async function connectorTo(
  connection: RedisConnection,
  { ca, authentication }: RedisSettings,
  clock: Clock,
): Promise<Connect> {
  const { openNode } = await import('../redisCache/ioredis/ioredisNode.ts');
  const login = loginOf(connection, authentication, clock);
  const options = { ...connection, ca, timeoutMs: connection.connectTimeoutMs, login };
  return (endpoint, signal) => openNode(endpoint, options, signal);
}

function loginOf(
  { user, password, endpoints }: RedisConnection,
  authentication: RedisSettings['authentication'],
  clock: Clock,
) {
  const azure = endpoints.every(({ host }) => isAzureHost(host));
  if (authentication === 'password' || (authentication === 'auto' && (password !== undefined || !azure)))
    return async () => ({ user, password });
  return new EntraLogin(() => entraAccessToken(redisScope), clock, user).login;
}
