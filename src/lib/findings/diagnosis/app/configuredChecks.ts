import { critical, type Outcome, pass, unknown, warning, worst } from '../../../checks/check.ts';
import { placeText } from '../../../webApp/csharp/syntax.ts';
import { isNull, knownAs, knownDuration, knownFlag, knownText, type Value } from '../../../webApp/csharp/value.ts';
import type { Call } from '../../../webApp/facts.ts';
import type { World } from '../../../webApp/world.ts';
import {
  type AppSubject,
  adapterOptions,
  appChecks,
  at,
  type ConfiguredRing,
  isDistributed,
  mayBeIn,
  notKnown,
  storeKind,
} from './appSubject.ts';

/** The store behind the cache and the ring, held against what this project is configured with. No value of the app is repeated. */

export const configuredChecks = [
  ...appChecks('connection', { 'app-connection-string': judgeConnection }),
  ...appChecks('prompts', { 'app-cache-name': judgeName }),
  ...appChecks('encryption', { 'app-key-ring': judgeRing }),
  ...appChecks('growth', { 'app-own-purge': judgePurge }),
];

const optionsOf = {
  redis: 'RedisCacheOptions',
  sqlserver: 'SqlServerCacheOptions',
  postgres: 'PostgresCacheOptions',
} as const;

const forms = {
  redis: 'name.redis.cache.windows.net:6380,password=…,ssl=True,abortConnect=False',
  sqlserver: 'Server=…;Database=…',
  postgres: 'Host=…;Database=…',
} as const;

function judgeConnection(world: World, { adviceOnString }: AppSubject): Outcome {
  const kind = storeKind(world);
  if (kind !== 'redis' && kind !== 'sqlserver' && kind !== 'postgres')
    return pass('There is no connection string of a cache.');
  const options = optionsOf[kind];
  const value = world.option(options, kind === 'redis' ? 'configuration' : 'connectionstring');
  if (!value) {
    const object = kind === 'redis' ? judgeConfigurationOptions(world) : undefined;
    if (object) return object;
    return unsaid('The connection string', world, options);
  }
  const text = knownText(value);
  if (text === undefined) return notKnown('The connection string', value);
  const advice = adviceOnString(kind, text);
  const place = placeText(value.place);
  if (!advice)
    return unknown(
      'connection_string_not_readable',
      `The connection string (${place}) cannot be read here.`,
      `Hold it against the form that the library reads: \`${forms[kind]}\`.`,
      [at('connection string', value.place)],
    );
  const [first] = advice;
  if (!first)
    return pass(`The connection string (${place}) is as it should be.`, [at('connection string', value.place)]);
  return (advice.some(({ grave }) => grave) ? critical : warning)({
    cause: first.cause,
    what: `${place}: ${advice.map(({ what }) => what).join(' ')}`,
    evidence: [at('connection string', value.place)],
    advice: advice.map(({ advice: each }) => each).join(' '),
  });
}

/** What is said of an option of the store that the source does not set. */
function unsaid(what: string, world: World, options: string): Outcome {
  const open = world.openAt(options);
  const place = world.store?.call.place ?? { file: '', line: 0 };
  return open ? mayBeIn(what, open) : notKnown(what, { unknown: 'outside', place });
}

/** `options.ConfigurationOptions = new ConfigurationOptions { AbortOnConnectFail = false }` */
function judgeConfigurationOptions(world: World): Outcome | undefined {
  const given =
    world.option(optionsOf.redis, 'configurationoptions') ??
    world.option(optionsOf.redis, 'connectionmultiplexerfactory');
  const abort = world.nested(optionsOf.redis, 'configurationoptions', 'abortonconnectfail');
  if (!given && !abort) return undefined;
  if (abort && knownFlag(abort) === undefined) return notKnown('`AbortOnConnectFail`', abort);
  if (abort && knownFlag(abort) === false) return pass(`\`AbortOnConnectFail = false\` (${placeText(abort.place)}).`);
  if (given && !knownAs(given, 'object')) return notKnown('How the app connects to Redis', given);
  const place = (abort ?? given)?.place;
  return warning({
    cause: 'abort_connect',
    what: `\`ConfigurationOptions\`${place ? ` (${placeText(place)})` : ''} do not say \`AbortOnConnectFail = false\`: an app that starts while Redis is away gives up for good.`,
    evidence: place ? [at('ConfigurationOptions', place)] : [],
    advice: 'Write `AbortOnConnectFail = false`.',
  });
}

/** By what the app calls its entries in a store that others may share: a prefix, or a table. Undefined where that is not known. */
export function nameInStore(world: World): string | undefined {
  const kind = storeKind(world);
  if (kind === 'redis') {
    const name = world.option(optionsOf.redis, 'instancename');
    return name ? knownText(name) : world.openAt(optionsOf.redis) ? undefined : '';
  }
  return kind === 'sqlserver' || kind === 'postgres'
    ? knownText(world.option(optionsOf[kind], 'tablename'))
    : undefined;
}

