import { byName } from '../byName.ts';
import { readOptions } from './csharp/known.ts';
import { type Place, placeText } from './csharp/syntax.ts';
import { knownAs, type Value } from './csharp/value.ts';
import type { Call, Fact, Guard, OptionSet, Unresolved, WebApp } from './facts.ts';

/** Calls that a check may rest on. */
const telling =
  /Token(Cache|Caches|Acquisition)|Cache$|Caches$|MicrosoftIdentity|DataProtection|^(Persist|Protect|Unprotect)Keys|^SetApplicationName$|Ephemeral|^DisableAutomaticKeyGeneration$|^Add(Singleton|Scoped|Transient)$|^AddAuthentication$|^AddControllersWithViews$|^AddRazorPages$|^Use(SqlServer|AzureSql|Npgsql)$|^GetDefaultInstance$|^GetAccessTokenForApp|^CallApiForApp/;

export type TokenCacheKind = 'memory' | 'distributed' | 'session' | 'own';
const tokenCaches = byName<TokenCacheKind>({
  AddInMemoryTokenCaches: 'memory',
  AddInMemoryTokenCache: 'memory',
  AddDistributedTokenCaches: 'distributed',
  AddDistributedTokenCache: 'distributed',
  AddSessionTokenCaches: 'session',
});

export type StoreKind = 'memory' | 'redis' | 'sqlserver' | 'postgres' | 'other';
const stores: readonly [RegExp, StoreKind][] = [
  [/^AddDistributedMemoryCache$/, 'memory'],
  [/^(AddStackExchangeRedisCache|AddDistributedRedisCache|AddRedisDistributedCache)$/, 'redis'],
  [/^AddDistributedSqlServerCache$/, 'sqlserver'],
  [/^AddDistributedPostgres(Sql|QL)?Cache$/i, 'postgres'],
  [
    /^(?!AddDistributedTokenCache)Add\w*(Distributed\w*Cache|CosmosCache|MongoDbCache|NCache|Memcached|CouchbaseCache)$/,
    'other',
  ],
];

export interface Store {
  kind: StoreKind;
  call: Call;
}

/** The app as one run takes it: every condition that only a run knows has one side. */
export class World {
  readonly app: WebApp;
  readonly calls: readonly Call[];
  readonly #options: readonly OptionSet[];
  readonly #unresolved: readonly Unresolved[];

  constructor(app: WebApp, taken: (fact: Fact) => boolean) {
    this.app = app;
    this.calls = app.calls.filter(taken);
    this.#options = app.options.filter(taken);
    this.#unresolved = app.unresolved.filter(taken);
  }

  call(name: RegExp): Call | undefined {
    return this.calls.find((each) => name.test(each.name));
  }

  /** In the order in which they are registered, of which the first wins (measured; Microsoft's article says the last). */
  get tokenCaches(): { kind: TokenCacheKind; call: Call }[] {
    return this.calls.flatMap((call) => {
      // A provider of the app's own is neither: what it does is in its code.
      const own = /^Add(Singleton|Scoped|Transient)$/.test(call.name) && call.of === 'IMsalTokenCacheProvider';
      const kind = own ? 'own' : tokenCaches[call.name];
      return kind ? [{ kind, call }] : [];
    });
  }

  /** Registered `IDistributedCache`s. */
  get stores(): Store[] {
    return this.calls.flatMap((call): Store[] => {
      const found = stores.find(([name]) => name.test(call.name));
      if (found) return [{ kind: found[1], call }];
      return call.name === 'AddSingleton' && call.of === 'IDistributedCache' ? [{ kind: 'other', call }] : [];
    });
  }

  /** The store that is used: the last persistent one, and memory only where there is none (measured). */
  get store(): Store | undefined {
    return this.stores.findLast(({ kind }) => kind !== 'memory') ?? this.stores.at(-1);
  }

  /** What a property is set to last; undefined where the app does not set it. */
  option(options: string, path: string): Value | undefined {
    return this.#options.findLast((each) => each.options === options && each.path === path)?.value;
  }

  /** The property of an object that is assigned, and what is set on it: `L1CacheOptions = new MemoryCacheOptions { SizeLimit = 1 }`. */
  nested(options: string, path: string, property: string): Value | undefined {
    const later = this.option(options, `${path}.${property}`);
    if (later) return later;
    const properties = knownAs(this.option(options, path), 'object')?.properties ?? [];
    return [...properties].find(([name]) => name.toLowerCase() === property)?.[1];
  }

  /** Where something that is not in the source may register what is missing, or set these options. */
  openAt(options?: string): Unresolved | undefined {
    return this.#unresolved.find((each) => each.options === undefined || each.options === options);
  }
}

/** More ways than these are not told apart: a start has few conditions. */
const wayLimit = 256;

export interface Worlds {
  all: readonly World[];
  /** The conditions on which they differ. */
  conditions: readonly Place[];
}

/** Every way in which the app may start in production. */
export function worldsOf(app: WebApp): Worlds {
  const facts = [
    ...app.calls.filter(({ name }) => telling.test(name)),
    ...app.options.filter(({ options }) => readOptions.has(options)),
    ...app.unresolved,
  ];
  const conditions = new Map(facts.flatMap(({ guards }) => guards).map((guard) => [guard.id, guard]));
  let choices: ReadonlyMap<string, number>[] = [new Map()];
  for (const { id, of } of conditions.values())
    if (choices.length * of <= wayLimit)
      choices = choices.flatMap((choice) =>
        Array.from({ length: of }, (_, branch) => new Map([...choice, [id, branch]])),
      );
  const takes = (choice: ReadonlyMap<string, number>, { id, branch }: Guard) => (choice.get(id) ?? 0) === branch;
  return {
    all: choices.map((choice) => new World(app, ({ guards }) => guards.every((guard) => takes(choice, guard)))),
    conditions: [...new Map([...conditions.values()].map(({ place }) => [placeText(place), place])).values()],
  };
}
