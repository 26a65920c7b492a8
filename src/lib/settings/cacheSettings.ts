import { z } from 'zod';
import { isTakenBy } from '../connectionStrings/adoNet.ts';
import { parseConnectionString as parseRedis } from '../redis/connectionString.ts';
import type { RedisOptions } from '../redis/redisConnection.ts';
import { parseConnectionString as parsePostgres } from '../sql/postgres/connectionString.ts';
import { parseTableName as parsePostgresTable } from '../sql/postgres/tableName.ts';
import { parseConnectionString as parseSqlServer } from '../sql/sqlserver/connectionString.ts';
import { parseTableName as parseSqlServerTable } from '../sql/sqlserver/tableName.ts';
import type { Environment } from './environment.ts';
import { bytes, name, settingName, told } from './fields.ts';
import { formsOf, type SettingForm } from './forms.ts';
import { readNamedList } from './namedList.ts';
import { parsed, readOne, type SettingProblem, UnusableSetting } from './problems.ts';
import type { Cache, WebApp } from './subjects.ts';

const engine = z.enum(['sqlserver', 'postgres', 'redis'], { error: 'must be sqlserver, postgres or redis' });
type Kind = z.infer<typeof engine>;

/** `/subscriptions/…/providers/Microsoft.Cache/redisEnterprise/name`, or of `Microsoft.Cache/redis`. */
const resourceId = told()
  .trim()
  .regex(
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Cache\/redis(Enterprise)?\/[^/]+$/i,
    'must be the resource id of a Microsoft.Cache/redisEnterprise or Microsoft.Cache/redis',
  );

const workspaceId = z.guid('must be the id of a Log Analytics workspace, a GUID');

const webApp = z.strictObject({
  workspace: workspaceId.optional().meta({
    description: "The Log Analytics workspace where the web app's telemetry is: see [Web apps](#web-apps).",
  }),
  workspaceSetting: settingName.optional().meta({ description: 'The setting that holds the workspace, in its place.' }),
  role: told('must be the role name of the web app (AppRoleName)')
    .trim()
    .min(1, 'must be the role name of the web app (AppRoleName)')
    .max(250, 'must be the role name of the web app (AppRoleName)')
    .meta({ description: 'The role name of the web app (`AppRoleName`) in that workspace. Both or neither.' }),
});

const entrySchema = z.strictObject({
  name: name.meta({ description: 'In reports, metrics and commands. The one cache is named `default`.' }),
  engine: engine.optional().meta({ description: 'Recognised from the connection string where it is left out.' }),
  connectionStringSetting: settingName.meta({
    description: 'The setting that holds the connection string, as the web app has it.',
  }),
  table: told().min(1).optional().meta({
    description:
      'Schema and table; `dbo.TokenCache`, on PostgreSQL `public.tokencache`, where it is left out. Delimit a part that has other characters than letters, digits and `_`: `[my schema].[weird]]name]` on SQL Server, `"My Schema"."weird""name"` on PostgreSQL. Bare names fold to lower case on PostgreSQL.',
  }),
  index: z.enum(['manage', 'observe'], { error: 'must be manage or observe' }).default('manage').meta({
    description:
      '`observe`: the expiry index is never built here; where it is missing, a finding has the statement for the owner of the table.',
  }),
  instanceName: told().optional().meta({
    description: 'Redis: `InstanceName` of the web app, the prefix of its keys. SQL jobs do not use it.',
  }),
  maxMemory: bytes.optional().meta({
    description:
      'Redis: the memory that one node may use, for services whose INFO does not name it, as Azure Managed Redis.',
  }),
  resourceId: resourceId.optional().meta({
    description:
      'Redis: the Azure resource, to read from Azure Monitor how full the cache is where neither INFO nor `maxMemory` names the maximum. Needs the role Monitoring Reader.',
  }),
  app: webApp.optional().meta({ description: 'Its web app: see [Web apps](#web-apps).' }),
});
type Entry = z.infer<typeof entrySchema>;

interface CacheEntries {
  entries: Entry[];
  problems: SettingProblem[];
}

