import { z } from 'zod';
import { parseConnectionString as parseRedis } from '../redisCache/connectionString.ts';
import type { RedisAuthentication } from '../redisCache/redisConnection.ts';
import { looksLikePostgres, parseConnectionString as parsePostgres } from '../sqlCache/postgres/connectionString.ts';
import { parseTableName as parsePostgresTable } from '../sqlCache/postgres/tableName.ts';
import { looksLikeSqlServer, parseConnectionString as parseSqlServer } from '../sqlCache/sqlServer/connectionString.ts';
import { parseTableName as parseSqlServerTable } from '../sqlCache/sqlServer/tableName.ts';
import type { Environment } from './environment.ts';
import { bytes, name } from './fields.ts';
import { parsed, readOne, type SettingProblem, UnusableSetting } from './problems.ts';
import type { Cache, RedisCache, SqlCache } from './subjects.ts';

const engine = z.enum(['sqlserver', 'postgres', 'redis'], { error: 'must be sqlserver, postgres or redis' });
type Kind = z.infer<typeof engine>;

/** `/subscriptions/…/providers/Microsoft.Cache/redisEnterprise/name`, or of `Microsoft.Cache/redis`. */
const resourceId = z
  .string()
  .regex(
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Cache\/redis(Enterprise)?\/[^/]+$/i,
    'must be the resource id of a Microsoft.Cache/redisEnterprise or Microsoft.Cache/redis',
  );

const entrySchema = z.strictObject({
  name,
  engine: engine.optional(),
  connectionStringSetting: z.string({ error: 'must name the setting that holds the connection string' }).min(1),
  table: z.string().min(1).optional(),
  instanceName: z.string().optional(),
  maxMemory: bytes.optional(),
  resourceId: resourceId.optional(),
});
type Entry = z.infer<typeof entrySchema>;

export interface CacheReading {
  sqlCaches: SqlCache[];
  redisCaches: RedisCache[];
  /** Those that cannot be used included: their runs fail with the reason. */
  names: { sqlCaches: string[]; redisCaches: string[] };
  problems: SettingProblem[];
}

/** The caches of TOKEN_CACHES, or the single one of TOKEN_CACHE_CONNECTION_STRING, named `default`. */
export function readCaches(env: Environment, authentication: RedisAuthentication): CacheReading {
  const { entries, problems } = env.TOKEN_CACHES ? readList(env.TOKEN_CACHES) : readSingle(env);
  const kinds = new Map<string, Kind | undefined>();
  const caches = entries.flatMap((entry) => {
    const { name: cache, connectionStringSetting: setting } = entry;
    const text = env[setting]?.trim() ?? '';
    const kind = entry.engine ?? recogniseKind(text);
    kinds.set(cache, kind);
    return readOne(problems, { cache }, () => {
      if (!text) throw new UnusableSetting(setting, 'is not set. It must hold the connection string of the cache');
      return cacheOf(kind, entry, text, { tenantId: env.AZURE_TENANT_ID, authentication });
    });
  });
  for (const { cache } of problems) if (cache && !kinds.has(cache)) kinds.set(cache, undefined);
  const names = (redis: boolean) => [...kinds].flatMap(([cache, kind]) => ((kind === 'redis') === redis ? cache : []));
  return {
    sqlCaches: caches.filter((cache) => cache.kind !== 'redis'),
    redisCaches: caches.filter((cache) => cache.kind === 'redis'),
    names: { sqlCaches: names(false), redisCaches: names(true) },
    problems,
  };
}

function readSingle(env: Environment): { entries: Entry[]; problems: SettingProblem[] } {
  const problems: SettingProblem[] = [];
  if (!env.TOKEN_CACHE_CONNECTION_STRING) {
    const message =
      'is not set. It must hold the connection string of the token cache (or set TOKEN_CACHES for several)';
    // Without any cache, an app may still keep key rings.
    if (!env.KEY_RINGS?.trim()) problems.push({ setting: 'TOKEN_CACHE_CONNECTION_STRING', message });
    return { entries: [], problems };
  }
  const chosen = env.TOKEN_CACHE_ENGINE ? engine.safeParse(env.TOKEN_CACHE_ENGINE) : undefined;
  if (chosen && !chosen.success) {
    problems.push({ setting: 'TOKEN_CACHE_ENGINE', message: 'must be sqlserver, postgres or redis', cache: 'default' });
    return { entries: [], problems };
  }
  const maxMemory = readOptional(bytes, env, 'TOKEN_CACHE_MAX_MEMORY', problems);
  const resource = readOptional(resourceId, env, 'TOKEN_CACHE_RESOURCE_ID', problems);
  const entry: Entry = {
    name: 'default',
    connectionStringSetting: 'TOKEN_CACHE_CONNECTION_STRING',
    engine: chosen?.data,
    table: env.TOKEN_CACHE_TABLE || undefined,
    instanceName: env.TOKEN_CACHE_INSTANCE_NAME || undefined,
    maxMemory,
    resourceId: resource,
  };
  return { entries: [entry], problems };
}

