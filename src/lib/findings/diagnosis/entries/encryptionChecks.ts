import {
  type Check,
  checksOf,
  critical,
  type Evidence,
  type Outcome,
  pass,
  unknown,
  warning,
} from '../../../checks/check.ts';
import { formatDuration, humanDuration } from '../../../durations.ts';
import { countOf } from '../../../wording.ts';
import { isLeftOver, revokedKeys, unknownKeys } from '../../keyMismatch.ts';
import {
  type EntriesSubject,
  type EntryReading,
  livingEntries,
  type RingKnowledge,
  type SampledCacheEntry,
  scaled,
} from './entriesSubject.ts';

/** Which key ids the entries name, held against the rings: the answer to `json_parse_failed` on some servers. */

interface KeyGroup {
  keyId: string;
  entries: SampledCacheEntry[];
}

/** The key id stands in the first 20 bytes of a Data Protection payload: no secret is needed to read it. */
function groupsOf({ entries }: EntryReading): KeyGroup[] {
  const keyOf = ({ format }: SampledCacheEntry) => (format.kind === 'encrypted' ? format.keyId : undefined);
  return [...Map.groupBy(entries, keyOf)]
    .flatMap(([keyId, members]) => (keyId === undefined ? [] : { keyId, entries: members }))
    .sort((a, b) => b.entries.length - a.entries.length);
}

const entriesOf = (groups: readonly KeyGroup[]) => groups.reduce((sum, { entries }) => sum + entries.length, 0);

/** The first look of every check here: an outcome where there is nothing to hold against each other. */
async function look(subject: EntriesSubject) {
  const reading = await livingEntries(subject);
  const groups = groupsOf(reading);
  const encrypted = entriesOf(groups);
  const figures: Evidence[] = [
    { what: 'entries sampled', value: reading.entries.length },
    { what: 'encrypted', value: encrypted },
    { what: 'key ids', value: groups.length },
  ];
  if (groups.length === 0) return pass('No sampled entry is encrypted.', figures);
  const rings = await subject.rings();
  if (rings.length === 0)
    return unknown(
      'no_ring_configured',
      `${countOf(encrypted, 'sampled entry is', 'sampled entries are')} encrypted, and no key ring is configured to hold them against.`,
      'Name the ring of the apps in KEY_RINGS, with this cache among its `caches`; mode observe is enough.',
      figures,
    );
  const unread = rings.find(({ keys }) => keys === undefined);
  if (unread)
    return unknown(
      'ring_unreadable',
      `The key ring ${unread.ring} could not be read: ${unread.problem ?? ''}`.trim(),
      `See the checks of the key ring ${unread.ring}.`,
      figures,
    );
  // Every entry would be a stranger's: that the ring is empty says more, and its own check says it.
  const [first] = rings;
  if (first && rings.every(({ keys }) => keys?.size === 0))
    return unknown(
      'ring_empty',
      `The key ring ${first.ring} holds no key to hold the entries against.`,
      `See the checks of the key ring ${first.ring}.`,
      figures,
    );
  return { name: subject.name, reading, groups, rings, figures };
}

type Look = Exclude<Awaited<ReturnType<typeof look>>, Outcome>;

function judged(judge: (look: Look) => Outcome): Check<EntriesSubject>['run'] {
  return async (subject) => {
    const found = await look(subject);
    return 'status' in found ? found : judge(found);
  };
}

/** When the oldest of them was last written or read, as an estimate; null where no entry tells. */
function sinceWhen(entries: readonly SampledCacheEntry[]): Date | null {
  const times = entries.flatMap(({ expiresAt, slidingSeconds }) =>
    expiresAt && slidingSeconds && slidingSeconds > 0 ? [expiresAt.getTime() - slidingSeconds * 1000] : [],
  );
  const since = new Date(Math.min(...times));
  return Number.isNaN(since.getTime()) ? null : since;
}

const findKey = (rings: readonly RingKnowledge[], keyId: string) =>
  rings.map(({ keys }) => keys?.get(keyId)).find((key) => key !== undefined);

const shareEvidence = (groups: readonly KeyGroup[]): Evidence[] =>
  groups.slice(0, 5).map(({ keyId, entries }) => ({ what: `entries under key ${keyId}`, value: entries.length }));

