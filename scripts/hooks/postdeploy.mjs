/**
 * azd's hook after it deployed: every job runs once, so that nothing is absent; then it waits until the app is healthy, and
 * says where its status page is and the one thing to do next.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { az, outputOf, root, say } from './commands.mjs';

const { SERVICE_MAINTENANCE_NAME: name, SERVICE_MAINTENANCE_URI: uri, AZURE_RESOURCE_GROUP: group } = process.env;
const subscription = ['--subscription', process.env.AZURE_SUBSCRIPTION_ID ?? ''];
const pauseMs = Number(process.env.HEALTH_PAUSE_MS ?? 10_000);
/** A quarter of an hour, for both waits together. */
let tries = Number(process.env.HEALTH_TRIES ?? 90);

/** The timers, in the order in which one needs the other; the last judges what the others left. */
const timers = [
  'ensureExpiryIndex',
  'recordCacheCounts',
  'purgeExpiredEntries',
  'watchRedis',
  'watchApps',
  'rotateKeyRing',
  'judgeFindings',
];

if (await answers()) {
  await runJobs();
  const health = await healthy();
  if (health === 'ok') say('ok', `${uri}/api/health is ok.`);
  else {
    say('error', `${uri}/api/health is ${health ?? 'unknown'}: the status page says why.`);
    process.exitCode = 1;
  }
} else {
  const closed = process.env.APP_IS_PRIVATE === 'true';
  say(
    closed ? 'warning' : 'error',
    `${uri} does not answer ${closed ? 'here, since it is private: ask from its network, which this machine is not in' : 'yet'}.`,
  );
  process.exitCode = closed ? 0 : 1;
}
console.log(`\nStatus page: ${uri}/api/status`);
console.log(
  `  with ?code= and: az functionapp function keys list --resource-group ${group} --name ${name} --function-name status --query default --output tsv`,
);
console.log(`Next: ${nextStep()}`);

/** A new app starts within a minute or two. */
async function answers() {
  for (;;) {
    const response = await ask('/api/health');
    if (response && response.status !== 404) return true;
    // From outside of its network a private app answers nobody, or 403, for ever.
    tries -= 1;
    if (process.env.APP_IS_PRIVATE === 'true' || tries <= 0) return false;
    await pause(pauseMs);
  }
}

async function runJobs() {
  const { value, error } = az(
    'functionapp',
    'keys',
    'list',
    '--resource-group',
    group,
    '--name',
    name,
    ...subscription,
  );
  const key = value?.masterKey;
  if (!key)
    return say(
      'warning',
      `The jobs run on their schedules: the key of the app could not be read (${error ?? 'it has none'}).`,
    );
  for (const timer of timers) {
    const response = await ask(`/admin/functions/${timer}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-functions-key': key },
      body: '{}',
    });
    if (response?.status !== 202)
      say('warning', `${timer} did not start (${response?.status ?? 'no answer'}): it runs on its schedule.`);
    else say('ok', `${timer} was started.`);
    if (timer === timers.at(-2)) await pause(pauseMs);
  }
}

/** @returns the status that it ended with: `ok`, `degraded`, `failing`, or nothing that was understood */
async function healthy() {
  let status;
  do {
    const response = await ask('/api/health');
    status = await response?.json().then(
      (body) => body?.status,
      () => undefined,
    );
    if (status === 'ok') return status;
    tries -= 1;
    await pause(pauseMs);
  } while (tries > 0);
  return status;
}

async function ask(path, options) {
  try {
    return await fetch(`${uri}${path}`, { redirect: 'manual', signal: AbortSignal.timeout(30_000), ...options });
  } catch {
    return undefined;
  }
}

function nextStep() {
  const missing = process.env.GRANTS_MISSING?.trim();
  if (missing) return `give the database of ${missing} its users, as azd hooks run postprovision prints it.`;
  if (outputOf('GRANT_COMMANDS', []).length > 0)
    return 'let somebody who may run the commands that azd hooks run postprovision prints.';
  if (outputOf('WARNINGS', []).some((warning) => warning.startsWith('Nobody hears')))
    return 'azd env set AZURE_ALERT_EMAIL oncall@example.com && azd provision';
  return `switch off the web apps' own purge: ${root}docs/web-app.md, "Switch off the web app's own purge".`;
}
