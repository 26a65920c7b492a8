import { type Check, checksOf, critical, pass, unknown, warning } from '../../../checks/check.ts';
import { keyIdOf } from '../../../payloadHeader.ts';
import type { EntryState } from '../../../sql/inspection.ts';
import { keyParts } from '../../../tokenKeys.ts';
import { countOf } from '../../../wording.ts';
import { type EntriesSubject, ownPlace } from './entriesSubject.ts';

/** Keys whose neighbours are looked up, each by the primary key. */
const probedKeys = 40;
/** Entries that are watched for rewriting, the looks at them, and the time between two. */
const watched = { entries: 12, looks: 4, everyMs: 500 };

/** What makes users sign in again and again, as the keys of a cache show. */
export const keyChecks: Check<EntriesSubject>[] = [
  ...checksOf<EntriesSubject>('prompts', 20_000, {
    // Several apps in one cache: user entries have no client id in their keys, so the apps overwrite each other's.
    'entries-shared-by-apps': async (subject) => {
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
        advice: `Give the apps ${ownPlace[subject.engine]}, each another.`,
      });
    },
    'keys-case': async (subject) => {
      const [lookups, { entries }] = [await subject.lookups(), await subject.entries()];
      // Entra's ids are in lower case: an upper-case one was made by an app.
      const odd = entries.filter(
        ({ key, kind }) => kind !== 'other' && kind !== 'onBehalfOf' && /[A-F]/.test(idPart(key)),
      );
      const twins: string[] = [];
      for (const { key } of odd.slice(0, probedKeys)) {
        const id = idPart(key);
        const lower = id.toLowerCase() + key.slice(id.length);
        if ((await lookups.state(lower))?.key === lower) twins.push(key);
      }
      const evidence = [
        { what: 'keys sampled', value: entries.length },
        { what: 'with upper-case ids', value: odd.length },
        { what: 'there in lower case as well', value: twins.length },
      ];
      if (odd.length === 0) return pass('No sampled key differs from another in case alone.', evidence);
      const trouble = {
        cause: 'keys_differ_in_case',
        what: `${countOf(odd.length, 'sampled key has', 'sampled keys have')} ids in upper case, ${twins.length} of them are there in lower case too: an app finds one of the two, and asks the user to sign in for the other.`,
        evidence: [...evidence, { what: 'first', value: subject.showKey(odd[0]?.key ?? '') }],
        advice:
          "Find the app that builds account ids itself (from claims, in upper case) rather than with MSAL, and let it use MSAL's; then remove the entries in upper case.",
      };
      return twins.length > 0 ? critical(trouble) : warning(trouble);
    },
    'keys-tenant': async (subject) => {
      const [lookups, { entries }] = [await subject.lookups(), await subject.entries()];
      const objects = [...new Set(entries.flatMap(({ key }) => keyParts(key).objectId ?? []))].slice(0, probedKeys);
      const several: string[] = [];
      for (const objectId of objects) {
        const keys = await lookups.keysWithPrefix(`${objectId}.`, 4);
        if (new Set(keys.map((key) => keyParts(key).tenantId?.toLowerCase())).size > 1)
          several.push(...keys.slice(0, 1));
      }
      const evidence = [
        { what: 'users looked up', value: objects.length },
        { what: 'with entries under several tenants', value: several.length },
      ];
      if (several.length === 0) return pass('Each user is under one tenant.', evidence);
      return critical({
        cause: 'keys_differ_in_tenant',
        what: `${countOf(several.length, 'user')} of ${objects.length} looked up ${several.length === 1 ? 'has' : 'have'} entries under several tenant ids: an app looks under one, and the token lies under the other.`,
        evidence: [...evidence, { what: 'first', value: subject.showKey(several[0] ?? '') }],
        advice:
          'The tenant in the key is the home tenant of the account (HomeAccountId). Let no app set the account from the tid claim of a guest, nor mix tenanted and common authorities.',
      });
    },
  }),
  ...checksOf<EntriesSubject>('prompts', 25_000, {
    'entries-rewritten': async (subject, clock, signal) => {
      const lookups = await subject.lookups();
      const keys = await lookups.latestKeys(watched.entries);
      const looks: (EntryState | undefined)[][] = [];
      for (let look = 0; look < watched.looks; look += 1) {
        if (look > 0) await clock.sleep(watched.everyMs, signal);
        const states: (EntryState | undefined)[] = [];
        for (const key of keys) states.push(await lookups.state(key));
        looks.push(states);
      }
      if (signal.aborted)
        return unknown('time_limit', 'The looks did not end in time.', 'Look at the load of the server.');
      const changes = keys.map((_, at) => changesOf(looks.map((states) => states[at])));
      const restless = changes.filter(({ values }) => values >= watched.looks - 1).length;
      const alternating = changes.filter(({ keyIds }) => keyIds > 1).length;
      const evidence = [
        { what: 'entries watched', value: keys.length },
        { what: 'looks', value: watched.looks },
        { what: 'rewritten between every two looks', value: restless },
        { what: 'whose key id changed', value: alternating },
      ];
      if (alternating > 0)
        return critical({
          cause: 'key_id_alternates',
          what: `${countOf(alternating, 'entry was', 'entries were')} rewritten under another key while being watched: instances with different rings cannot read what the other wrote, and get new tokens each time.`,
          evidence,
          advice:
            'Give every instance of every app one key ring and one SetApplicationName; see the check encryption-unknown-keys.',
        });
      if (restless === 0) return pass('No entry is rewritten over and over.', evidence);
      return warning({
        cause: 'rewritten_over_and_over',
        what: `${countOf(restless, 'entry was', 'entries were')} rewritten between every two looks, ${watched.everyMs / 1000} s apart: one instance throws away what another has just written, or a token is got anew for each request.`,
        evidence,
        advice:
          'Look for an app that asks with forceRefresh or ever new claims, for two apps that share these entries, and for instances with different settings of `Encrypt`.',
      });
    },
  }),
];

/** The ids of a key; what follows them, such as `_AppTokenCache`, has upper case by right. */
function idPart(key: string): string {
  return /^[0-9a-f-]{36}(?:[._][0-9a-f-]{36})?/i.exec(key)?.[0] ?? '';
}

function changesOf(states: (EntryState | undefined)[]): { values: number; keyIds: number } {
  const present = states.flatMap((state) => state ?? []);
  const values = present.slice(1).filter((state, at) => state.digest !== present[at]?.digest).length;
  return { values, keyIds: new Set(present.flatMap(({ header }) => keyIdOf(header) ?? [])).size };
}
