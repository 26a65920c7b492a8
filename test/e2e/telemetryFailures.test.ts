/** What a backend of telemetry that is broken, or wrongly configured, costs a job: nothing but a bounded wait. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../support/childProcess.ts';
import { type FunctionsApp, startFunctionsApp } from '../support/functionsApp.ts';
import { type Ingestion, startIngestion } from '../support/ingestion.ts';
import { type ManagedIdentity, startManagedIdentity } from '../support/managedIdentity.ts';
import { type OtlpCollector, startOtlpCollector } from '../support/otlpCollector.ts';
import { type PackagedApp, unpackApp } from '../support/packagedApp.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import type { Mood } from '../support/telemetryServer.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);

let packaged: PackagedApp;
let ingestion: Ingestion;
let collector: OtlpCollector;
beforeAll(async () => {
  packaged = await unpackApp();
});
afterAll(() => packaged.remove());
beforeEach(async () => {
  ingestion = await startIngestion();
  collector = await startOtlpCollector();
  await engine.create(engine.ordinaryName);
});
afterEach(async () => {
  await ingestion.stop();
  await collector.stop();
  await engine.drop(engine.ordinaryName);
});

const bothBackends = () => ({ ...ingestion.settings, ...collector.settings });
const purgeNow = (app: FunctionsApp) => app.call('POST', 'purge', { body: { dryRun: false } });

async function withApp(settings: Record<string, string>, work: (app: FunctionsApp) => Promise<void>): Promise<void> {
  const app = await startFunctionsApp(
    {
      RECORD_STORE: 'none',
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      TELEMETRY_FLUSH_TIMEOUT: 'PT0.5S',
      ...settings,
    },
    packaged.folder,
  );
  try {
    await work(app);
  } finally {
    await app.stop();
  }
}

async function expectUnharmed(app: FunctionsApp): Promise<void> {
  const { status, json } = await purgeNow(app);
  expect(status).toBe(200);
  expect(json).toMatchObject({ outcome: 'succeeded' });
}

describe('backends', () => {
  it.each<Mood>(['never', 401, 429, 500])('that answer %s neither fail nor hold a job', async (mood) => {
    ingestion.mood = mood;
    collector.mood = mood;
    await withApp(bothBackends(), async (app) => {
      await expectUnharmed(app);
      await expect.poll(() => ingestion.received.length).toBeGreaterThan(0);
      await expect.poll(() => collector.received.length).toBeGreaterThan(0);
      await expectUnharmed(app);
      // Answered, while what was sent is waited for yet.
      if (mood === 'never') expect(Math.min(ingestion.waiting, collector.waiting)).toBeGreaterThan(0);
      expect([...ingestion.accepted, ...collector.accepted]).toEqual([]);
    });
  });

  it('that refuse are told of in the log, not at each try', async () => {
    ingestion.mood = 401;
    collector.mood = 401;
    await withApp(bothBackends(), async (app) => {
      await purgeNow(app);
      await expect.poll(() => app.log()).toContain('Telemetry: Application Insights answered 401.');
      await expect.poll(() => app.log()).toMatch(/Telemetry: .*Unauthorized/);
      expect(app.log()).not.toMatch(/Telemetry: .*(stack| {4}at )/);
      await purgeNow(app);
      await expect.poll(() => ingestion.received.length).toBeGreaterThan(1);
      expect(app.log().match(/Telemetry: Application Insights answered 401\./g)).toHaveLength(1);
    });
  });

  it('that are down neither fail nor hold a job', async () => {
    const settings = bothBackends();
    await ingestion.stop();
    await collector.stop();
    await withApp(settings, async (app) => {
      await expectUnharmed(app);
      await expectUnharmed(app);
    });
    ingestion = await startIngestion();
    collector = await startOtlpCollector();
  });

  it.each<Mood>([429, 500])('get what they refused with %s later, once', async (mood) => {
    ingestion.mood = mood;
    await withApp({ ...ingestion.settings }, async (app) => {
      await purgeNow(app);
      await expect.poll(() => ingestion.received.length).toBeGreaterThan(0);
      ingestion.mood = 'well';
      await expect.poll(() => ingestion.spans().length, { timeout: 60_000 }).toBe(1);
      await expect.poll(() => ingestion.metrics().length, { timeout: 60_000 }).toBeGreaterThan(0);
      await purgeNow(app);
      const runs = ingestion.metrics().filter(({ name }) => name === 'maintenance.runs');
      expect(runs.reduce((sum, { value }) => sum + value, 0)).toBe(2);
      expect(ingestion.spans()).toHaveLength(2);
    });
  });

  it('do not hold the command line', async () => {
    ingestion.mood = 'never';
    collector.mood = 500;
    const { code, stdout } = await run('src/cli/main.ts', ['purge', '--json'], {
      RECORD_STORE: 'none',
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      TELEMETRY_FLUSH_TIMEOUT: 'PT0.5S',
      ...bothBackends(),
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ runs: [{ outcome: 'succeeded' }] });
    expect(ingestion.received.length).toBeGreaterThan(0);
  });
});

describe('Entra authentication', () => {
  let identity: ManagedIdentity;
  beforeEach(async () => {
    identity = await startManagedIdentity();
  });
  afterEach(() => identity.stop());

  it.each([
    ['of the environment', 'Authorization=AAD', undefined],
    [
      'of a user-assigned identity',
      'Authorization=AAD;ClientId=11111111-2222-3333-4444-555555555555',
      '11111111-2222-3333-4444-555555555555',
    ],
  ])('sends the token %s, and to nobody else', async (_of, authentication, clientId) => {
    const settings = { ...bothBackends(), ...identity.settings };
    await withApp({ ...settings, APPLICATIONINSIGHTS_AUTHENTICATION_STRING: authentication }, async (app) => {
      await purgeNow(app);
      await expect.poll(() => ingestion.spans().length).toBe(1);
      for (const { headers } of ingestion.accepted) expect(headers.authorization).toBe(`Bearer ${identity.token}`);
      expect(identity.requests.map((query) => query.get('resource'))).toContain('https://monitor.azure.com');
      for (const query of identity.requests) expect(query.get('client_id') ?? undefined).toBe(clientId);
      const sent = [...ingestion.received, ...collector.received].map(({ body }) => body.toString()).join('\n');
      expect(sent + app.log()).not.toContain(identity.token);
      for (const { headers } of collector.received) expect(headers.authorization).toBeUndefined();
    });
  });

  it('that is not granted costs the job nothing', async () => {
    await identity.stop();
    await withApp(
      { ...ingestion.settings, ...identity.settings, APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD' },
      async (app) => {
        await expectUnharmed(app);
        expect(ingestion.received).toEqual([]);
      },
    );
    identity = await startManagedIdentity();
  });
});

describe('a wrong setting', () => {
  it.each([
    ['APPLICATIONINSIGHTS_CONNECTION_STRING', 'InstrumentationKey=not-a-key-but-secret'],
    ['APPLICATIONINSIGHTS_CONNECTION_STRING', 'secret-nonsense'],
    ['APPLICATIONINSIGHTS_AUTHENTICATION_STRING', 'Authorization=secret'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'secret:4317'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc-secret'],
    ['TELEMETRY_FLUSH_TIMEOUT', 'PT9H'],
  ])('%s=%s is reported, and the job runs', async (name, value) => {
    await withApp({ ...bothBackends(), [name]: value }, async (app) => {
      await expectUnharmed(app);
      await app.fire('purgeExpiredEntries');
      await expect.poll(() => app.log()).toContain(`Setting ${name} must be`);
      await expect.poll(() => app.log()).toMatch(/purgeExpiredEntries purge default: drained/);
      expect(app.log()).not.toContain('secret');
      const other = name.startsWith('APPLICATIONINSIGHTS') ? collector : ingestion;
      await expect.poll(() => other.spans().length).toBe(2);
      if (name.startsWith('APPLICATIONINSIGHTS')) expect(ingestion.received).toEqual([]);
      if (name.startsWith('OTEL')) expect(collector.received).toEqual([]);
    });
  });
});
