import type { AppPurge } from './cacheTable.ts';

/** What one look at the server's statistics told of the web app's own purge; `at` by the database's clock. */
export interface AppPurgeLook {
  at: string;
  appPurge: AppPurge;
}

const dayMs = 86_400_000;
/** So many of the newest counts: a look that could not tell, or a run that failed, does not break the chain. */
export const earlierLooks = 12;

/**
 * When runs that are only counted were last seen to have become more: by a look of the last day before this one. One that could
 * not tell is passed over.
 * @param earlier the newest first
 */
export function withRise({ at, appPurge }: AppPurgeLook, earlier: readonly AppPurgeLook[]): AppPurge {
  if (appPurge.state !== 'counted') return appPurge;
  const recent = earlier.filter((look) => Date.parse(at) - Date.parse(look.at) < dayMs);
  const before = recent.find((look) => look.appPurge.state !== 'unknown')?.appPurge;
  if (!before || before.state === 'unknown') return appPurge;
  if (before.state === 'notSeen' || before.runs < appPurge.runs) return { ...appPurge, roseAt: at };
  return { ...appPurge, roseAt: before.state === 'counted' ? before.roseAt : before.lastRunAt };
}
