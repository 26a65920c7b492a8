/** A program that tells so many findings, as two judgements in a row do: `node tellMany.ts COUNT`, with the settings of the environment. */
import { systemClock } from '../../src/lib/clock.ts';
import { tell } from '../../src/lib/findings/tell.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { startTelemetry } from '../../src/lib/telemetry/telemetry.ts';

const telemetry = await startTelemetry(readSettings(process.env, 'table').telemetry, systemClock, console.error);
const findings = Array.from({ length: Number(process.argv[2]) }, (_, index) => ({
  check: 'purge-absent',
  level: 'critical' as const,
  subject: `cache c${index}`,
  what: 'The job purge has not succeeded.',
  advice: 'See why.',
  runbook: 'docs/runbook',
  since: null,
}));
for (const before of [[], findings]) {
  tell(findings, before);
  await telemetry?.flush();
}
