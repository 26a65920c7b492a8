import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { logs, SeverityNumber } from '@opentelemetry/api-logs';
import { instruments, meterName } from '../telemetry/metrics.ts';
import type { Finding, ToldFinding } from './finding.ts';
import { keyOf } from './standing.ts';

const severities = { info: SeverityNumber.INFO, warning: SeverityNumber.WARN, critical: SeverityNumber.ERROR };

/**
 * Exports the findings that stand: as the metric, with a 0 once for each of `before` that went; and as a log record each, which
 * holds the words. That stands in no trace, so that no sampling takes it away. And a heartbeat.
 */
export function tell(findings: readonly ToldFinding[], before: readonly Finding[]): void {
  const counts = new Map(before.map((each) => [keyOf(each), 0]));
  for (const finding of findings) counts.set(keyOf(finding), (counts.get(keyOf(finding)) ?? 0) + 1);
  for (const [key, count] of counts) {
    const [check = '', level = '', subject = ''] = key.split('|');
    instruments.findings.record(count, { check, level, subject });
  }
  const logger = logs.getLogger(meterName);
  for (const { check, level, subject, what, advice, runbook, since } of findings) {
    context.with(ROOT_CONTEXT, () =>
      logger.emit({
        severityNumber: severities[level],
        severityText: level,
        body: `${subject}: ${what}`,
        attributes: { check, level, subject, what, advice, runbook, ...(since && { since }) },
      }),
    );
  }
  instruments.heartbeat.add(1, {});
}
