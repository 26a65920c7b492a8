/**
 * A secret in every place where a connection string can hold one, right and malformed, through every timer, route and command
 * there is: none of what any of them prints, answers, keeps or sends holds it. What there is to run is asked of the app itself.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandLine } from '../../src/cli/program.ts';
import { Session } from '../../src/cli/session.ts';
import { jobNames, jobs } from '../../src/lib/runs/catalogue.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { Canaries, canaryStrings, storageCanaries } from '../support/canaries.ts';
import { run } from '../support/childProcess.ts';
import { startFunctionsApp } from '../support/functionsApp.ts';
import { type OtlpCollector, startOtlpCollector } from '../support/otlpCollector.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);
const engine = postgresEngine(database);
const canaries = new Canaries();
let collector: OtlpCollector;
let folder: string;
let env: Record<string, string>;
/** The same, with the caches alone that the settings can use: a terminal runs nothing beside wrong ones. */
let usable: Record<string, string>;

type Listed = Record<string, unknown> & { name: string };
const isOfRedis = ({ store }: Listed) => JSON.stringify(store).includes('redis');

beforeAll(async () => {
  collector = await startOtlpCollector();
  folder = await mkdtemp(join(tmpdir(), 'secrecy-'));
  await engine.create(engine.ordinaryName);
  const { hostname, port, username, pathname } = new URL(database.url);
  const tds = /Server=(tcp:[^;]+)/.exec(endpoint().connectionString())?.[1] ?? '';
  const redis = redisFound ? (await startRedis({ args: ['--requirepass', 'p'], client: { password: 'p' } })).port : 1;
  const strings = {
    postgres: canaryStrings(
      'npgsql',
      `${hostname}:${port}`,
      [`Host=${hostname};Port=${port}`, `Username=${username}`, `Database=${pathname.slice(1)}`],
      canaries,
    ),
    sqlserver: canaryStrings(
      'sqlClient',
      tds,
      [`Server=${tds}`, 'TrustServerCertificate=true', 'User ID=app user', 'Database=cache'],
      canaries,
    ),
    redis: canaryStrings('stackExchangeRedis', `127.0.0.1:${redis}`, [`127.0.0.1:${redis}`, 'user=default'], canaries),
  };
  const texts = Object.entries(strings).flatMap(([kind, all]) => all.map((text) => ({ kind, text })));
  const caches = texts.map(({ kind, text }, at) => ({
    entry: { name: `c${at}`, engine: kind, connectionStringSetting: `CACHE_${at}` },
    setting: { [`CACHE_${at}`]: text },
  }));
  const storage = storageCanaries(canaries);
  const stores = [
    ...storage.map((_, at) => ({
      store: { kind: 'blob', connectionStringSetting: `STORE_${at}`, container: 'k', blob: 'r' },
    })),
    ...texts.flatMap(({ kind }, at) =>
      kind === 'redis' ? { store: { kind: 'redis', connectionStringSetting: `CACHE_${at}` } } : [],
    ),
    ...['https', 'http'].map((scheme) => ({
      store: { kind: 'blob', url: canaries.in((secret) => `${scheme}://127.0.0.1:1/k/r.xml?sv=1&sig=${secret}`) },
    })),
    { store: { kind: 'folder', path: canaries.in((secret) => `Server=h;Password=${secret}`) } },
    {
      store: { kind: 'folder', path: folder },
      protector: { kind: 'keyVault', keyId: canaries.in((secret) => `https://u:${secret}@127.0.0.1:1/keys/k`) },
    },
  ];
  const rings = stores.map((ring, at): Listed => ({ name: `r${at}`, protector: { kind: 'none' }, ...ring }));
  // Typed into a field of the list, where the name of a setting, a table or a prefix belongs.
  const fields = ['connectionStringSetting', 'table', 'instanceName', 'resourceId', 'name', 'x'].flatMap((field) =>
    ['', '[s].', '"s".'].map((before, at) => ({
      name: `f-${field.toLowerCase()}-${at}`,
      engine: field === 'instanceName' ? 'redis' : at === 2 ? 'postgres' : 'sqlserver',
      connectionStringSetting: field === 'instanceName' ? 'REDIS' : at === 2 ? 'POSTGRES' : 'SQL_SERVER',
      [field]: canaries.in((secret) => {
        const text = `Server=h;Password=${secret}`;
        return before === '' ? text : before + (before === '[s].' ? `[${text}]` : `"${text}"`);
      }),
    })),
  );
  const settingsOf = (listed: Listed[], ofRings: Listed[]) => ({
    ...Object.assign({}, ...caches.map(({ setting }) => setting)),
    ...Object.fromEntries(storage.map((text, at) => [`STORE_${at}`, text])),
    POSTGRES: database.url,
    SQL_SERVER: endpoint().connectionString('TrustServerCertificate=true'),
    REDIS: `127.0.0.1:${redis},password=p`,
    TOKEN_CACHES: JSON.stringify(listed),
    KEY_RINGS: JSON.stringify(ofRings),
    RECORD_STORE: `file:${join(folder, 'records')}`,
    PURGE_TIME_BUDGET: 'PT1S',
    EXPIRY_INDEX_TIME_BUDGET: 'PT1S',
    STATEMENT_TIMEOUT: 'PT1S',
    WORK_QUEUE: 'never',
    AzureWebJobsStorage: storage[1] ?? '',
    WEBSITE_TIME_ZONE: canaries.in((secret) => `Password=${secret}`),
    SCHEDULE_COUNTS: canaries.in((secret) => `Password=${secret}`),
    OTEL_EXPORTER_OTLP_HEADERS: canaries.in((secret) => `authorization=${secret}`),
    ...collector.settings,
  });
  const app = { workspace: '11111111-2222-3333-4444-555555555555', role: 'web' };
  const watched = { name: 'watched', engine: 'postgres', connectionStringSetting: 'POSTGRES', app };
  const all: Listed[] = [...caches.map(({ entry }) => entry), ...fields, watched];
  const read = readSettings(settingsOf(all, rings), 'file');
  const named = new Set([...read.sqlCaches, ...read.redisCaches, ...read.rings].map(({ name }) => name));
  const isRight = ({ name }: Listed) => named.has(name);
  // A store that does not answer costs each run its patience.
  const [blob] = rings.filter((ring) => isRight(ring) && !isOfRedis(ring));
  const [redisRing] = rings.filter((ring) => isRight(ring) && isOfRedis(ring));
  const few = [blob, redisRing].filter((ring) => ring !== undefined);
  env = settingsOf(all, [...rings.filter((ring) => !isRight(ring)), ...few]);
  const { WEBSITE_TIME_ZONE: _, SCHEDULE_COUNTS: __, ...right } = settingsOf(all.filter(isRight), few);
  usable = right;
  // Both kinds are many, or the test would show nothing.
  expect(named.size).toBeGreaterThan(40);
  expect(read.problems.length).toBeGreaterThan(300);
});
afterAll(async () => {
  await collector?.stop();
  await engine.drop(engine.ordinaryName);
  await stopAllRedisServers();
  await rm(folder, { recursive: true, force: true });
});

