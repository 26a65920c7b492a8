import type { UnreadableRequest } from '../clearRequest.ts';
import type { Clock } from '../clock.ts';
import type { EntryJudge } from '../entryForm.ts';
import { MaintenanceError } from '../errors.ts';
import type { RingKnowledge } from '../findings/diagnosis/entries/entriesSubject.ts';
import { entryJudge, type KeyVerdicts } from '../keyRing/entries/judgeEntries.ts';
import type { Settings } from '../settings/settings.ts';
import { ringSubject } from './diagnosisRings.ts';
import type { KeyRingMaintenance } from './keyRingMaintenance.ts';

/** Who judges a cache's entries: the rings that the settings tie to it, or all where none is tied, as in the diagnosis. */
export function judgeOf(
  cache: string,
  { expect }: UnreadableRequest,
  { rings, names }: Settings,
  keyRings: KeyRingMaintenance,
  clock: Clock,
  signal: AbortSignal = new AbortController().signal,
): EntryJudge {
  const tied = rings.filter((ring) => ring.caches.includes(cache));
  const asked = tied.length > 0 ? tied : rings;
  const verdicts = async (): Promise<KeyVerdicts> => {
    // One whose settings are wrong may have the keys of any entry.
    const wrong = names.rings.find((name) => !rings.some((ring) => ring.name === name));
    if (wrong !== undefined) throw ringsUnreadable(wrong, 'its settings are wrong');
    const looks = asked.map(async (ring) => {
      const subject = await ringSubject(ring, () => keyRings.look(ring.name, signal), { clock, signal });
      return subject.knowledge();
    });
    return verdictsOf(await Promise.all(looks));
  };
  return entryJudge({ verdicts: names.rings.length === 0 ? undefined : verdicts, expect });
}

/** A key that one ring can read, its apps can. A key that was not tried counts as readable. */
function verdictsOf(rings: readonly RingKnowledge[]): KeyVerdicts {
  const verdicts = new Map<string, 'readable' | 'revoked' | 'doesNotUnwrap'>();
  for (const { ring, keys, problem } of rings) {
    if (!keys) throw ringsUnreadable(ring, problem ?? 'it cannot be read');
    if (keys.size === 0) throw ringsUnreadable(ring, 'it holds no key');
    for (const [id, { revoked, unwraps }] of keys) {
      if (verdicts.get(id) === 'readable') continue;
      verdicts.set(id, revoked ? 'revoked' : unwraps === false ? 'doesNotUnwrap' : 'readable');
    }
  }
  return verdicts;
}

function ringsUnreadable(ring: string, problem: string): MaintenanceError {
  return new MaintenanceError(
    'rings_unreadable',
    `The key ring ${ring} does not tell which entries can be read: ${problem}`,
    `Nothing was removed. Correct that first: \`key-ring status --ring ${ring}\`, \`diagnose --ring ${ring}\`.`,
  );
}
