import { Problem } from './problem.ts';

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
  throw new Problem(
    'confirmation_wrong',
    `\`confirm\` is not the name of the ${kind}.`,
    `To do it, send \`"dryRun": false, "confirm": "${name}"\`. Nothing was done.`,
  );
}
