import { identityOf } from '../azure/credentials.ts';
import { formatDuration } from '../durations.ts';
import { parseConnectionString as parseRedis } from '../redis/connectionString.ts';
import type { RedisOptions } from '../redis/redisConnection.ts';
import { firingsAfter } from '../schedules.ts';
import { Secret } from '../secret.ts';
import { parseConnectionString as parsePostgres } from '../sql/postgres/connectionString.ts';
import { parseTableName as parsePostgresTable } from '../sql/postgres/tableName.ts';
import { parseConnectionString as parseSqlServer } from '../sql/sqlserver/connectionString.ts';
import { parseTableName as parseSqlServerTable } from '../sql/sqlserver/tableName.ts';
import type { Environment } from './environment.ts';
import { isTold, secretHeld } from './fields.ts';
import { type KeyRingEntry, keyRingEntry } from './keyRingEntry.ts';
import { readNamedList } from './namedList.ts';
import { parsed, readOne, type SettingProblem, UnusableSetting } from './problems.ts';
import type { KeyRing, RingProtector, RingStore } from './subjects.ts';

const days = (count: number) => count * 86_400_000;

/** From the KeyManagementOptions: NewKeyLifetime is 90 days, and refused below a week. */
const leastLifetimeMs = days(7);
const leastLeadMs = days(5);
/** Apps mint when the default expires within their refresh (24 h) and the propagation time (2 days). */
const appsMintMs = days(3);

export interface RingContext {
  /** The schedule of the timer that rotates. */
  timer: string;
  /** Names of all caches. */
  caches: readonly string[];
  redis: RedisOptions;
}

/** The rings of KEY_RINGS. Never throws: what is wrong stands in `problems`, and the other rings can be used. */
export function readKeyRings(env: Environment, context: RingContext) {
  const setting = 'KEY_RINGS';
  if (!env.KEY_RINGS?.trim()) return { rings: [], names: [], problems: [], warnings: [] };
  const concern = (ring: string) => ({ ring, jobs: ['keyRing'] as const });
  const list = readNamedList(setting, env.KEY_RINGS, keyRingEntry, concern);
  if (!list) {
    const message =
      'must be a JSON list of rings: [{ "name": …, "mode": "observe", "store": { … }, "protector": { … } }]';
    const problems: SettingProblem[] = [{ setting, message, jobs: ['keyRing'] }];
    return { rings: [], names: [], problems, warnings: [] };
  }
  const { problems } = list;
  const rings = list.entries.flatMap(({ at, entry }) => {
    for (const [field, message] of checkBounds(entry, context))
      problems.push({ setting: `${at}.${field}`, message, ...concern(entry.name) });
    return readOne(problems, concern(entry.name), () => ringOf(entry, env, context.redis));
  });
  const broken = new Set(problems.flatMap(({ ring }) => ring ?? []));
  const usable = rings.filter((ring) => !broken.has(ring.name));
  const warnings = usable.flatMap(({ name, store }) =>
    'connection' in store && store.connection.remarks.length > 0
      ? [{ setting, message: `is not followed in full: ${store.connection.remarks.join('; ')}`, ring: name }]
      : [],
  );
  // Names of those that cannot be used too.
  return { rings: usable, names: [...usable.map((ring) => ring.name), ...broken], problems, warnings };
}

/** The bounds that hold between settings, with the reason for each. */
function checkBounds(entry: KeyRingEntry, { timer, caches }: RingContext): [string, string][] {
  const found: [string, string][] = [];
  const interval = longestIntervalMs(timer);
  if (entry.lifetime < leastLifetimeMs)
    found.push(['lifetime', 'must be at least P7D: .NET refuses shorter lifetimes']);
  if (entry.lead < leastLeadMs) {
    found.push([
      'lead',
      'must be at least P5D: apps publish a key of their own when the default has 3 days left, and need a day to read ours',
    ]);
  } else if (entry.lead < appsMintMs + interval) {
    found.push([
      'lead',
      `must be at least ${formatDuration(appsMintMs + interval)}: the timer of SCHEDULE_KEY_RING may let ${formatDuration(interval)} pass, and apps publish a key of their own when the default has 3 days left`,
    ]);
  }
  if (entry.lifetime - entry.lead < appsMintMs)
    found.push([
      'lead',
      'must be at least P3D less than the lifetime: apps on ASP.NET Core 9 and later publish a key of their own beside a successor that ends sooner after it takes over',
    ]);
  if (entry.prune && entry.pruneAfter < days(1)) found.push(['pruneAfter', 'must be at least P1D']);
  if (entry.caches.some((wanted) => !caches.includes(wanted)))
    found.push(['caches', `must name caches of the settings alone. There is: ${caches.join(', ') || 'none'}`]);
  return found;
}

