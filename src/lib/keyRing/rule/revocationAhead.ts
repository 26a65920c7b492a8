import { KeyRingError } from '../keyRingError.ts';
import { compareInstants, type Instant, isBefore, msBetween } from '../reading/instants.ts';
import type { KeyRing, Revocation } from '../reading/keyRing.ts';
import { shown } from '../reading/shown.ts';
import { childNamed, parseSealed } from '../reading/xml.ts';

/** A revocation of all that is dated ahead by no more than a wrong clock. */
const nearMs = 86_400_000;

/** The latest revocation of all that is dated after `now`, as an app's fast clock or a typing error makes it. */
export function revocationAhead({ revocations }: KeyRing, now: Instant): (Revocation & { date: Instant }) | undefined {
  return revocations
    .flatMap((one) => (one.key === '*' && one.date && isBefore(now, one.date) ? [{ ...one, date: one.date }] : []))
    .sort((a, b) => compareInstants(b.date, a.date))[0];
}

/**
 * When a new key is to be created, so that no revocation hits it: now, or where one of all is dated a little ahead, then.
 * @throws KeyRingError `revocation_ahead` where it is dated far ahead: each new key would be born revoked
 */
export function creationAfterRevocations(ring: KeyRing, now: Instant): Instant {
  const ahead = revocationAhead(ring, now);
  if (!ahead) return now;
  if (msBetween(now, ahead.date) <= nearMs) return ahead.date;
  throw new KeyRingError('revocation_ahead', whatIsAhead(ahead), adviceAhead);
}

export function whatIsAhead({ date, element }: Revocation): string {
  const reason = childNamed(parseSealed(element.xml), 'reason')?.text ?? '';
  return `A revocation of all keys created before ${date} stands in ${shown(element.place)}, with the reason "${shown(reason)}": until then every new key is born revoked.`;
}

export const adviceAhead =
  'Look at the clock of whoever wrote it. Take that element out of the ring, after a copy, and revoke keys by their ids where it was meant (key-ring revoke --key ID).';
