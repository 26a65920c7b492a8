import { isAssertion, tokenKey } from '../tokenKeys.ts';

/**
 * Whose key it is, by its name: the prefix that stands before what Microsoft.Identity.Web writes. A prefix that is also the
 * beginning of another app's (`app` and `app-staging:`) covers that app's keys too, and SCAN cannot tell them apart.
 *
 * @param known prefixes of other caches, which the settings name
 * @returns the cache's own prefix where nothing speaks for another
 */
export function prefixOf(key: string, own: string, known: readonly string[]): string {
  const token = tokenKey(key);
  if (token?.prefix.startsWith(own)) return token.prefix;
  const [longest] = known
    .filter((prefix) => prefix.length > own.length && prefix.startsWith(own) && key.startsWith(prefix))
    .sort((a, b) => b.length - a.length);
  if (longest !== undefined) return longest;
  const rest = key.slice(own.length);
  // Behind a prefix that ends as prefixes do, what follows is the key; else the prefix may go on.
  if (isAssertion(rest) || separators.test(own)) return own;
  return own + (/^[^:/|]*[:/|]/.exec(rest)?.[0] ?? '');
}

const separators = /[:/|_.-]$/;
