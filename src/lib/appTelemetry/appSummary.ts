import { countOf, percentText } from '../wording.ts';
import type { AppReport } from './appReport.ts';

/** One line about the look at an app's telemetry, for a log or a terminal. */
export function summarizeApp(report: AppReport): string {
  const { role, calls, hitRatio, partial } = report;
  const part = partial.length > 0 ? `, only a part was given of ${partial.join(', ')}` : '';
  if (!calls) return `${partial.includes('calls') ? `${role}: unknown` : `no metric of MSAL from ${role}`}${part}`;
  const ratio = hitRatio ? `${percentText(hitRatio.all * 100)} hits` : 'too few look-ups for a hit ratio';
  return `${role}: ${ratio}, ${countOf(calls.signIns, 'sign-in')}, ${countOf(calls.failures, 'failure')}${part}`;
}
