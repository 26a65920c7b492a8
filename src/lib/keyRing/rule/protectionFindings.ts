import { countOf } from '../../wording.ts';
import { versionOf } from '../protectors/keyProtector.ts';
import { namedType } from '../reading/descriptor.ts';
import { instantOf, isUpTo, msBetween } from '../reading/instants.ts';
import type { Protection } from '../reading/keyRing.ts';
import { found, untriedChecks } from './findingAdvice.ts';
import type { RingFacts, RingFinding } from './findings.ts';

const protectorSoonMs = 30 * 86_400_000;

/** What is to be said about how the keys of a ring are protected. */
export function* protectionFindings(facts: RingFacts): Iterable<RingFinding> {
  const { keys, versions, protectorKind, now } = facts;
  const plain = keys.filter(({ protection }) => protection.kind === 'none');
  if (plain.length > 0 || protectorKind === 'none') {
    const of = plain.length > 0 ? countOf(plain.length, 'key') : 'each new key';
    const what = `The master key of ${of} lies in plain text: whoever can read the store can read every cached token.`;
    yield found('keys-in-plain-text', 'critical', what);
  }
  for (const { id, unwraps, unwrapProblem, revoked, protection } of keys) {
    if (unwraps === 'yes' || revoked) continue;
    if (isDpapi(protection)) {
      const what = `Key ${id} is protected by DPAPI. Apps on Linux cannot read it, and mint keys of their own or stop; apps on Windows read it as the same user, or on the same machine or domain, alone.`;
      yield found('dpapi_key', 'warning', what);
      continue;
    }
    const check = untriedChecks.find((code) => code === unwrapProblem?.code) ?? 'key_unreadable';
    const [level, state] =
      unwraps === 'no' ? (['critical', 'does not decrypt'] as const) : (['warning', 'could not be tried'] as const);
    yield found(check, level, `Key ${id} ${state}. ${unwrapProblem?.message ?? ''}`.trim(), unwrapProblem?.advice);
  }
  const used = new Set(keys.filter(({ revoked }) => !revoked).map(({ protection }) => versionOf(protection)));
  for (const [index, { id, enabled, expires }] of versions.entries()) {
    if (index > 0 && !used.has(id)) continue;
    const version = `The protector's version ${id}`;
    if (!enabled) {
      const what = `${version} is disabled: keys protected with it cannot be read.`;
      yield found('protector_version_disabled', 'critical', what);
    }
    const end = expires && instantOf(expires);
    if (end && isUpTo(end, now)) {
      const what = `${version} expired at ${end}: it still unwraps, and wraps no new key.`;
      yield found('protector_version_expired', 'warning', what);
    } else if (end && index === 0 && msBetween(now, end) <= protectorSoonMs)
      yield found('key-version-expires', 'warning', `${version}, which protects new keys, expires at ${end}.`);
  }
}

function isDpapi(protection: Protection): boolean {
  return 'decryptorType' in protection && /\.Dpapi(NG)?XmlDecryptor$/.test(namedType(protection.decryptorType).name);
}