/** The caches of TOKEN_CACHES, or the single one of TOKEN_CACHE_CONNECTION_STRING, named `default`. */
export function readCaches(env: Environment, redis: RedisOptions) {
  const { entries, problems } = env.TOKEN_CACHES ? readList(env.TOKEN_CACHES) : readSingle(env);
  const kinds = new Map<string, Kind | undefined>();
  /** What of a connection string is not followed, and what was guessed. */
  const warnings: SettingProblem[] = [];
  const caches = entries.flatMap((entry) => {
    const { name: cache, connectionStringSetting: setting } = entry;
    const text = env[setting] ?? '';
    const { kind, guessed } = entry.engine ? { kind: entry.engine } : recogniseKind(text);
    kinds.set(cache, kind);
    return readOne(problems, { cache }, () => {
      if (!text) throw new UnusableSetting(setting, 'is not set. It must hold the connection string of the cache');
      const warn = (message: string) => warnings.push({ setting, message, cache });
      if (guessed) warn(guessed);
      const read = cacheOf(kind, entry, text, { tenantId: env.AZURE_TENANT_ID, redis });
      // Those of a Redis cache are a finding of its watch.
      if (read.kind !== 'redis' && read.connection.remarks.length > 0)
        warn(`is not followed in full: ${read.connection.remarks.join('; ')}`);
      return read;
    });
  });
  for (const { cache } of problems) if (cache && !kinds.has(cache)) kinds.set(cache, undefined);
  const names = (redis: boolean) => [...kinds].flatMap(([cache, kind]) => ((kind === 'redis') === redis ? cache : []));
  return {
    sqlCaches: caches.filter((cache) => cache.kind !== 'redis'),
    redisCaches: caches.filter((cache) => cache.kind === 'redis'),
    webApps: entries.flatMap(({ name: cache, app }) =>
      app ? readOne(problems, { cache, jobs: ['app'] }, () => webAppOf(cache, app, env)) : [],
    ),
    // Those that cannot be used included: their runs fail with the reason.
    names: { sqlCaches: names(false), redisCaches: names(true) },
    problems,
    warnings,
  };
}

/** The web app of a cache, whose workspace is named, or held by another setting. */
function webAppOf(cache: string, app: NonNullable<Entry['app']>, env: Environment): WebApp {
  const { role, workspaceSetting, workspace } = app;
  if ((workspace === undefined) === (workspaceSetting === undefined))
    throw new UnusableSetting(
      cache === 'default' ? appSettings.workspace : 'TOKEN_CACHES',
      'must name the workspace of `app`: either `workspace`, or the setting that holds it, `workspaceSetting`',
    );
  const id = workspaceId.safeParse(workspaceSetting ? env[workspaceSetting] : workspace);
  if (!id.success) throw new UnusableSetting(workspaceSetting ?? '', id.error.issues[0]?.message ?? '');
  return { kind: 'webApp', name: cache, workspace: id.data, role };
}

function readList(text: string): CacheEntries {
  const list = readNamedList('TOKEN_CACHES', text, entrySchema, (cache) => ({ cache }));
  if (list) return { entries: list.entries.map(({ entry }) => entry), problems: list.problems };
  const message =
    'must be a JSON list of caches: [{ "name": …, "engine": …, "connectionStringSetting": …, "table": … }]';
  return { entries: [], problems: [{ setting: 'TOKEN_CACHES', message }] };
}

const singleSetting = 'TOKEN_CACHE_CONNECTION_STRING';

/** The fields of the single cache, each by its own setting. */
const ownSettings = {
  engine: 'TOKEN_CACHE_ENGINE',
  table: 'TOKEN_CACHE_TABLE',
  index: 'TOKEN_CACHE_INDEX',
  instanceName: 'TOKEN_CACHE_INSTANCE_NAME',
  maxMemory: 'TOKEN_CACHE_MAX_MEMORY',
  resourceId: 'TOKEN_CACHE_RESOURCE_ID',
} as const;

const appSettings = { workspace: 'TOKEN_CACHE_APP_WORKSPACE', role: 'TOKEN_CACHE_APP_ROLE' } as const;

/** Each field of a cache, with its setting of the one cache where it has one. */
export function cacheForms(): (SettingForm & { own: string | undefined })[] {
  const forms = (shape: Parameters<typeof formsOf>[0], prefix: string, own: Readonly<Record<string, string>>) =>
    formsOf(shape).map((form) => ({ ...form, name: `${prefix}${form.name}`, own: own[form.name] }));
  const connectionStringSetting = singleSetting;
  return [
    ...forms(entrySchema.shape, '', { connectionStringSetting, ...ownSettings }),
    ...forms(webApp.shape, 'app.', appSettings),
  ];
}

