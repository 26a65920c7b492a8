import { startAzurite } from './azurite.ts';
import type { ProtectionKey } from './dataProtection.ts';
import { startPostgres } from './embeddedPostgres.ts';
import { prepareKeyRing } from './keyRing.ts';
import { howToInstallRedis, startRedis } from './redis.ts';
import { together } from './together.ts';

/** What the functions work on when they run on this machine. */
export interface LocalServices {
  /** Connection string of the SQL cache's database, which is empty yet. */
  sqlCache: string | undefined;
  redisCache: string | undefined;
  /** What the apps protect their entries with; undefined without a ring. */
  key: ProtectionKey | undefined;
  /** Settings of the function app that lead to all of them. */
  settings: Record<string, string>;
  /** What a new user should know, such as how to get a part that is missing. */
  notes: string[];
  stop(): Promise<void>;
}

export interface ServiceChoice {
  sqlCache: boolean;
  redisCache: boolean;
  keyRing: boolean;
}

export const cacheTable = 'public.tokencache';

/** Starts all of them side by side, Azurite always. What has been started ends with this process, however that ends. */
export async function startServices(choice: ServiceChoice, redisMemory?: string): Promise<LocalServices> {
  const [postgres, redis, { storage, ring }] = await together([
    choice.sqlCache ? startPostgres() : undefined,
    choice.redisCache ? startRedis(redisMemory) : undefined,
    startStorage(choice.keyRing),
  ]);
  await postgres?.createDatabase('cache');
  const sqlCache = postgres?.url('cache');
  const redisCache = redis?.connectionString;
  return {
    sqlCache,
    redisCache,
    key: ring?.key,
    settings: {
      AzureWebJobsStorage: storage.connectionString,
      ...cacheSettings(sqlCache, redisCache),
      ...ring?.settings([...(sqlCache ? ['web'] : []), ...(redisCache ? ['api'] : [])]),
    },
    notes: choice.redisCache && !redis ? [howToInstallRedis] : [],
    stop: async () => {
      await Promise.all([postgres?.stop(), redis?.stop(), storage.stop(), ring?.stop()]);
    },
  };
}

async function startStorage(withRing: boolean) {
  const storage = await startAzurite();
  return { storage, ring: withRing ? await prepareKeyRing(storage.connectionString) : undefined };
}

/** The caches as a function app with several would name them; none where neither is there. */
function cacheSettings(sqlCache: string | undefined, redisCache: string | undefined): Record<string, string> {
  const caches = [
    ...(sqlCache
      ? [
          {
            name: 'web',
            engine: 'postgres',
            connectionStringSetting: 'TOKEN_CACHE_CONNECTION_STRING',
            table: cacheTable,
          },
        ]
      : []),
    ...(redisCache ? [{ name: 'api', engine: 'redis', connectionStringSetting: 'REDIS_CONNECTION_STRING' }] : []),
  ];
  return {
    ...(caches.length > 0 && { TOKEN_CACHES: JSON.stringify(caches) }),
    ...(sqlCache && { TOKEN_CACHE_CONNECTION_STRING: sqlCache }),
    ...(redisCache && { REDIS_CONNECTION_STRING: redisCache }),
  };
}