/** Undefined where it is not set, or wrong, which is then a problem of the watch alone. */
function readOptional<T>(
  schema: z.ZodType<T>,
  env: Environment,
  setting: string,
  problems: SettingProblem[],
): T | undefined {
  const text = env[setting]?.trim();
  if (!text) return undefined;
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  const message = parsed.error.issues[0]?.message ?? 'cannot be used';
  problems.push({ setting, message, cache: 'default', jobs: ['redis'] });
  return undefined;
}

function readList(text: string): { entries: Entry[]; problems: SettingProblem[] } {
  const setting = 'TOKEN_CACHES';
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = undefined;
  }
  if (!Array.isArray(list) || list.length === 0) {
    const message =
      'must be a JSON list of caches: [{ "name": …, "engine": …, "connectionStringSetting": …, "table": … }]';
    return { entries: [], problems: [{ setting, message }] };
  }
  const entries: Entry[] = [];
  const problems: SettingProblem[] = [];
  list.forEach((item: unknown, index) => {
    const parsed = entrySchema.safeParse(item);
    const label = name.safeParse((item as Entry | null)?.name);
    // An entry whose name cannot be used stops no other cache.
    const concern = label.success ? { cache: label.data } : { jobs: [] };
    if (!parsed.success) {
      for (const issue of parsed.error.issues) {
        problems.push({
          setting: `${setting}[${index}]${issue.path.map((part) => `.${String(part)}`).join('')}`,
          message: issue.message,
          ...concern,
        });
      }
    } else if (entries.some((entry) => entry.name === parsed.data.name)) {
      problems.push({
        setting: `${setting}[${index}].name`,
        message: `must be unique; ${parsed.data.name} is there twice`,
        cache: parsed.data.name,
      });
    } else entries.push(parsed.data);
  });
  return { entries, problems };
}

/** The only place that parses the connection string of a cache, and the name of its table. */
function cacheOf(
  kind: Kind | undefined,
  { name: cache, connectionStringSetting: setting, table, ...entry }: Entry,
  text: string,
  { tenantId, authentication }: { tenantId: string | undefined; authentication: RedisAuthentication },
): Cache {
  const tableSetting = cache === 'default' ? 'TOKEN_CACHE_TABLE' : 'TOKEN_CACHES';
  switch (kind) {
    case 'sqlserver':
      return {
        kind,
        name: cache,
        connection: parsed(setting, () => parseSqlServer(text, tenantId)),
        table: parsed(tableSetting, () => parseSqlServerTable(table ?? 'dbo.TokenCache')),
      };
    case 'postgres':
      return {
        kind,
        name: cache,
        connection: parsed(setting, () => parsePostgres(text)),
        table: parsed(tableSetting, () => parsePostgresTable(table ?? 'public.tokencache')),
      };
    case 'redis':
      return {
        kind,
        name: cache,
        connection: parsed(setting, () => parseRedis(text, authentication)),
        instanceName: entry.instanceName ?? '',
        maxMemoryBytes: entry.maxMemory,
        resourceId: entry.resourceId,
      };
    case undefined:
      throw new UnusableSetting(
        setting,
        'has a connection string of no known form. Give it as ADO.NET (`Server=…;Database=…`), Npgsql (`Host=…;Database=…`), `postgres://…`, StackExchange.Redis (`host:6380,ssl=True`) or `rediss://…`, or name the engine',
      );
  }
}

/** The kind of cache whose connection strings look like this one. */
function recogniseKind(connectionString: string): Kind | undefined {
  if (/^rediss?:\/\//i.test(connectionString)) return 'redis';
  if (looksLikePostgres(connectionString)) return 'postgres';
  if (looksLikeSqlServer(connectionString)) return 'sqlserver';
  // StackExchange.Redis: endpoints first, options after commas.
  return /^([\w.-]+|\[[0-9a-f:]+\])(:\d+)?\s*(,|$)/i.test(connectionString) && !connectionString.includes(';')
    ? 'redis'
    : undefined;
}
