import { type Check, critical, pass } from '../../../checks/check.ts';
import { keyParts } from '../../../tokenKeys.ts';
import { countOf } from '../../../wording.ts';
import type { EntriesSubject } from './entriesSubject.ts';

const timeLimitMs = 20_000;

/** Several apps in one cache: user entries have no client id in their keys, so the apps overwrite each other's. */
export const sharingCheck: Check<EntriesSubject> = {
  id: 'entries-shared-by-apps',
  symptom: 'prompts',
  timeLimitMs,
  run: async (subject) => {
    const { entries } = await subject.entries();
    const clients = new Map<string, number>();
    for (const { key, format } of entries) {
      const { clientId } = keyParts(key);
      const named = [
        ...(clientId ? [clientId] : []),
        ...(format.kind === 'msal' ? (format.tokens?.clientIds ?? []) : []),
      ];
      for (const id of new Set(named)) clients.set(id, (clients.get(id) ?? 0) + 1);
    }
    const evidence = [
      { what: 'apps (client ids)', value: clients.size },
      ...[...clients].slice(0, 5).map(([id, value]) => ({ what: `entries of app ${id}`, value })),
    ];
    if (clients.size <= 1) return pass('The entries are of one app, as far as they tell.', evidence);
    return critical({
      cause: 'shared_by_apps',
      what: `${countOf(clients.size, 'app')} keep their tokens in this cache. A user's key, {oid}.{tid}, is the same for all of them: each sign-in to one overwrites the tokens of the other.`,
      evidence,
      advice: 'Give each app a table of its own, or on Redis an InstanceName of its own.',
    });
  },
};