function judgeName(world: World, { configured }: AppSubject): Outcome {
  const kind = storeKind(world);
  if (kind === 'redis') return judgeInstanceName(world, configured.instanceNames);
  if (kind !== 'sqlserver' && kind !== 'postgres') return pass('There is no name of a cache to compare.');
  const known = configured.tables.filter(({ engine }) => engine === kind);
  if (known.length === 0) return pass('No cache of this kind is configured here: there is nothing to compare.');
  const [schema, table] = ['schemaname', 'tablename'].map((name) => world.option(optionsOf[kind], name));
  const missing = [schema, table].find((value) => value && knownText(value) === undefined);
  if (missing) return notKnown('The name of the table', missing);
  if (!table) return unsaid('The name of the table', world, optionsOf[kind]);
  const names = [knownText(schema) ?? (kind === 'postgres' ? 'public' : 'dbo'), knownText(table) ?? ''].map((name) =>
    name.toLowerCase(),
  );
  if (known.some((each) => each.schema.toLowerCase() === names[0] && each.table.toLowerCase() === names[1]))
    return pass(`The table (${placeText(table.place)}) is one that is maintained here.`);
  return warning({
    cause: 'table_differs',
    what: `The table of the app (${placeText(table.place)}) is none of those that are maintained here (${known.map((each) => `${each.schema}.${each.table}`).join(', ')}).`,
    evidence: [at('TableName', table.place)],
    advice: 'Correct `TOKEN_CACHES`, or the name in the app: what is not named there is not purged.',
  });
}

