/** `npm run func`: the functions in the local Functions host, with an embedded database and Azurite beside it. */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startAzurite } from './azurite.ts';
import { startPostgres } from './embeddedPostgres.ts';
import { createTable, seedEntries } from './seed.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const settingsFile = join(root, 'local.settings.json');
const windows = process.platform === 'win32';

if (spawnSync('func', ['--version'], { shell: windows }).status !== 0) {
  console.error(
    '`func`, the Azure Functions Core Tools, is not installed. Install it with:\n\n  npm install --global azure-functions-core-tools@4\n\nthen run `npm run func` again.',
  );
  process.exit(1);
}
const build = spawnSync('npm', ['run', 'build'], { cwd: root, stdio: 'inherit', shell: windows });
if (build.status !== 0) process.exit(1);
if (!existsSync(settingsFile)) {
  copyFileSync(join(root, 'local.settings.example.json'), settingsFile);
  console.error('Copied local.settings.example.json to local.settings.json.');
}
// Settings of one's own come first: then no database is started.
const { Values: own = {} } = JSON.parse(readFileSync(settingsFile, 'utf8')) as { Values?: Record<string, string> };
const ownCache = own.TOKEN_CACHES || own.TOKEN_CACHE_CONNECTION_STRING;
const postgres = ownCache ? undefined : await startPostgres();
const storage = await startAzurite();
try {
  const environment = {
    ...process.env,
    AzureWebJobsStorage: storage.connectionString,
    ...(postgres && (await seededCache(postgres))),
  };
  process.exitCode = await run('func', ['start'], environment);
} finally {
  await storage.stop();
  await postgres?.stop();
}
process.exit(process.exitCode ?? 0);

async function seededCache(server: NonNullable<typeof postgres>) {
  await server.createDatabase('cache');
  const url = server.url('cache');
  const { default: pg } = await import('pg');
  const client = new pg.Client(url);
  await client.connect();
  await client.query(createTable('public.tokencache'));
  await client.end();
  await seedEntries(url, 'public.tokencache', { entries: 20_000, expiredShare: 0.7 });
  console.error(`An embedded PostgreSQL with 20,000 entries is at ${url}.`);
  return { TOKEN_CACHE_CONNECTION_STRING: url, TOKEN_CACHE_ENGINE: 'postgres', TOKEN_CACHE_TABLE: 'public.tokencache' };
}

/** Ctrl-C goes to the host too, which then ends by itself. */
function run(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  process.on('SIGINT', () => undefined);
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: 'inherit', shell: windows });
    process.on('SIGTERM', () => child.kill());
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
