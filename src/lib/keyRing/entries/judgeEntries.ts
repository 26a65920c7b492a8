import type { EntryForm, EntryJudge, FormedEntry, UnreadableReason } from '../../entryForm.ts';
import { formBytes } from '../../entryForm.ts';
import { MaintenanceError } from '../../errors.ts';
import { keyIdOf, payloadMark } from '../../payloadHeader.ts';
import { isAssertion, keyParts } from '../../tokenKeys.ts';

/** What is known of a key of the rings: undefined where it is in none. */
type KeyVerdict = 'readable' | 'revoked' | 'doesNotUnwrap' | undefined;

/** The rings at one look, by key id in lower case. */
export type KeyVerdicts = ReadonlyMap<string, Exclude<KeyVerdict, undefined>>;

export interface JudgeOptions {
  /** Reads the rings anew; undefined where none is configured: then no encrypted entry is judged by its key. */
  verdicts: (() => Promise<KeyVerdicts>) | undefined;
  /** What the apps are said to write now: entries of the other form are unreadable to them. */
  expect: 'plain' | 'encrypted' | undefined;
}

/**
 * Judges entries by their forms. Only what the token cache keeps is judged: other data of the same table or prefix is left alone. Where an
 * entry names a key that was not seen before, the rings are read once more, after it.
 */
export function entryJudge({ verdicts, expect }: JudgeOptions): EntryJudge {
  let known: KeyVerdicts | undefined;
  const strange = new Set<string>();
  return async (entries) => {
    const named = entries.flatMap(({ start }) => keyIdOf(start) ?? []);
    const isNew = (id: string) => !known?.has(id) && !strange.has(id);
    if (verdicts && (known === undefined || named.some(isNew))) {
      known = await verdicts().catch((error: unknown) => {
        throw known && error instanceof MaintenanceError ? afterRemoval(error) : error;
      });
      for (const id of named) if (!known.has(id)) strange.add(id);
    }
    return entries.map((entry) => judgeEntry(entry, expect, verdicts ? (id) => known?.get(id) : undefined));
  };
}

/** The rings could be read at first, so entries may be gone: that is not a refusal any more. */
function afterRemoval({ message }: MaintenanceError): MaintenanceError {
  return new MaintenanceError(
    'key_ring_unavailable',
    message,
    'What was judged before that stays removed. Correct that first: `key-ring status`, then start it again.',
  );
}

function judgeEntry(
  entry: FormedEntry,
  expect: JudgeOptions['expect'],
  verdictOf: ((id: string) => KeyVerdict) | undefined,
): UnreadableReason | undefined {
  const { kind } = keyParts(entry.key);
  if (kind === 'other') return undefined;
  // A GUID is the key of a long-running session, or of something else, as a session of ASP.NET.
  const isCertain = kind !== 'onBehalfOf' || isAssertion(entry.key);
  const id = keyIdOf(entry.start);
  if (id !== undefined) {
    const verdict = verdictOf ? verdictOf(id) : 'readable';
    if (verdict === 'revoked') return 'keyRevoked';
    if (verdict === 'doesNotUnwrap') return 'keyDoesNotUnwrap';
    if (verdict === undefined) return isCertain ? 'keyInNoRing' : undefined;
    return expect === 'plain' && isCertain ? 'encrypted' : undefined;
  }
  if (!isCertain || entry.start.length === 0) return undefined;
  if (!isJson(entry)) return 'foreignFormat';
  return expect === 'encrypted' ? 'plain' : undefined;
}

const blanks = [0x20, 0x09, 0x0a, 0x0d];

/** Whether it begins and ends as an object of JSON. What is amiss in between is not seen; such an entry is left. */
function isJson({ start, end }: EntryForm): boolean {
  if (payloadMark.every((byte, index) => start[index] === byte)) return false;
  const withoutMark = start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf ? start.subarray(3) : start;
  const first = withoutMark.find((byte) => !blanks.includes(byte));
  const last = end[0] ?? 0;
  return (
    (first === 0x7b || (first === undefined && start.length === formBytes)) && (last === 0x7d || blanks.includes(last))
  );
}