function judgeInstanceName(world: World, known: readonly string[]): Outcome {
  if (known.length === 0) return pass('No Redis is configured here: there is nothing to compare.');
  const value = world.option(optionsOf.redis, 'instancename');
  const open = world.openAt(optionsOf.redis);
  if (!value && open) return mayBeIn('`InstanceName`', open);
  const text = value && !isNull(value) ? knownText(value) : '';
  if (value && text === undefined) return notKnown('`InstanceName`', value);
  if (known.includes(text ?? '')) return pass('`InstanceName` is one that is configured here.');
  const place = value?.place ?? world.store?.call.place;
  return warning({
    cause: 'instance_name_differs',
    what: `\`InstanceName\`${place ? ` (${placeText(place)})` : ''} is ${value ? 'another' : 'not set, and so another'} than in the settings here (${known.map((name) => (name === '' ? 'none' : `\`${name}\``)).join(', ')}): entries of the app are not looked at, and a clear does not reach them.`,
    evidence: place ? [at('InstanceName', place)] : [],
    advice: 'Give `TOKEN_CACHES[].instanceName` the name of the app, letter by letter.',
  });
}

function judgeRing(world: World, { configured, databaseIn }: AppSubject): Outcome {
  if (!isDistributed(world) || knownFlag(world.option(adapterOptions, 'encrypt')) !== true)
    return pass('No entry is encrypted by what is in the source.');
  if (configured.rings.length === 0) return pass('No key ring is configured here: there is nothing to compare.');
  return worst(
    [judgeStore(world, configured.rings, databaseIn), judgeVaultKey(world, configured.rings)].filter(
      ({ status }) => status !== 'pass',
    ),
    pass('The key ring of the app is one that is configured here.'),
  );
}

const stores = {
  PersistKeysToAzureBlobStorage: 'blob',
  PersistKeysToStackExchangeRedis: 'redis',
  PersistKeysToFileSystem: 'folder',
} as const;

/** What gives the context of `PersistKeysToDbContext` its database. */
const databases = { UseSqlServer: 'sqlserver', UseAzureSql: 'sqlserver', UseNpgsql: 'postgres' } as const;

function judgeStore(
  world: World,
  rings: AppSubject['configured']['rings'],
  databaseIn: AppSubject['databaseIn'],
): Outcome {
  const call = world.call(/^PersistKeysTo/);
  const places = call && placesOfKeys(world, call, databaseIn);
  if (!call || !places) return pass('The keys are in no store that could be compared.');
  const kept = ({ kind, at: location }: PlaceOfKeys) =>
    rings.some(({ store }) => store.kind === kind && location !== undefined && sameLocation(store.at, location));
  if (places.some(kept)) return pass('The store of the keys is one that is configured here.');
  const open = places.find((place) => place.at === undefined && rings.some(({ store }) => store.kind === place.kind));
  if (open) return notKnown('Where the keys are', open.value ?? { unknown: 'outside', place: call.place });
  return warning({
    cause: 'ring_differs',
    what: `The app keeps its keys (${placeText(call.place)}) elsewhere than in the rings that are configured here (${rings.map(({ name }) => name).join(', ')}): what is rotated here, the app does not use.`,
    evidence: [at(call.name, call.place)],
    advice: "Name the app's store in `KEY_RINGS`, or let the app use the store that is named there.",
  });
}

interface PlaceOfKeys {
  kind: ConfiguredRing['store']['kind'];
  /** Undefined where the source does not say. */
  at: string | undefined;
  value: Value | undefined;
}

/** Where the app may keep its keys: of several contexts of Entity Framework any may be the one. Undefined for no store of a ring. */
function placesOfKeys(world: World, call: Call, databaseIn: AppSubject['databaseIn']): PlaceOfKeys[] | undefined {
  if (call.name === 'PersistKeysToDbContext') {
    const uses = world.calls.flatMap(({ name, args }): PlaceOfKeys[] => {
      const kind = databases[name as keyof typeof databases];
      const value = args[0]?.value;
      const text = knownText(value);
      return kind ? [{ kind, at: text === undefined ? undefined : databaseIn(kind, text), value }] : [];
    });
    const anyOf = [...new Set(Object.values(databases))];
    return uses.length > 0 ? uses : anyOf.map((kind) => ({ kind, at: undefined, value: undefined }));
  }
  const kind = stores[call.name as keyof typeof stores];
  if (!kind) return undefined;
  const location = kind === 'redis' ? redisKey(call) : call.args.map(({ value }) => locationOf(value)).find(isText);
  return [{ kind, at: location, value: call.args.at(0)?.value }];
}

const isText = (text: string | undefined) => text !== undefined;

/** `PersistKeysToStackExchangeRedis(connection, "DataProtection-Keys")`, whose key is that by default. */
function redisKey({ args }: Call): string | undefined {
  if (args.length < 2) return 'DataProtection-Keys';
  return knownText(args[1]?.value);
}

/** The text of `new Uri("…")`, `new DirectoryInfo("…")` or a connection string is not a place: a URL or path alone is. */
function locationOf(value: Value): string | undefined {
  const object = knownAs(value, 'object');
  const text = knownText(object ? object.args[0] : value);
  if (text === undefined) return undefined;
  if (!URL.canParse(text) || !/^https?:/i.test(text)) return text;
  const { host, pathname } = new URL(text);
  return `${host}${pathname}`;
}

const sameLocation = (one: string, other: string) =>
  one.replace(/[\\/]+$/, '').toLowerCase() === other.replace(/[\\/]+$/, '').toLowerCase();

function judgeVaultKey(world: World, rings: AppSubject['configured']['rings']): Outcome {
  const call = world.call(/^ProtectKeysWithAzureKeyVault$/);
  const keys = rings.flatMap(({ keyId }) => keyId ?? []);
  if (!call || keys.length === 0) return pass('No Key Vault key is to be compared.');
  const location = call.args.map(({ value }) => locationOf(value)).find((each) => each !== undefined);
  if (location === undefined)
    return notKnown('The key that protects the keys', call.args[0]?.value ?? { unknown: 'outside', place: call.place });
  if (keys.some((key) => sameLocation(withoutVersion(key), withoutVersion(location))))
    return pass('The Key Vault key is one that is configured here.');
  return warning({
    cause: 'ring_protector_differs',
    what: `The app protects its keys (${placeText(call.place)}) with another Key Vault key than those that are configured here: keys that are made here, the app may not read.`,
    evidence: [at(call.name, call.place)],
    advice: 'Name one key in both: `protector.keyId` of `KEY_RINGS`, and `ProtectKeysWithAzureKeyVault` of every app.',
  });
}

/** `host/keys/name` of a key identifier. */
const withoutVersion = (text: string) =>
  text
    .replace(/^https?:\/\//i, '')
    .split('/')
    .slice(0, 3)
    .join('/');

function judgePurge(world: World): Outcome {
  const kind = storeKind(world);
  if (kind !== 'sqlserver' && kind !== 'postgres') return pass('There is no SQL cache whose entries are purged.');
  const value = world.option(optionsOf[kind], 'expireditemsdeletioninterval');
  const place = value?.place ?? world.store?.call.place;
  if (value && knownDuration(value) === undefined && !isNull(value))
    return notKnown('`ExpiredItemsDeletionInterval`', value);
  if (knownDuration(value) === Number.POSITIVE_INFINITY)
    return pass(`The app's own purge is off (${place ? placeText(place) : ''}).`);
  const open = world.openAt(optionsOf[kind]);
  if (!value && open) return mayBeIn('`ExpiredItemsDeletionInterval`', open);
  return warning({
    cause: 'own_purge_on',
    what: `The app's own purge is on (${place ? placeText(place) : ''}): every 30 minutes, or as set, each instance deletes all expired entries in one statement, in the middle of its requests.`,
    evidence: place ? [at('ExpiredItemsDeletionInterval', place)] : [],
    advice: 'Where this project purges the table, write `options.ExpiredItemsDeletionInterval = TimeSpan.MaxValue;`.',
  });
}
