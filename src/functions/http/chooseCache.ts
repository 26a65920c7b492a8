import { MaintenanceError } from '../../lib/errors.ts';
import { settingsError } from '../../lib/settings/problems.ts';
import { settings } from '../support/app.ts';

/**
 * The cache that a request names, or the only one that there is.
 * @throws Problem 404 where it does not exist, 400 where it must be named, 503 where wrong settings leave none
 */
export function chooseCache(named: string | undefined, known: readonly string[], kind: string): string {
  if (known.length === 0 && settings.problems.length > 0) throw settingsError(settings.problems);
  if (named !== undefined) {
    if (known.includes(named)) return named;
    throw new MaintenanceError(
      'cache_unknown',
      `No ${kind} has that name.`,
      `Choose one of: ${known.join(', ') || 'none is configured'}.`,
    );
  }
  const [only] = known;
  if (known.length === 1 && only !== undefined) return only;
  throw new MaintenanceError(
    'cache_required',
    `${known.length} ${kind}s are configured.`,
    `Name one in \`cache\`: ${known.join(', ') || 'none is configured'}.`,
  );
}

/**
 * What destroys is done only where it is asked for by name. A wrong name is refused in a dry run too.
 * @throws Problem 400 `confirmation_wrong`
 */
export function refuseUnconfirmed(
  { dryRun, confirm }: { dryRun: boolean; confirm?: string | undefined },
  name: string,
  kind: 'cache' | 'ring',
): void {
  if (confirm === name || (dryRun && confirm === undefined)) return;
  throw new MaintenanceError(
    'confirmation_wrong',
    `\`confirm\` is not the name of the ${kind}.`,
    `To do it, send \`"dryRun": false, "confirm": "${name}"\`. Nothing was done.`,
  );
}
