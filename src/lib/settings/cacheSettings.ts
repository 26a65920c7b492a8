import { z } from 'zod';
import { looksLikePostgres } from '../sqlCache/postgres/connectionString.ts';
import { looksLikeSqlServer } from '../sqlCache/sqlServer/connectionString.ts';
import { bytes, name } from './fields.ts';
import type { SettingProblem } from './problems.ts';

export type CacheEngine = 'sqlserver' | 'postgres' | 'redis';

export interface CacheSettings {
  name: string;
  engine: CacheEngine;
  /** The setting that holds the connection string: what is named to a reader in its place. */
  connectionStringSetting: string;
  connectionString: string;
  /** SQL engines. */
  table: string;
  /** Redis: the prefix of the cache's keys. */
  instanceName: string;
  /** Redis: bytes that one node may use, for servers that do not name it. */
  maxMemoryBytes: number | undefined;
  /** Redis: the Azure resource whose metrics say how full the cache is. */
  resourceId: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const engine = z.enum(['sqlserver', 'postgres', 'redis'], { error: 'must be sqlserver, postgres or redis' });

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

const defaultTables: Record<CacheEngine, string> = {
  sqlserver: 'dbo.TokenCache',
  postgres: 'public.tokencache',
  redis: '',
};

export interface CacheReading {
  caches: CacheSettings[];
  problems: SettingProblem[];
}

/** The caches of TOKEN_CACHES, or the single one of TOKEN_CACHE_CONNECTION_STRING, named `default`. */
export function readCaches(env: Environment): CacheReading {
  const { entries, problems } = env.TOKEN_CACHES ? readList(env.TOKEN_CACHES) : readSingle(env);
  const caches: CacheSettings[] = [];
  for (const entry of entries) {
    const result = complete(entry, env);
    if ('problem' in result) problems.push(result.problem);
    else caches.push(result);
  }
  return { caches, problems };
}

function readSingle(env: Environment): { entries: Entry[]; problems: SettingProblem[] } {
  const problems: SettingProblem[] = [];
  if (!env.TOKEN_CACHE_CONNECTION_STRING) {
    problems.push({
      setting: 'TOKEN_CACHE_CONNECTION_STRING',
      message: 'is not set. It must hold the connection string of the token cache (or set TOKEN_CACHES for several)',
    });
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

function complete(entry: Entry, env: Environment): CacheSettings | { problem: SettingProblem } {
  const { name: cache, connectionStringSetting: setting } = entry;
  const connectionString = env[setting]?.trim();
  if (!connectionString) {
    const message = 'is not set. It must hold the connection string of the cache';
    return { problem: { setting, cache, message, ...(entry.engine && { engine: entry.engine }) } };
  }
  const recognised = entry.engine ?? recogniseEngine(connectionString);
  if (!recognised) {
    const message =
      'has a connection string of no known form. Give it as ADO.NET (`Server=…;Database=…`), Npgsql (`Host=…;Database=…`), `postgres://…`, StackExchange.Redis (`host:6380,ssl=True`) or `rediss://…`, or name the engine';
    return { problem: { setting, cache, message } };
  }
  return {
    name: cache,
    engine: recognised,
    connectionStringSetting: setting,
    connectionString,
    table: entry.table ?? defaultTables[recognised],
    instanceName: entry.instanceName ?? '',
    maxMemoryBytes: entry.maxMemory,
    resourceId: entry.resourceId,
  };
}

/** The engine whose connection strings look like this one. */
function recogniseEngine(connectionString: string): CacheEngine | undefined {
  if (/^rediss?:\/\//i.test(connectionString)) return 'redis';
  if (looksLikePostgres(connectionString)) return 'postgres';
  if (looksLikeSqlServer(connectionString)) return 'sqlserver';
  // StackExchange.Redis: endpoints first, options after commas.
  return /^([\w.-]+|\[[0-9a-f:]+\])(:\d+)?\s*(,|$)/i.test(connectionString) && !connectionString.includes(';')
    ? 'redis'
    : undefined;
}