/** Fails where a canary is told, by the string that held it. */
const expectNone = (told: string, where: string) => expect(canaries.foundIn(told), where).toEqual([]);

/** What the record store holds. */
async function kept(): Promise<string> {
  const entries = await readdir(join(folder, 'records'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return (await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'utf8')))).join('\n');
}
const sent = () => collector.received.map(({ path, body }) => `${path} ${body.toString('latin1')}`).join('\n');

it('is told by no timer, record, metric, span or log', async () => {
  const names = Object.values(jobs).flatMap((job) => ('timer' in job && job.timer ? job.timer.name : []));
  // The last judges what the others left.
  const { code, stdout, stderr } = await run('test/support/functionsProcess.ts', [...names, 'judgeFindings'], env);
  expect(code, stderr).toBe(0);
  expectNone(stdout + stderr, 'output');
  const { registrations, results } = JSON.parse(stdout.slice(stdout.indexOf('{"registrations"'))) as Record<
    'registrations' | 'results',
    Record<string, unknown>
  >;
  expect(Object.keys(results).sort()).toEqual(
    Object.entries(registrations)
      .filter(([, bindings]) => JSON.stringify(bindings).includes('timerTrigger'))
      .map(([name]) => name)
      .sort(),
  );
  expectNone(await kept(), 'records');
}, 600_000);