function readSingle(env: Environment): CacheEntries {
  const setting = singleSetting;
  if (!env[setting]) {
    const message =
      'is not set. It must hold the connection string of the token cache (or set TOKEN_CACHES for several)';
    // Without any cache, an app may still keep key rings.
    return { entries: [], problems: env.KEY_RINGS?.trim() ? [] : [{ setting, message }] };
  }
  const given = Object.entries(ownSettings).flatMap(([field, own]) => (env[own] ? [[field, env[own]]] : []));
  const app = { workspace: env[appSettings.workspace], role: env[appSettings.role] };
  const fields: Record<string, unknown> = Object.fromEntries(given);
  if (app.workspace || app.role) fields.app = app;
  const problems: SettingProblem[] = [];
  const parse = () => entrySchema.safeParse({ name: 'default', connectionStringSetting: setting, ...fields });
  for (const { path, message } of parse().error?.issues ?? []) {
    const field = path[0] as keyof typeof ownSettings | 'app';
    delete fields[field];
    if (field === 'app') {
      problems.push({
        setting: appSettings[path[1] as 'workspace' | 'role'],
        message,
        cache: 'default',
        jobs: ['app'],
      });
      continue;
    }
    // Without the right engine nothing is right; what else may be wrong is of use to the watch alone.
    const jobs = field === 'engine' ? {} : { jobs: ['redis'] as const };
    problems.push({ setting: ownSettings[field], message, cache: 'default', ...jobs });
  }
  const { data } = parse();
  return { entries: data && !problems.some(({ jobs }) => !jobs) ? [data] : [], problems };
}

/** The only place that parses the connection string of a cache, and the name of its table. */
function cacheOf(
  kind: Kind | undefined,
  { name: cache, connectionStringSetting: setting, table, ...entry }: Entry,
  text: string,
  { tenantId, redis }: { tenantId: string | undefined; redis: RedisOptions },
): Cache {
  const tableSetting = cache === 'default' ? 'TOKEN_CACHE_TABLE' : 'TOKEN_CACHES';
  switch (kind) {
    case 'sqlserver':
      return {
        kind,
        name: cache,
        connection: parsed(setting, () => parseSqlServer(text, tenantId)),
        table: parsed(tableSetting, () => parseSqlServerTable(table ?? 'dbo.TokenCache')),
        index: entry.index,
      };
    case 'postgres':
      return {
        kind,
        name: cache,
        connection: parsed(setting, () => parsePostgres(text)),
        table: parsed(tableSetting, () => parsePostgresTable(table ?? 'public.tokencache')),
        index: entry.index,
      };
    case 'redis':
      return {
        kind,
        name: cache,
        connection: parsed(setting, () => parseRedis(text, redis)),
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

const names: Record<'sqlserver' | 'postgres', RegExp> = {
  postgres: /(^|;)\s*(host|port|username|ssl ?mode)\s*=|\.postgres\.(database|cosmos)\.azure\./i,
  sqlserver: /(^|;)\s*(server|data source|addr|address|network address)\s*=/i,
};

/** The kind of cache whose client takes the string whole; where none does, the one whose keywords it has. */
function recogniseKind(text: string): { kind: Kind | undefined; guessed?: string } {
  if (/^\s*rediss?:\/\//i.test(text)) return { kind: 'redis' };
  if (/^\s*postgres(ql)?:\/\//i.test(text)) return { kind: 'postgres' };
  const [byNpgsql, bySqlClient] = [isTakenBy('npgsql', text), isTakenBy('sqlClient', text)];
  if (byNpgsql && bySqlClient && !/\.(database\.windows|postgres\.database\.azure)\./i.test(text))
    return {
      kind: 'sqlserver',
      guessed:
        'is taken whole by Npgsql and by Microsoft.Data.SqlClient, and read as one of SQL Server; name the engine (TOKEN_CACHE_ENGINE, or `engine` in TOKEN_CACHES)',
    };
  if (byNpgsql !== bySqlClient) return { kind: byNpgsql ? 'postgres' : 'sqlserver' };
  if (names.postgres.test(text)) return { kind: 'postgres' };
  if (names.sqlserver.test(text)) return { kind: 'sqlserver' };
  // StackExchange.Redis: endpoints and options, divided by commas.
  return { kind: /^([\w.:-]+|\[[0-9a-f:]+\](:\d+)?)\s*(,|$)/i.test(text) && !text.includes(';') ? 'redis' : undefined };
}
