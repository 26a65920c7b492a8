import { MaintenanceError } from '../errors.ts';
import type { CacheSettings } from '../settings/cacheSettings.ts';
import { type JobName, settingsError, stops } from '../settings/problems.ts';
import type { Settings } from '../settings/settings.ts';

/** Names of all SQL caches of the settings, those that cannot be used included: their runs fail with the reason. */
export function sqlCacheNames(settings: Settings): string[] {
  return names(settings, (engine) => engine !== 'redis');
}

/** Names of all Redis caches of the settings, as {@link sqlCacheNames}. */
export function redisCacheNames(settings: Settings): string[] {
  return names(settings, (engine) => engine === 'redis');
}

/**
 * The settings of one cache.
 * @throws MaintenanceError with what is wrong in the settings that this job needs on this cache
 */
export function cacheFor(settings: Settings, job: JobName, cache: string): CacheSettings {
  const problems = settings.problems.filter((problem) => stops(problem, job, cache));
  if (problems.length > 0) throw settingsError(problems);
  const found = settings.caches.find(({ name }) => name === cache);
  if (found) return found;
  throw new MaintenanceError(
    'cache_unknown',
    `No cache is named ${cache}.`,
    `Choose one of: ${[...sqlCacheNames(settings), ...redisCacheNames(settings)].join(', ')}.`,
  );
}

/** A job that this cache's engine has no use for. */
export function unsuitableEngine(message: string, advice: string): MaintenanceError {
  return new MaintenanceError('engine_unsuitable', message, advice);
}

/** A cache that one setting alone concerns, such as a threshold, is not broken: it stands among the usable ones. */
function names({ caches, problems }: Settings, ofEngine: (engine: string | undefined) => boolean): string[] {
  const usable = new Set(caches.map(({ name }) => name));
  const broken = problems
    .filter(({ engine }) => ofEngine(engine))
    .flatMap(({ cache }) => (cache && !usable.has(cache) ? [cache] : []));
  return [...new Set([...caches.filter(({ engine }) => ofEngine(engine)).map(({ name }) => name), ...broken])];
}
