import type { Level } from '../level.ts';
import { countOf } from '../wording.ts';
import { type RingCheck, untriedChecks } from './findingAdvice.ts';
import type { PlainFinding, RingFacts } from './findings.ts';
import { instantOf, isUpTo, msBetween } from './instants.ts';
import { versionOf } from './keyProtector.ts';
import type { ViewedKey } from './ringView.ts';

const protectorSoonMs = 30 * 86_400_000;

/** What is to be said about how the keys of a ring are protected. */
export function protectionFindings({ keys, versions, protectorWarnings, now }: RingFacts): PlainFinding[] {
  const findings: PlainFinding[] = protectorWarnings.map((what) => ({
    check: 'keys-in-plain-text',
    level: 'warning',
    what,
  }));
  const add = (check: RingCheck, level: Level, what: string, advice?: string) =>
    findings.push({ check, level, what, advice });
  const plain = keys.filter(({ protection }) => protection.kind === 'none');
  if (plain.length > 0)
    add('keys-in-plain-text', 'warning', `The master key of ${countOf(plain.length, 'key')} lies in plain text.`);
  for (const { id, unwraps, unwrapProblem, revoked } of keys) {
    if (unwraps === 'yes' || revoked) continue;
    const check = untriedChecks.find((code) => code === unwrapProblem?.code) ?? 'key_unreadable';
    add(
      check,
      unwraps === 'no' ? 'critical' : 'warning',
      `Key ${id} ${unwraps === 'no' ? 'does not decrypt' : 'could not be tried'}. ${unwrapProblem?.message ?? ''}`.trim(),
      unwrapProblem?.advice,
    );
  }
  const used = new Set(keys.filter(({ revoked }) => !revoked).map(({ protection }) => versionOf(protection)));
  versions.forEach((version, index) => {
    if (index > 0 && !used.has(version.id)) return;
    const { id, enabled, expires } = version;
    if (!enabled)
      add(
        'protector_version_disabled',
        'critical',
        `The protector's version ${id} is disabled: keys protected with it cannot be read.`,
      );
    if (!expires) return;
    const end = instantOf(expires);
    if (isUpTo(end, now)) {
      add(
        'protector_version_expired',
        'warning',
        `The protector's version ${id} expired at ${end}: it still unwraps, and wraps no new key.`,
      );
    } else if (index === 0 && msBetween(now, end) <= protectorSoonMs) {
      add(
        'key-version-expires',
        'warning',
        `The protector's version ${id}, which protects new keys, expires at ${end}.`,
      );
    }
  });
  return [...findings, ...newerDecryptors(keys)];
}

/** .NET forwards versions of its own types alone: of another's, a higher version than the app's package does not load. */
function newerDecryptors(keys: readonly ViewedKey[]): PlainFinding[] {
  const versioned = keys.flatMap((key) => {
    const type = 'decryptorType' in key.protection ? key.protection.decryptorType : '';
    const version = /,\s*Version=(\d+(?:\.\d+)*)/.exec(type)?.[1];
    return version && !type.startsWith('Microsoft.AspNetCore.DataProtection.') ? [{ key, version }] : [];
  });
  const oldest = [...versioned].sort((a, b) => compareVersions(a.version, b.version))[0];
  return versioned
    .filter(({ version }) => oldest && compareVersions(version, oldest.version) > 0)
    .map(({ key, version }) => ({
      check: 'decryptor_newer',
      level: 'warning',
      what: `Key ${key.id} names version ${version} of its decryptor, others ${oldest?.version}: apps with the older package cannot read it.`,
    }));
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
