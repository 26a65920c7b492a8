import { openContainer } from '../azure/storage.ts';
import { runChecks } from '../checks/runChecks.ts';
import type { Clock } from '../clock.ts';
import {
  type AdviceOnString,
  type AppSubject,
  appSubject,
  type ConfiguredRing,
  type ConfiguredSide,
  storeKind,
} from '../findings/diagnosis/app/appSubject.ts';
import { nameInStore } from '../findings/diagnosis/app/configuredChecks.ts';
import type { ExaminedApp } from '../findings/diagnosis/bothSides.ts';
import { redisAdvice, sqlAdvice } from '../findings/diagnosis/connection/stringAdvice.ts';
import { registry } from '../findings/diagnosis/registry.ts';
import { readConnectionText } from '../settings/connectionText.ts';
import type { Settings } from '../settings/settings.ts';
import type { RingStore } from '../settings/subjects.ts';
import { readWebApps } from '../webApp/readWebApps.ts';
import { readSources } from '../webApp/sources/sources.ts';

/** More source than any web app has. */
const sourceLimitBytes = 50_000_000;

/**
 * Checks the web apps of a folder, a zip or a file; only the command line does. An app of a folder with several is named by its project.
 * @throws MaintenanceError `app_unreadable`
 */
export async function diagnoseWebApps(
  path: string,
  settings: Settings,
  clock: Clock,
  signal?: AbortSignal,
): Promise<ExaminedApp[]> {
  const apps = await readWebApps(await readSources(path, sourceLimitBytes));
  const configured = await configuredSide(settings);
  // A project among several may have nothing to do with tokens.
  const concerned = apps.filter(({ calls }) =>
    calls.some(({ name }) => /TokenCache|MicrosoftIdentity|TokenAcquisition/.test(name)),
  );
  const examined = concerned.length > 0 ? concerned : apps.slice(0, 1);
  return Promise.all(
    examined.map(async (app) => {
      const subject = examined.length > 1 ? `app ${app.name}` : `app ${path}`;
      const of = appSubject(app, { configured, adviceOnString, databaseIn });
      return {
        reports: await runChecks({ subject, checks: registry.app, of }, clock, signal),
        caches: cachesOf(of, settings),
      };
    }),
  );
}

/** The caches that the app may use: of its engine, and of its name where one has that. */
function cachesOf({ worlds }: AppSubject, { sqlCaches, redisCaches }: Settings): string[] {
  const all = [
    ...redisCaches.map(({ name, instanceName }) => ({ name, kind: 'redis' as const, called: instanceName })),
    ...sqlCaches.map(({ name, kind, table }) => ({ name, kind, called: table.table })),
  ];
  const stores = new Set(worlds.all.map((world) => storeKind(world) ?? 'memory'));
  const fitting = stores.has('memory') || stores.has('other') ? all : all.filter(({ kind }) => stores.has(kind));
  const named = fitting.filter(({ called }) =>
    worlds.all.some((world) => nameInStore(world)?.toLowerCase() === called.toLowerCase()),
  );
  return (named.length > 0 ? named : fitting).map(({ name }) => name);
}

const adviceOnString: AdviceOnString = (kind, text) => {
  if (kind === 'redis') {
    const connection = readConnectionText(kind, text);
    return connection && redisAdvice(connection);
  }
  const connection = readConnectionText(kind, text);
  return connection && sqlAdvice[kind](connection);
};

const databaseIn: AppSubject['databaseIn'] = (kind, text) => {
  const connection = readConnectionText(kind, text);
  return connection && placeOfDatabase(connection);
};

const placeOfDatabase = ({ server, database }: { server: string; database?: string | undefined }) =>
  `${server}/${database ?? ''}`;

async function configuredSide({ sqlCaches, redisCaches, rings }: Settings): Promise<ConfiguredSide> {
  return {
    instanceNames: redisCaches.map(({ instanceName }) => instanceName),
    tables: sqlCaches.map(({ kind, table }) => ({ engine: kind, ...table })),
    rings: await Promise.all(
      rings.map(async ({ name, store, protector }) => ({
        name,
        store: await placeOfRing(store),
        keyId: protector.kind === 'keyVault' ? protector.keyId : undefined,
      })),
    ),
  };
}

async function placeOfRing(store: RingStore): Promise<ConfiguredRing['store']> {
  if (store.kind === 'folder') return { kind: 'folder', at: store.path };
  if (store.kind === 'redis') return { kind: 'redis', at: store.key };
  if (store.kind !== 'blob') return { kind: store.kind, at: placeOfDatabase(store.connection) };
  const { host, pathname } = new URL((await openContainer(store.address, store.container)).url);
  return { kind: 'blob', at: `${host}${pathname}/${store.blob}` };
}
