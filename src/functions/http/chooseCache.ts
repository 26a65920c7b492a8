import { settingsError } from '../../lib/settings/problems.ts';
import { settings } from '../support/app.ts';
import { Problem } from './problem.ts';

/**
 * The cache that a request names, or the only one that there is.
 * @throws Problem 404 where it does not exist, 400 where it must be named, 503 where wrong settings leave none
 */
export function chooseCache(named: string | undefined, known: readonly string[], kind: string): string {
  if (known.length === 0 && settings.problems.length > 0) throw settingsError(settings.problems);
  if (named !== undefined) {
    if (known.includes(named)) return named;
    throw new Problem(
      'cache_unknown',
      `No ${kind} has that name.`,
      `Choose one of: ${known.join(', ') || 'none is configured'}.`,
    );
  }
  const [only] = known;
  if (known.length === 1 && only !== undefined) return only;
  throw new Problem(
    'cache_required',
    `${known.length} ${kind}s are configured.`,
    `Name one in \`cache\`: ${known.join(', ') || 'none is configured'}.`,
  );
}
