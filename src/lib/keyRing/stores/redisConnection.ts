import { Redis, type RedisOptions } from 'ioredis';

/**
 * A connection from a StackExchange.Redis connection string (`host:port,password=…,ssl=True,user=…,defaultDatabase=…`) or a
 * `redis://` or `rediss://` URL. It connects at its first command and gives up after a few tries: a job reports rather than
 * waits.
 */
export function connectRedis(connectionString: string): { redis: Redis; host: string } {
  const limits: RedisOptions = {
    lazyConnect: true,
    connectTimeout: 10_000,
    commandTimeout: 15_000,
    maxRetriesPerRequest: 2,
    // A command sent again after a lost answer could push a second element: the caller looks first.
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times) => (times > 3 ? null : times * 200),
  };
  const redis = /^rediss?:\/\//i.test(connectionString)
    ? new Redis(connectionString, limits)
    : new Redis({ ...parse(connectionString), ...limits });
  // Failures reach the caller with the command that they fail.
  redis.on('error', () => undefined);
  return { redis, host: `${redis.options.host}:${redis.options.port}` };
}

function parse(text: string): RedisOptions {
  const [endpoint = '', ...rest] = text.split(',').map((part) => part.trim());
  const options = new Map(
    rest
      .filter((part) => part.includes('='))
      .map((part) => {
        const at = part.indexOf('=');
        return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()] as const;
      }),
  );
  const [host = 'localhost', port] = endpoint.split(':');
  const ssl = options.get('ssl')?.toLowerCase() === 'true';
  const password = options.get('password');
  const username = options.get('user');
  return {
    host,
    port: Number(port ?? (ssl ? 6380 : 6379)),
    db: Number(options.get('defaultdatabase') ?? 0),
    ...(password !== undefined && { password }),
    ...(username !== undefined && { username }),
    ...(ssl && { tls: { servername: options.get('sslhost') ?? host } }),
  };
}