/** The longest time between two runs of an NCRONTAB schedule, over its next fifty. */
function longestIntervalMs(expression: string): number {
  const runs = firingsAfter(expression, new Date(), 50);
  return runs
    .slice(1)
    .reduce((longest, run, index) => Math.max(longest, run.getTime() - (runs[index]?.getTime() ?? 0)), 0);
}

function ringOf(entry: KeyRingEntry, env: Environment, redis: RedisOptions): KeyRing {
  return {
    kind: 'keyRing',
    name: entry.name,
    store: storeOf(entry.store, env, redis),
    protector: protectorOf(entry.protector, env),
    caches: entry.caches,
    policy: {
      mode: entry.mode,
      lifetimeMs: entry.lifetime,
      leadMs: entry.lead,
      rewrapAfterMs: entry.rewrapAfter,
      acceptEmpty: entry.acceptEmpty,
      prune: entry.prune,
      pruneAfterMs: entry.pruneAfter,
    },
  };
}

function storeOf(place: KeyRingEntry['store'], env: Environment, redis: RedisOptions): RingStore {
  if (place.kind === 'folder') return place;
  if (place.kind === 'blob' && place.url) return blobOf(new URL(place.url));
  const setting = place.connectionStringSetting;
  if (!setting || (place.kind === 'blob' && !(place.container && place.blob)))
    throw new UnusableSetting(
      'KEY_RINGS',
      'must give a blob as url, or as connectionStringSetting, container and blob',
    );
  const text = env[setting]?.trim();
  if (!text) throw new UnusableSetting(setting, 'is not set. It must hold the connection string of the ring');
  const read = <T>(parse: () => T) => parsed(setting, parse);
  switch (place.kind) {
    case 'redis':
      return { kind: 'redis', connection: read(() => parseRedis(text, redis)), key: place.key };
    case 'sqlserver':
      return {
        kind: 'sqlserver',
        connection: read(() => parseSqlServer(text, env.AZURE_TENANT_ID)),
        table: parsed('KEY_RINGS', () => parseSqlServerTable(place.table)),
      };
    case 'postgres':
      return {
        kind: 'postgres',
        connection: read(() => parsePostgres(text)),
        table: parsed('KEY_RINGS', () => parsePostgresTable(place.table, { keepsCase: true })),
      };
  }
  const address = { connectionString: new Secret(text) };
  return { kind: 'blob', address, container: place.container ?? '', blob: place.blob ?? '' };
}

/** With a signature (SAS), that is all the access there is. */
function blobOf({ origin, pathname, search, searchParams }: URL): Extract<RingStore, { kind: 'blob' }> {
  const [, container = '', ...rest] = pathname.split('/');
  const address = searchParams.has('sig')
    ? { signedEndpoint: new Secret(`${origin}/${search}`) }
    : { endpoint: origin, identity: identityOf() };
  const blob = decoded(rest.join('/'));
  if (!isTold(`${container}/${blob}`)) throw new UnusableSetting('KEY_RINGS', `has a url whose path ${secretHeld}`);
  return { kind: 'blob', address, container, blob };
}

/** A `%` that begins no escape stands for itself. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function protectorOf(guard: KeyRingEntry['protector'], env: Environment): RingProtector {
  if (guard.kind !== 'certificate') return guard;
  const certificates = guard.certificates.map(({ path, keyPath, passwordSetting: setting }) => {
    const password = setting === undefined ? undefined : env[setting];
    if (setting !== undefined && password === undefined)
      throw new UnusableSetting(setting, 'is not set. It must hold the password of a certificate');
    return { path, keyPath, password: password === undefined ? undefined : new Secret(password) };
  });
  return { kind: 'certificate', certificates };
}
