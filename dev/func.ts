/** `npm run func`: the functions in the local Functions host, on the same services as `npm start`. */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildFunctions, root } from './build.ts';
import { createSeededTable } from './seed.ts';
import { cacheTable, type ServiceChoice, startServices } from './services.ts';
import { startSignIns } from './signIns.ts';
import { onStopSignal } from './stopSignal.ts';
import { together } from './together.ts';

const settingsFile = join(root, 'local.settings.json');
const windows = process.platform === 'win32';
const stop = new AbortController();
onStopSignal((reason) => stop.abort(reason));

if (spawnSync('func', ['--version'], { shell: windows }).status !== 0) {
  console.error(
    '`func`, the Azure Functions Core Tools, is not installed. Install it with:\n\n  npm install --global azure-functions-core-tools@4\n\nthen run `npm run func` again.',
  );
  process.exit(1);
}
if (!existsSync(settingsFile)) {
  copyFileSync(join(root, 'local.settings.example.json'), settingsFile);
  console.error('Copied local.settings.example.json to local.settings.json.');
}
try {
  process.exitCode = await runHost();
} catch (error) {
  if (!stop.signal.aborted) console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
// What is left of servers and folders goes now.
process.exit();

async function runHost(): Promise<number> {
  const [services] = await together([startServices(choose()), buildFunctions()]);
  for (const note of services.notes) console.error(note);
  if (services.sqlCache) {
    const onProgress = () => stop.signal.throwIfAborted();
    await createSeededTable(services.sqlCache, cacheTable, {
      entries: 20_000,
      expiredShare: 0.7,
      key: services.key,
      onProgress,
    });
    console.error(`An embedded PostgreSQL with 20,000 entries is at ${services.sqlCache}.`);
  }
  stop.signal.throwIfAborted();
  const signIns = startSignIns(services, (message) => console.error(`A sign-in failed: ${message}`));
  const code = await run('func', ['start'], { ...process.env, ...services.settings });
  await signIns.stop();
  await services.stop();
  return code;
}

/** Settings of one's own come first: then nothing is started in their place. */
function choose(): ServiceChoice {
  const { Values: own = {} } = JSON.parse(readFileSync(settingsFile, 'utf8')) as { Values?: Record<string, string> };
  const ownCaches = Boolean(own.TOKEN_CACHES || own.TOKEN_CACHE_CONNECTION_STRING);
  return { sqlCache: !ownCaches, redisCache: !ownCaches, keyRing: !own.KEY_RINGS };
}

/** Ctrl-C goes to the host too, which then ends by itself; other signals are passed on. */
function run(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: 'inherit', shell: windows });
    stop.signal.addEventListener('abort', () => stop.signal.reason === 'SIGINT' || child.kill());
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
