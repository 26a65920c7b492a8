import { root } from './build.ts';
import { serveDocuments } from './documents.ts';
import { type FunctionsHost, startHost } from './functionsHost.ts';
import { loadFunctions } from './functionsWorker.ts';
import { startQueueListener } from './queueListener.ts';

/** Schedules that let somebody who looks on see something; those of the environment come first. */
const lively = {
  SCHEDULE_PURGE: '*/30 * * * * *',
  SCHEDULE_COUNTS: '*/5 * * * * *',
  SCHEDULE_REDIS: '*/10 * * * * *',
  SCHEDULE_FINDINGS: '*/10 * * * * *',
  PURGE_GRACE: 'PT10S',
};

/** Fired at once, so that the status page is full from the beginning; the purge and the index have just had their run. */
const firedAtOnce = ['recordCacheCounts', 'ensureExpiryIndex', 'purgeExpiredEntries', 'watchRedis', 'rotateKeyRing'];
/** Their good news would fill the screen. */
const quiet = new Set(['recordCacheCounts', 'watchRedis', 'ensureExpiryIndex']);

/** Serves the built functions, as they are deployed, with these settings, and fires their timers on their schedules. */
export async function serve(
  settings: Record<string, string>,
  port: number,
  deadTimer?: string,
): Promise<FunctionsHost> {
  // The functions read their settings from the environment, as on the real host.
  const documents = await serveDocuments(root);
  const defaults = { ...lively, RUNBOOK_URL: `${documents.url}/runbook` };
  Object.assign(process.env, { ...defaults, ...givenOf(defaults), ...settings, RECORD_STORE: 'table' });
  const log = logger();
  const worker = await loadFunctions(root, log.write);
  const host = await startHost(worker, { port, timers: true, deadTimer });
  const { AzureWebJobsStorage: connectionString = '' } = process.env;
  const queue = await startQueueListener(worker, { connectionString, root });
  for (const name of firedAtOnce) {
    await fetch(`${host.url}/admin/functions/${name}`, {
      method: 'POST',
      headers: { 'x-functions-key': host.masterKey, 'content-type': 'application/json' },
      body: '{}',
    });
  }
  return {
    ...host,
    stop: async () => {
      // What runs is cut off: its complaints would say nothing.
      log.close();
      await Promise.all([host.stop(), queue.stop(), documents.stop()]);
    },
  };
}

function givenOf(settings: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.keys(settings).flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
}

/** One line a run, without the report that the real host's log has beside it. */
function logger() {
  const warned = new Set<string>();
  let open = true;
  const write = (name: string, level: string, message: string) => {
    const text = message.split(' {"', 1)[0] ?? '';
    const informs = /^(info|debug|trace)/i.test(level);
    if (!open || (informs && quiet.has(name)) || warned.has(text)) return;
    if (!informs) warned.add(text);
    const time = new Date().toISOString().slice(11, 19);
    console.error(`${time} ${informs ? '' : `${level}: `}${text}`);
  };
  const close = () => {
    open = false;
  };
  return { write, close };
}
