import { bytesText, countOf, percentText } from '../wording.ts';
import type { AppReport } from './appReport.ts';

/** The figures in words, for terminal and page. Unknown is said, never zero. */
export function appFigures(report: AppReport): { what: string; text: string }[] {
  const { role, calls, otherRoles, partial, users, providerTokens, memory, versions } = report;
  const none = partial.includes('calls')
    ? 'unknown'
    : `no metric of MSAL${otherRoles.length > 0 ? `; roles that have some: ${otherRoles.join(', ')}` : ''}`;
  return [
    { what: 'role', text: role },
    { what: 'hit ratio', text: calls ? hitRatioText(report) : none },
    { what: 'L1 hits', text: latencyText(report.l1Latency) },
    { what: 'L2 hits', text: latencyText(report.l2Latency) },
    { what: 'sign-ins', text: calls ? countOf(calls.signIns, 'code redeemed', 'codes redeemed') : 'unknown' },
    { what: 'failures', text: failuresText(report.failures) },
    { what: 'unreadable', text: unreadableText(report.unreadable) },
    { what: 'store errors', text: storeErrorsText(report.storeErrors) },
    {
      what: 'tokens per user',
      text:
        report.providerTokensPerUser === null
          ? `unknown${providerTokens === null ? '' : `: ${numberOf(providerTokens)} from the identity provider`}`
          : `${report.providerTokensPerUser.toFixed(1)} from the identity provider (${numberOf(users ?? 0)} users)`,
    },
    { what: 'memory', text: memory ? memoryText(memory) : 'unknown' },
    ...(versions[0] ? [{ what: 'version', text: `${versions[0].version}, seen since ${versions[0].since}` }] : []),
    ...(partial.length > 0 ? [{ what: 'in part', text: partial.join(', ') }] : []),
  ];
}

const numberOf = (count: number) => count.toLocaleString('en-US');

function hitRatioText({ hitRatio, calls }: AppReport): string {
  if (!calls) return 'unknown';
  const { misses, lost, refreshes } = calls;
  const counts = `${countOf(misses, 'miss', 'misses')}, ${numberOf(lost)} lost, ${numberOf(refreshes)} refreshed`;
  if (!hitRatio) return `too few look-ups; ${counts}`;
  const share = (ratio: number) => percentText(ratio * 100);
  return `${share(hitRatio.all)} (L1 ${share(hitRatio.l1)}, L2 ${share(hitRatio.l2)}); ${counts}`;
}

function latencyText(latency: AppReport['l1Latency']): string {
  if (!latency) return 'none seen';
  return `${numberOf(latency.calls)}, ${latency.meanMs} ms in the mean, ${latency.maxMs} ms at most`;
}

function failuresText(failures: AppReport['failures']): string {
  if (!failures) return 'unknown';
  const told = failures.map(({ code, sts, calls }) => `${code}${sts ? ` (AADSTS${sts})` : ''}: ${numberOf(calls)}`);
  return told.join(', ') || 'none';
}

function unreadableText({ failures, encrypting, plain }: AppReport['unreadable']): string {
  const calls = failures === null ? 'unknown' : countOf(failures, 'failed call');
  if (encrypting === null || plain === null) return `${calls}, no log`;
  return `${calls}, ${countOf(encrypting + plain, 'warning')} in the log (${numberOf(encrypting)} of an app that encrypts)`;
}

function storeErrorsText(errors: AppReport['storeErrors']): string {
  if (!errors) return 'unknown: no log';
  return errors.map(({ type, count }) => `${type}: ${numberOf(count)}`).join(', ') || 'none';
}

function memoryText({ instances, largestBytes, bytesPerHour }: NonNullable<AppReport['memory']>): string {
  const growth =
    bytesPerHour === null
      ? 'growth unknown'
      : `${bytesPerHour < 0 ? '-' : '+'}${bytesText(Math.abs(bytesPerHour))} an hour`;
  return `${bytesText(largestBytes)} at most in ${countOf(instances, 'instance')}, ${growth}`;
}