it('is told by no route, in JSON or as a page', async () => {
  const app = await startFunctionsApp(env);
  try {
    const { json } = await app.call('GET', 'openapi.json');
    const paths = Object.entries(json.paths as Record<string, Record<string, unknown>>);
    const { json: runs } = await app.call('GET', 'runs');
    const [newest] = (runs.runs ?? []) as { runId: string }[];
    expect(newest).toBeDefined();
    for (const [path, methods] of paths) {
      const asked = path
        .slice(1)
        .replace('{ring}', 'r0')
        .replace(/\{\w*id\}/i, newest?.runId ?? '');
      for (const method of Object.keys(methods))
        for (const accept of ['application/json', 'text/html']) {
          const body = method === 'post' ? { body: asked === 'purge' ? { cache: 'c0' } : {} } : {};
          const { text } = await app.call(method.toUpperCase(), asked, { ...body, headers: { accept } });
          expectNone(text, `${method} ${path}`);
        }
    }
    expectNone(app.log(), 'log');
  } finally {
    await app.stop();
  }
  expectNone(await kept(), 'records');
}, 600_000);

/** What a command needs beside its name. */
const needed: Record<string, string[][]> = {
  'key-ring revoke': [['--all']],
  grant: [
    ['--app', 'app=11111111-2222-3333-4444-555555555555', '--print'],
    ['--app', 'app=11111111-2222-3333-4444-555555555555'],
  ],
  diagnose: [[], ['--json']],
};
function leavesOf(command: Command, path: string[] = []): string[] {
  const { commands } = command;
  return commands.length === 0 ? [path.join(' ')] : commands.flatMap((each) => leavesOf(each, [...path, each.name()]));
}
const commands = leavesOf(commandLine(new Session(new AbortController().signal)));

it.each(commands)(
  'is not told by the command %s',
  async (command) => {
    const ways = [env, usable].flatMap((settings) => (needed[command] ?? [[]]).map((more) => ({ settings, more })));
    await Promise.all(
      ways.map(async ({ settings, more }) => {
        const { stdout, stderr } = await run('bin/token-cache.js', [...command.split(' '), ...more], settings);
        expect(stdout + stderr).not.toMatch(/^error: /m);
        expect(stdout + stderr).not.toBe('');
        expectNone(stdout + stderr, more.join(' '));
      }),
    );
  },
  600_000,
);

it("is not told of a web app's source", async () => {
  const source = join(folder, 'Program.cs');
  await writeFile(
    source,
    Object.keys(env)
      .filter((name) => name.startsWith('CACHE_'))
      .slice(0, 40)
      .map(
        (name) =>
          `builder.Services.AddDistributedSqlServerCache(o => { o.ConnectionString = ${JSON.stringify(env[name])}; o.SchemaName = "dbo"; o.TableName = "T"; });`,
      )
      .join('\n'),
  );
  for (const more of [[], ['--json']]) {
    const { stdout, stderr } = await run('bin/token-cache.js', ['diagnose', '--app', source, ...more], {});
    expect(stdout).not.toBe('');
    expectNone(stdout + stderr, 'diagnose --app');
  }
});

it('leaves none in what was kept and sent by then', async () => {
  const records = await kept();
  for (const job of jobNames.filter((name) => !['clear', 'revokeKeys', 'pruneKeyRing', 'rewrapKeyRing'].includes(name)))
    expect(records.includes(`"job": "${job}"`), job).toBe(true);
  expectNone(records, 'records');
  expect(
    [collector.metrics().length, collector.spans().length, collector.logs().length].every((count) => count > 0),
  ).toBe(true);
  expectNone(sent(), 'telemetry');
});
