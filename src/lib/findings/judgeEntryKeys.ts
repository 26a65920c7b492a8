import { endOf, isReal } from '../runs/history.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { newestLook } from './judgeKeyRing.ts';
import { critical, type Judgement, note } from './judgement.ts';
import { isLeftOver, type Mismatch, revokedKeys, unknownKeys } from './keyMismatch.ts';
import type { KeyRingRecords, SqlCacheRecords, SubjectRecords } from './subjectRecords.ts';

/**
 * Whether the entries of a cache name keys that no ring of the cache has, or revoked ones: by what its counts sampled, and what the
 * rings held when they were last read. Where one of them was not read whole, it may have any key, and nothing is said.
 */
export function judgeEntryKeys(
  { name, rings, counts }: Pick<SqlCacheRecords, 'name' | 'rings' | 'counts'>,
  subjects: readonly SubjectRecords[],
): Judgement[] {
  const looks = counts.runs.filter((run) => isReal(run) && run.report !== undefined);
  const named = looks[0]?.report?.keyIds ?? [];
  const read = subjects.flatMap((each) =>
    each.kind === 'keyRing' && rings.includes(each.name) ? readingOf(each) : [],
  );
  // Where the rings are empty, every entry would be a stranger's: that they are empty says more, and is a finding of its own.
  if (read.length < rings.length || read.every(({ keys }) => keys.size === 0)) return [];
  const stateOf = (keyId: string) => read.flatMap(({ keys }) => keys.get(keyId) ?? [])[0];
  const isStrange = (keyId: string) =>
    stateOf(keyId) === undefined && read.every(({ completeUntil }) => looks.some(names(keyId, completeUntil)));
  const of = entriesOf(named);
  const told = (check: Parameters<typeof note>[0], words: typeof unknownKeys, keys: typeof named) => {
    const found: Mismatch = { entries: entriesOf(keys), of, keys: keys.length };
    const { what, advice } = words(name, found);
    return keys.length > 0 ? (isLeftOver(found) ? note : critical)(check, what, advice) : [];
  };
  return [
    ...told(
      'encryption-unknown-keys',
      unknownKeys,
      named.filter(({ keyId }) => isStrange(keyId)),
    ),
    ...told(
      'encryption-revoked-keys',
      revokedKeys,
      named.filter(({ keyId }) => stateOf(keyId) === 'revoked'),
    ),
  ];
}

const entriesOf = (named: readonly { entries: number }[]) => named.reduce((sum, { entries }) => sum + entries, 0);

/** Whether counts that ended by then name the key. */
const names = (keyId: string, until: number) => (run: RunRecord<'counts'>) =>
  endOf(run) <= until && (run.report?.keyIds ?? []).some((each) => each.keyId === keyId);

/**
 * The keys of a ring when it was last read, by their ids, and until when no entry can name another key of it: the apps protect with the
 * default key until that expires, and a key that is made meanwhile takes over then. Unless a revocation came in between.
 */
function readingOf(ring: KeyRingRecords) {
  const look = newestLook(ring);
  if (!look || look.status.findings.some(({ check }) => check === 'not_judged')) return [];
  const { at, status } = look;
  const keys = new Map(status.keys.map(({ id, state }) => [id.toLowerCase(), state]));
  const current = status.keys.find(({ id }) => id === status.defaultKey);
  const isRevoked = ring.revokeKeys.runs.some((run) => !run.dryRun && endOf(run) >= at);
  return [{ keys, completeUntil: current && !isRevoked ? Date.parse(current.expires) : at }];
}
