import type { FunctionsHost } from './functionsHost.ts';
import type { Scenario } from './scenarios.ts';

/** What to look at first, in three lines, and what else to try, on stdout. The keys are this run's own. */
export function printAddresses({ url, functionKey, masterKey }: FunctionsHost, scenario: Scenario | undefined): void {
  const json = `-H 'content-type: application/json'`;
  const told = scenario ? `Broken: ${scenario.what}\n${scenario.see}\n\n` : '';
  console.log(`
${told}Status page  what stands, and plots that move as users sign in  ${url}/api/status?code=${functionKey}
Diagnosis    from symptom to cause; looks at every part now     ${url}/api/diagnose?code=${functionKey}
Health       for probes, without a key                          ${url}/api/health

Purge, as dry run:  curl ${url}/api/purge -H 'x-functions-key: ${functionKey}' ${json} -d '{}'
Fire a timer:       curl ${url}/admin/functions/purgeExpiredEntries -H 'x-functions-key: ${masterKey}' ${json} -d '{}'
Ctrl-C stops everything and removes its data.
`);
}
