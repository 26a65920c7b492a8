import { countOf, percentText } from '../wording.ts';
import { clearCommand } from './diagnosis/entries/entriesSubject.ts';

/** What the judge of a cache, by its records, and the diagnosis, by a look, say alike of entries whose key no reader has. */

/** So many entries name keys of such a kind, of so many encrypted ones. */
export interface Mismatch {
  entries: number;
  of: number;
  keys: number;
}

/** Fewer are what is left over of earlier days: an instance that writes has more of the entries soon. */
const leftOverPercent = 1;
const percentOf = ({ entries, of }: Mismatch) => (100 * entries) / of;
export const isLeftOver = (found: Mismatch) => percentOf(found) < leftOverPercent;

const nameKeys = (found: Mismatch, kind: string) =>
  `${found.entries.toLocaleString('en-US')} of ${countOf(found.of, 'sampled, encrypted entry', 'sampled, encrypted entries')} (${percentText(percentOf(found))}) ${found.entries === 1 ? 'names' : 'name'} ${countOf(found.keys, `${kind}key`)}`;

export const unknownKeys = (cache: string, found: Mismatch) => ({
  what: `${nameKeys(found, '')} that no configured ring has: an instance keeps a ring of its own, or a key was removed.`,
  advice: `Find the instance that does not share the ring: every instance of every app needs the same PersistKeysTo… and SetApplicationName. Then remove these entries, with ${clearCommand(cache, '--unreadable')}; their users sign in once more.`,
});

export const revokedKeys = (cache: string, found: Mismatch) => ({
  what: `${nameKeys(found, 'revoked ')}: they cannot be read any more.`,
  advice: `Remove them with ${clearCommand(cache, '--unreadable')}. If entries are still written under a revoked key, restart the apps: they read the ring once a day.`,
});
