import type { FunctionsHost } from './functionsHost.ts';

/** What to open and what to try, on stdout. The keys are this run's own. */
export function printAddresses({ url, functionKey, masterKey }: FunctionsHost): void {
  const json = `-H 'content-type: application/json'`;
  console.log(`
Status page:        ${url}/api/status?code=${functionKey}
Diagnosis:          ${url}/api/diagnose?code=${functionKey}
Purge, as dry run:  curl ${url}/api/purge -H 'x-functions-key: ${functionKey}' ${json} -d '{}'
Fire a timer:       curl ${url}/admin/functions/purgeExpiredEntries -H 'x-functions-key: ${masterKey}' ${json} -d '{}'
Health, no key:     ${url}/api/health

Users sign in all the while, and their entries expire soon after: the plots of the status page move.
Ctrl-C stops everything and removes its data.
`);
}
