import { type Check, checksOf, type Outcome, type Symptom, unknown, worst } from '../../../checks/check.ts';
import type { Clock } from '../../../clock.ts';
import { type Place, placeText } from '../../../webApp/csharp/syntax.ts';
import type { Value } from '../../../webApp/csharp/value.ts';
import type { Unresolved, WebApp } from '../../../webApp/facts.ts';
import { type StoreKind, type TokenCacheKind, type World, type Worlds, worldsOf } from '../../../webApp/world.ts';
import type { ConnectionAdvice } from '../connection/connectionChecks.ts';

/** What this project is configured with, to hold the app against: names alone. */
export interface ConfiguredSide {
  instanceNames: readonly string[];
  tables: readonly { engine: 'sqlserver' | 'postgres'; schema: string; table: string }[];
  rings: readonly ConfiguredRing[];
}

export interface ConfiguredRing {
  name: string;
  /** `host/container/blob`, the key in a Redis, a folder, or the database as `server/database`. */
  store: { kind: 'blob' | 'redis' | 'folder' | 'sqlserver' | 'postgres'; at: string };
  /** The Key Vault key, without its version. */
  keyId: string | undefined;
}

/** @returns what is wrong with a connection string; undefined where it cannot be read */
export type AdviceOnString = (
  kind: 'redis' | 'sqlserver' | 'postgres',
  text: string,
) => readonly ConnectionAdvice[] | undefined;

export interface AppSubject {
  app: WebApp;
  worlds: Worlds;
  configured: ConfiguredSide;
  adviceOnString: AdviceOnString;
  /** `server/database` of a connection string; undefined where it cannot be read. */
  databaseIn(kind: 'sqlserver' | 'postgres', text: string): string | undefined;
}

export function appSubject(app: WebApp, rest: Omit<AppSubject, 'app' | 'worlds'>): AppSubject {
  return { app, worlds: worldsOf(app), ...rest };
}

type Judge = (world: World, subject: AppSubject, clock: Clock) => Outcome;

/** Checks of an app, judged in every way in which it may start: where these differ, it is unknown, and told on which line it hangs. */
export function appChecks(symptom: Symptom, judges: Record<string, Judge>): Check<AppSubject>[] {
  const runs = Object.entries(judges).map(([id, judge]): [string, Check<AppSubject>['run']] => [
    id,
    async (subject, clock) => {
      const outcomes = subject.worlds.all.map((world) => judge(world, subject, clock));
      return together(outcomes, subject.worlds.conditions);
    },
  ]);
  return checksOf(symptom, 10_000, Object.fromEntries(runs));
}

function together(outcomes: readonly Outcome[], conditions: readonly Place[]): Outcome {
  const [first] = outcomes;
  const different = [
    ...new Map(outcomes.map((outcome) => [JSON.stringify([outcome.status, outcome.cause]), outcome])).values(),
  ];
  if (!first || different.length <= 1) return first ?? notFound;
  const bad = different.filter(({ status }) => status !== 'pass');
  const worstOne = worst(bad, first);
  if (bad.length === different.length && !bad.some(({ status }) => status === 'unknown')) return worstOne;
  return unknown(
    'depends_on_condition',
    `It depends on ${conditions.map((place) => `the condition at ${placeText(place)}`).join(' and ')}, which a run alone knows. On one side: ${worstOne.what}`,
    `Look which side production takes. ${worstOne.advice ?? ''}`.trim(),
    conditions.map((place) => at('condition', place)),
  );
}

export const notFound = unknown(
  'no_token_cache_found',
  'Nothing was found that registers a token cache or acquires tokens.',
  'Name the folder of the web app, with its Program.cs or Startup.cs.',
);

/** A figure that is a place: `AddInMemoryTokenCaches Program.cs:12`. */
export const at = (what: string, place: Place) => ({ what, value: placeText(place) });

/** A value that the source does not have. */
export function notKnown(what: string, value: Value): Outcome {
  const outside = 'unknown' in value && value.unknown === 'outside';
  return unknown(
    outside ? 'set_outside' : 'built_at_run_time',
    `${what} (${placeText(value.place)}) ${outside ? 'is set outside of the source: in the environment, in user secrets or in a vault' : 'is built at run time'}.`,
    outside ? 'Look it up in the settings of the running app.' : 'Look what it is in the running app.',
    [at(what, value.place)],
  );
}

/** What is missing may be in something that is not in the source. */
export function mayBeIn(what: string, { name, place }: Unresolved): Outcome {
  return unknown(
    'own_extension',
    `${what} was not found, and may be in \`${name}\` (${placeText(place)}), which was not read.`,
    `Look there, or name a folder that has the source of \`${name}\` too.`,
    [at(name, place)],
  );
}

export const adapterOptions = 'MsalDistributedTokenCacheAdapterOptions';

/** The token cache that the app uses: the first that is registered. Undefined where there is none. */
export const winnerOf = ({ tokenCaches }: World): { kind: TokenCacheKind; place: Place } | undefined => {
  const [first] = tokenCaches;
  return first && { kind: first.kind, place: first.call.place };
};

/** Whether the app registers distributed token caches, though another kind may win: what is wrong with them shows once that is out. */
export const isDistributed = ({ tokenCaches }: World) => tokenCaches.some(({ kind }) => kind === 'distributed');

/** The store behind the distributed token cache; undefined where there is none, or it is not used. */
export const storeKind = (world: World): StoreKind | undefined =>
  isDistributed(world) ? world.store?.kind : undefined;
