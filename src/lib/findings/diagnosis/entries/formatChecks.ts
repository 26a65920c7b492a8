import { type Check, checksOf, critical, pass, warning } from '../../../checks/check.ts';
import { countOf, percentText } from '../../../wording.ts';
import { clearCommand, type EntriesSubject, livingEntries, type SampledCacheEntry, scaled } from './entriesSubject.ts';

/** What somebody signed out by a clear would be: one for each user's entry. */
const usersIn = (entries: readonly SampledCacheEntry[]) => entries.filter(({ kind }) => kind === 'user').length;

/** Entries that no reader of the token cache can use. */
const foreign: Check<EntriesSubject>['run'] = async (subject) => {
  const reading = await livingEntries(subject);
  const { entries } = reading;
  const found = entries.filter(({ format, kind }) => format.kind === 'foreign' && kind !== 'other');
  if (found.length === 0)
    return pass('Every sampled entry has a form that the token cache writes.', [
      { what: 'entries sampled', value: entries.length },
    ]);
  const share = found.length / entries.length;
  const affected = scaled(usersIn(found), reading);
  const all = scaled(usersIn(entries), reading);
  const whole = share > 0.5;
  return critical({
    cause: 'foreign_format',
    what: `${countOf(found.length, 'entry', 'entries')} of ${entries.length} sampled (${percentText(100 * share)}) are neither MSAL's JSON nor a Data Protection payload${formsOf(found)}. They were written by another version, by a compressing or encrypting wrapper, or cut off on the way: reading one fails with json_parse_failed.`,
    evidence: [
      { what: 'entries sampled', value: entries.length },
      { what: 'entries concerned', value: found.length },
      { what: 'users signed out by removing these (estimate)', value: affected },
      { what: 'users signed out by clearing the cache (estimate)', value: all },
      { what: 'first', value: subject.showKey(found[0]?.key ?? '') },
    ],
    advice: whole
      ? `Most entries are concerned: clearing the cache is the smaller remedy, and signs out ${countOf(all, 'user')} once: ${clearCommand(subject.name)}.`
      : `Remove these entries alone, with ${clearCommand(subject.name, '--unreadable')}: that signs out ${countOf(affected, 'user')}, clearing the whole cache ${all}.`,
  });
};

/** A value of no bytes is a miss to MSAL (measured with MSAL 4.92), and no failure: it needs no removal. */
const empty: Check<EntriesSubject>['run'] = async (subject) => {
  const { entries } = await livingEntries(subject);
  const found = entries.filter(({ format }) => format.kind === 'empty');
  const evidence = [{ what: 'entries sampled', value: entries.length }];
  if (found.length === 0) return pass('Every sampled entry has a value.', evidence);
  return warning({
    cause: 'empty_values',
    what: `${countOf(found.length, 'entry', 'entries')} of ${entries.length} sampled have no value: MSAL finds nothing there, and their users sign in once more.`,
    evidence: [
      ...evidence,
      { what: 'entries concerned', value: found.length },
      { what: 'first', value: subject.showKey(found[0]?.key ?? '') },
    ],
    advice:
      'Look for what empties them: a script, a copy of the table, a proxy. The next sign-in writes each anew; nothing is to be removed.',
  });
};

function formsOf(entries: readonly SampledCacheEntry[]): string {
  const found = entries.flatMap(({ format }) => (format.kind === 'foreign' ? format.form : []));
  const forms = [...Map.groupBy(found, (form) => form)].map(([form, { length }]) => `${length} ${form}`);
  return ` (${forms.join(', ')})`;
}

/** A mixture means that `Encrypt` differs between apps, or was switched lately. */
const mixture: Check<EntriesSubject>['run'] = async (subject) => {
  const reading = await livingEntries(subject);
  const encrypted = reading.entries.filter(({ format }) => format.kind === 'encrypted').length;
  const plain = reading.entries.filter(({ format }) => format.kind === 'msal').length;
  const evidence = [
    { what: 'plain', value: plain },
    { what: 'encrypted', value: encrypted },
  ];
  if (encrypted === 0 || plain === 0)
    return pass(encrypted > 0 ? 'All sampled entries are encrypted.' : 'No sampled entry is encrypted.', evidence);
  const trouble = {
    cause: 'plain_and_encrypted',
    what: `${countOf(plain, 'sampled entry is', 'sampled entries are')} plain and ${encrypted} encrypted: apps without Encrypt cannot read the encrypted ones (json_parse_failed); those with it read the plain ones, which lie there for everybody to read.`,
    evidence: [
      ...evidence,
      {
        what: 'the fewer of the two in the whole cache (estimate)',
        value: scaled(Math.min(plain, encrypted), reading),
      },
    ],
    advice: `Set \`Encrypt\` of MsalDistributedTokenCacheAdapterOptions alike in every app, then remove the ${plain < encrypted ? 'plain' : 'encrypted'} entries, which are the fewer: ${clearCommand(subject.name, '--unreadable', `--expect ${plain < encrypted ? 'encrypted' : 'plain'}`)}.`,
  };
  return Math.min(plain, encrypted) * 20 >= plain + encrypted ? critical(trouble) : warning(trouble);
};

export const formatChecks = checksOf<EntriesSubject>('deserialization', 20_000, {
  'entries-empty': empty,
  'entries-format': foreign,
  'entries-mixture': mixture,
});
