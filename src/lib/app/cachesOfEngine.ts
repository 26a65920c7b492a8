import { MaintenanceError } from '../errors.ts';
import { type JobName, type SettingProblem, settingsError, stops } from '../settings/problems.ts';
import type { Settings } from '../settings/settings.ts';
import type { RedisCache, SqlCache } from '../settings/subjects.ts';

/** @throws MaintenanceError with what is wrong in the settings that this job needs on this cache */
export function sqlCacheFor(settings: Settings, job: JobName, name: string): SqlCache {
  return cacheFor(settings, job, name, settings.sqlCaches, [
    `${name} is a Redis cache.`,
    'Redis expires its entries itself: purge, index and counts are for SQL caches.',
  ]);
}

/** As {@link sqlCacheFor}. */
export function redisCacheFor(settings: Settings, job: JobName, name: string): RedisCache {
  return cacheFor(settings, job, name, settings.redisCaches, [
    `${name} is not a Redis cache.`,
    'The watch is for Redis caches.',
  ]);
}

function cacheFor<C extends { name: string }>(
  { problems, names }: Settings,
  job: JobName,
  name: string,
  caches: readonly C[],
  unsuitable: [message: string, advice: string],
): C {
  const stopping = problems.filter((problem) => stops(problem, job, name));
  const all = [...names.sqlCaches, ...names.redisCaches];
  return usable(caches, name, stopping, () =>
    all.includes(name)
      ? ['engine_unsuitable', ...unsuitable]
      : ['cache_unknown', `No cache is named ${name}.`, `Choose one of: ${all.join(', ')}.`],
  );
}

/** @throws MaintenanceError with the settings that stop it, or what it `isUnknown` by */
export function usable<S extends { name: string }>(
  subjects: readonly S[],
  name: string,
  stopping: readonly SettingProblem[],
  isUnknown: () => ConstructorParameters<typeof MaintenanceError>,
): S {
  if (stopping.length > 0) throw settingsError(stopping);
  const found = subjects.find((subject) => subject.name === name);
  if (found) return found;
  throw new MaintenanceError(...isUnknown());
}