export const encryptionChecks = checksOf<EntriesSubject>('encryption', 20_000, {
  'encryption-unknown-keys': judged(({ name, reading, groups, rings, figures }) => {
    const strange = groups.filter(({ keyId }) => !findKey(rings, keyId));
    if (strange.length === 0) return pass('The rings know every key id that the sampled entries name.', figures);
    const entries = strange.flatMap((group) => group.entries);
    const since = sinceWhen(entries);
    const age = since && Math.max(0, reading.now.getTime() - since.getTime());
    const found = { entries: entries.length, of: entriesOf(groups), keys: strange.length };
    const { what, advice } = unknownKeys(name, found);
    return (isLeftOver(found) ? warning : critical)({
      cause: 'key_not_in_ring',
      what: `${what}${
        since
          ? ` The oldest of them was touched about ${humanDuration(age ?? 0)} ago (an estimate: expiry less sliding span).`
          : ''
      }`,
      evidence: [
        ...figures,
        ...shareEvidence(strange),
        { what: 'such entries in the whole cache (estimate)', value: scaled(entries.length, reading) },
        ...(since
          ? [
              { what: 'since about (estimate)', value: since.toISOString() },
              { what: 'age (estimate)', value: formatDuration(age ?? 0) },
            ]
          : []),
      ],
      advice,
    });
  }),
  'encryption-revoked-keys': judged(({ name, reading, groups, rings, figures }) => {
    const revoked = groups.filter(({ keyId }) => findKey(rings, keyId)?.revoked);
    if (revoked.length === 0) return pass('No sampled entry names a revoked key.', figures);
    const found = { entries: entriesOf(revoked), of: entriesOf(groups), keys: revoked.length };
    return (isLeftOver(found) ? warning : critical)({
      cause: 'key_revoked',
      ...revokedKeys(name, found),
      evidence: [
        ...figures,
        ...shareEvidence(revoked),
        { what: 'such entries in the whole cache (estimate)', value: scaled(found.entries, reading) },
      ],
    });
  }),
  'encryption-several-rings': judged(({ groups, rings, figures }) => {
    const used = rings.filter(({ keys }) => groups.some(({ keyId }) => keys?.has(keyId)));
    const known = groups.filter(({ keyId }) => findKey(rings, keyId));
    // A ring may be named twice, or be a copy with fewer keys: what matters is that one reads all.
    const together = used.some(({ keys }) => known.every(({ keyId }) => keys?.has(keyId)));
    if (used.length <= 1 || together) return pass('The entries are of one ring.', figures);
    return critical({
      cause: 'several_rings',
      what: `The entries are protected by ${used.length} rings at once: ${used.map(({ ring }) => ring).join(', ')}. Apps of one ring cannot read the entries of another.`,
      evidence: [
        ...figures,
        ...used.map(({ ring, keys }) => ({
          what: `entries of ring ${ring}`,
          value: entriesOf(groups.filter(({ keyId }) => keys?.has(keyId))),
        })),
      ],
      advice: 'Give all apps that share this cache one ring and one SetApplicationName, or each a cache of its own.',
    });
  }),
  'encryption-unreadable-keys': judged(({ groups, rings, figures }) => {
    const named = groups.flatMap((group) => {
      const key = findKey(rings, group.keyId);
      return key && !key.revoked ? [{ ...group, unwraps: key.unwraps }] : [];
    });
    const locked = named.filter(({ unwraps }) => unwraps === false);
    const untried = named.filter(({ unwraps }) => unwraps === null);
    if (locked.length > 0)
      return critical({
        cause: 'key_does_not_unwrap',
        what: `${countOf(entriesOf(locked), 'sampled entry names', 'sampled entries name')} keys that the configured Key Vault key or certificates cannot unwrap.`,
        evidence: [...figures, ...shareEvidence(locked)],
        advice:
          'Enable or recover the Key Vault key version, or name the old certificate in KEY_RINGS and in the apps (UnprotectKeysWithAnyCertificate). See the checks of the ring.',
      });
    if (untried.length > 0)
      return unknown(
        'key_not_tried',
        `${countOf(untried.length, 'key')} of the entries could not be tried with the protector.`,
        'See the checks of the ring: the protector does not answer, or is another than the settings say.',
        [...figures, ...shareEvidence(untried)],
      );
    // Why a key is not among them is said by its own check.
    if (named.length === 0)
      return unknown(
        'key_not_tried',
        'The rings hold no valid key that the sampled entries name, so none could be tried.',
        'See the checks `encryption-unknown-keys` and `encryption-revoked-keys`.',
        figures,
      );
    const strange = groups.filter(({ keyId }) => !findKey(rings, keyId)).length;
    const others =
      strange > 0 ? ` ${countOf(strange, 'key is', 'keys are')} in no ring: see \`encryption-unknown-keys\`.` : '';
    return pass(`The valid keys of the rings that the sampled entries name can be unwrapped.${others}`, figures);
  }),
});
