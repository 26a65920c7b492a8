import type { ClearRequest } from '../../src/lib/clearRequest.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { clearRedisCache, type RedisClearContext } from '../../src/lib/redis/clear.ts';
import type { RedisClearReport } from '../../src/lib/redis/clearReport.ts';
import { parseConnectionString } from '../../src/lib/redis/connectionString.ts';
import type { LineOptions } from '../../src/lib/redis/line/ioredisLine.ts';
import { openNode } from '../../src/lib/redis/line/ioredisNode.ts';

const confirm = 'web';
export const clearPolicy = { timeBudgetMs: 60_000, timeoutMs: 5_000, keysPerCall: 100, pauseRatio: 0 };

/** What a clear of the cache `web` works with. */
export function clearContext(
  connectionString: string,
  instanceName: string,
  changes: Partial<RedisClearContext> = {},
): RedisClearContext {
  const connection = parseConnectionString(connectionString);
  const { user, password } = connection;
  const login = async () => ({ user, password });
  const options: LineOptions = { ...connection, ca: undefined, timeoutMs: 5_000, login };
  return {
    connection,
    connect: (endpoint, signal) => openNode(endpoint, options, signal),
    open: (endpoint, signal) => openNode(endpoint, options, signal),
    instanceName,
    ringKeys: ['DataProtection-Keys'],
    otherPrefixes: [],
    policy: clearPolicy,
    clock: systemClock,
    ...changes,
  };
}

/** A clear, confirmed unless the request says otherwise. */
export const clear = async (context: RedisClearContext, request: ClearRequest = {}) =>
  (await clearRedisCache(context, 'web', { confirm, ...request })) as RedisClearReport;
