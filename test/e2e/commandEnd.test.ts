/** A command ends when its report is out: no adapter leaves a timer, a connection or a file behind that keeps the process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSeededTable } from '../../dev/seed.ts';
import { cacheTable, type LocalServices, startServices } from '../../dev/services.ts';
import { run } from '../support/childProcess.ts';
import { startOtlpCollector } from '../support/otlpCollector.ts';
import { redisFound } from '../support/redisServer.ts';
import { endpointEngine } from '../support/sqlServer/engine.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const script = 'test/support/commandEnd.ts';
let services: LocalServices;
let state: string;

beforeAll(async () => {
  services = await startServices({ sqlCache: true, redisCache: redisFound, keyRing: true });
  await createSeededTable(services.sqlCache ?? '', cacheTable, { entries: 500, expiredShare: 0.3 });
  state = await mkdtemp(join(tmpdir(), 'token-cache-state-'));
});
afterAll(async () => {
  await services.stop();
  await rm(state, { recursive: true });
});

/** What keeps the process, and what it said. */
async function endOf(args: string[], settings: Record<string, string>) {
  const { stderr, stdout, code } = await run(script, args, { XDG_STATE_HOME: state, ...settings });
  const held = JSON.parse(/^held: (.*)$/m.exec(stderr)?.[1] ?? '["no report"]') as string[];
  return { held, code, output: stdout + stderr };
}

const ofRedis = ['redis', 'clear --cache api'];

describe('a command on PostgreSQL, Redis, a ring in a blob, and the storage', () => {
  it.each([
    '--version',
    'purge --dry-run',
    'purge',
    'index',
    'counts',
    'clear --cache web',
    ...(redisFound ? ofRedis : []),
    'key-ring status',
    'key-ring rotate',
    'key-ring rewrap --dry-run',
    'key-ring prune --dry-run',
    'status',
    'diagnose',
    'queue list',
    'grant --print --cache web --app maintenance=11111111-1111-1111-1111-111111111111',
    'purge --cache unknown',
  ])('ends: %s', async (line) => {
    const { held, output } = await endOf(line.split(' '), services.settings);
    expect(held, output).toEqual([]);
  });

  it('that keeps its records in the storage ends', async () => {
    const { held, output } = await endOf(['counts'], { ...services.settings, RECORD_STORE: 'table' });
    expect(held, output).toEqual([]);
  });
});

describe('a command on SQL Server', () => {
  const database = useTestDatabase();
  const endpoint = useEndpoint(database);
  const engine = endpointEngine(database, endpoint);
  beforeAll(async () => {
    const table = await engine.create(engine.ordinaryName);
    await table.insert(
      Array.from({ length: 100 }, (_, index) => ({ id: `e${index}`, expiresInMs: -3_600_000 - index })),
    );
  });
  afterAll(() => engine.drop(engine.ordinaryName));

  it.each(['purge --dry-run', 'purge', 'index', 'counts', 'clear', 'diagnose'])('ends: %s', async (line) => {
    const { held, output } = await endOf(line.split(' '), {
      TOKEN_CACHE_CONNECTION_STRING: endpoint().connectionString('TrustServerCertificate=true'),
    });
    expect(held, output).toEqual([]);
  });
});

it.each(['counts', 'purge', 'diagnose'])('a command that gets no token for its PostgreSQL ends: %s', async (line) => {
  const { host, pathname } = new URL(services.sqlCache ?? '');
  const [name, port] = host.split(':');
  const { held, output } = await endOf(line.split(' '), {
    TOKEN_CACHE_CONNECTION_STRING: `Host=${name};Port=${port};Username=app;Database=${pathname.slice(1)}`,
  });
  expect(output).toContain('CredentialUnavailableError');
  expect(held, output).toEqual([]);
});

describe('a command whose database is not there', () => {
  // A run asks such a database again for a while; the diagnosis and the watch look once.
  it.each([
    ['PostgreSQL', 'diagnose', 'Host=127.0.0.1;Port=9;Username=u;Password=p;Database=d;SSL Mode=Disable'],
    ['SQL Server', 'diagnose', 'Server=tcp:127.0.0.1,9;Database=d;User ID=u;Password=p'],
    ['Redis', 'redis', '127.0.0.1:9,abortConnect=false'],
  ])('ends: %s', async (_, command, connectionString) => {
    const { held, output } = await endOf([command], { TOKEN_CACHE_CONNECTION_STRING: connectionString });
    expect(held, output).toEqual([]);
  });
});

describe('a command whose telemetry is not answered', () => {
  it('ends by the bound of TELEMETRY_FLUSH_TIMEOUT', async () => {
    const collector = await startOtlpCollector();
    collector.mood = 'never';
    try {
      // The exporter itself would wait for longer than this test does; to begin to send takes a while on a busy machine.
      const patient = { OTEL_EXPORTER_OTLP_TIMEOUT: '600000', TELEMETRY_FLUSH_TIMEOUT: 'PT3S' };
      const settings = { ...services.settings, ...collector.settings, ...patient };
      const { code, stdout } = await run('bin/token-cache.js', ['counts'], { XDG_STATE_HOME: state, ...settings });
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('counts') });
      expect(collector.received.length).toBeGreaterThan(0);
      expect(collector.accepted).toEqual([]);
    } finally {
      await collector.stop();
    }
  });
});
