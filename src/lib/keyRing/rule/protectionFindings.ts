import { countOf } from '../../wording.ts';
import { versionOf } from '../protectors/keyProtector.ts';
import { instantOf, isUpTo, msBetween } from '../reading/instants.ts';
import { found, untriedChecks } from './findingAdvice.ts';
import type { RingFacts, RingFinding } from './findings.ts';

const protectorSoonMs = 30 * 86_400_000;

/** What is to be said about how the keys of a ring are protected. */
export function* protectionFindings(facts: RingFacts): Iterable<RingFinding> {
  const { keys, versions, protectorWarnings, now } = facts;
  for (const what of protectorWarnings) yield found('keys-in-plain-text', 'critical', what);
  const plain = keys.filter(({ protection }) => protection.kind === 'none');
  if (plain.length > 0) {
    const what = `The master key of ${countOf(plain.length, 'key')} lies in plain text.`;
    yield found('keys-in-plain-text', 'critical', what);
  }
  for (const { id, unwraps, unwrapProblem, revoked } of keys) {
    if (unwraps === 'yes' || revoked) continue;
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
  yield* newerDecryptors(facts);
}

/** .NET forwards versions of its own types alone: of another's, a higher version than the app's package does not load. */
function newerDecryptors({ keys }: RingFacts): RingFinding[] {
  const versioned = keys.flatMap((key) => {
    const type = 'decryptorType' in key.protection ? key.protection.decryptorType : '';
    const version = /,\s*Version=(\d+(?:\.\d+)*)/.exec(type)?.[1];
    return version && !type.startsWith('Microsoft.AspNetCore.DataProtection.') ? [{ id: key.id, version }] : [];
  });
  const oldest = [...versioned].sort((a, b) => compareVersions(a.version, b.version))[0];
  return versioned
    .filter(({ version }) => oldest && compareVersions(version, oldest.version) > 0)
    .map(({ id, version }) => {
      const what = `Key ${id} names version ${version} of its decryptor, others ${oldest?.version}: apps with the older package cannot read it.`;
      return found('decryptor_newer', 'warning', what);
    });
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
