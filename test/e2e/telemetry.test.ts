/** Telemetry of the packaged app: what the real exporters send to a local ingestion endpoint and a local OTLP collector. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseDuration } from '../../src/lib/durations.ts';
import { instruments } from '../../src/lib/telemetry/metrics.ts';
import { packageVersion } from '../../src/lib/version.ts';
import { run } from '../support/childProcess.ts';
import { type FunctionsApp, startFunctionsApp } from '../support/functionsApp.ts';
import { type Ingestion, startIngestion } from '../support/ingestion.ts';
import { type OtlpCollector, startOtlpCollector } from '../support/otlpCollector.ts';
import { type PackagedApp, unpackApp } from '../support/packagedApp.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const hour = 3_600_000;
const trace = '0af7651916cd43dd8448eb211c80319c';
const hostSpan = 'b7ad6b7169203331';
const traceparent = `00-${trace}-${hostSpan}-01`;
const table = new Map(Object.values(instruments).map((metric) => [metric.name, metric]));

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
  const entries = await engine.create(engine.ordinaryName);
  await entries.insert([
    ...Array.from({ length: 500 }, (_, index) => ({ id: `secret-entry-${index}`, expiresInMs: -2 * hour - index })),
    { id: 'alive', expiresInMs: hour },
  ]);
});
afterEach(async () => {
  await ingestion.stop();
  await collector.stop();
  await engine.drop(engine.ordinaryName);
});

/** What the work gives back, once the app has been taken away: whatever it told has been told then. */
async function withApp<T>(
  settings: Record<string, string>,
  work: (app: FunctionsApp) => Promise<T>,
  worker?: 'old',
): Promise<T> {
  const app = await startFunctionsApp(
    { RECORD_STORE: 'none', TOKEN_CACHE_CONNECTION_STRING: database.url, ...settings },
    packaged.folder,
    worker,
  );
  try {
    return await work(app);
  } finally {
    await app.stop();
  }
}

const purgeNow = (app: FunctionsApp, headers: Record<string, string> = { traceparent }) =>
  app.call('POST', 'purge', { body: { dryRun: false }, headers });

describe('a run', () => {
  it('is told to both backends once, with the figures of its report', async () => {
    const { json } = await withApp({ ...ingestion.settings, ...collector.settings }, purgeNow);
    const report = json.report as { deleted: number; batches: number };
    expect(report.deleted).toBe(500);
    for (const backend of [ingestion, collector]) {
      const metrics = backend.metrics();
      const valuesOf = (name: string) => metrics.filter((metric) => metric.name === name);
      expect(valuesOf('token_cache.purge.deleted')).toMatchObject([
        { value: report.deleted, attributes: { cache: 'default', trigger: 'http' } },
      ]);
      expect(valuesOf('token_cache.purge.batch.duration')).toMatchObject([
        { count: report.batches, attributes: { cache: 'default' } },
      ]);
      expect(valuesOf('maintenance.runs')).toMatchObject([
        { value: 1, attributes: { job: 'purge', subject: 'default', outcome: 'succeeded', dryRun: 'false' } },
      ]);
      const [duration, ...others] = valuesOf('maintenance.run.duration');
      expect(others).toEqual([]);
      expect(duration?.value).toBeCloseTo((parseDuration(String(json.duration)) ?? 0) / 1000, 2);
      expect(metrics).toHaveLength(4);
    }
  });

  it('has a span, the child of the host invocation, to which its log records belong', async () => {
    const { json } = await withApp({ ...ingestion.settings, ...collector.settings }, purgeNow);
    const spans = [ingestion, collector].map((backend) => {
      const [span, ...others] = backend.spans();
      expect(others).toEqual([]);
      expect(span).toMatchObject({ name: 'maintenance.purge', traceId: trace, parentId: hostSpan, failed: false });
      expect(span?.attributes).toEqual({ job: 'purge', subject: 'default', trigger: 'http', outcome: 'succeeded' });
      const [log, ...otherLogs] = backend.logs();
      expect(otherLogs).toEqual([]);
      expect(log).toMatchObject({ traceId: trace, spanId: span?.spanId });
      expect(log?.text).toContain(String(json.runId));
      return span?.spanId;
    });
    expect(spans[0]).toBe(spans[1]);
  });

  it('has a span of its own where the host has none', async () => {
    await withApp({ ...collector.settings }, async (app) => {
      await purgeNow(app, {});
      await purgeNow(app, {});
    });
    expect(collector.spans()).toMatchObject([{ parentId: '' }, { parentId: '' }]);
    const traces = collector.spans().map(({ traceId }) => traceId);
    expect(new Set(traces).size).toBe(2);
  });

  it('is a child of the host invocation on a worker without hooks for logs, which the host then sends', async () => {
    const settings = { ...ingestion.settings, ...collector.settings };
    expect((await withApp(settings, purgeNow, 'old')).status).toBe(200);
    for (const backend of [ingestion, collector]) {
      expect(backend.spans()).toMatchObject([{ traceId: trace, parentId: hostSpan }]);
      expect(backend.logs()).toEqual([]);
    }
  });

  it('is kept though the host samples its trace out', async () => {
    await withApp({ ...collector.settings, ...ingestion.settings }, async (app) => {
      for (let call = 0; call < 8; call += 1) await purgeNow(app, { traceparent: `00-${trace}-${hostSpan}-00` });
    });
    for (const backend of [ingestion, collector]) expect(backend.spans()).toHaveLength(8);
    const before = { spans: collector.spans().length, metrics: collector.metrics().length };
    await withApp({ ...collector.settings, OTEL_TRACES_SAMPLER: 'always_off' }, purgeNow);
    expect(collector.spans()).toHaveLength(before.spans);
    expect(collector.metrics().length).toBeGreaterThan(before.metrics);
  });

  it('that fails is told with its code', async () => {
    await engine.drop(engine.ordinaryName);
    expect((await withApp({ ...ingestion.settings }, purgeNow)).status).toBeGreaterThanOrEqual(400);
    expect(ingestion.spans()).toMatchObject([{ failed: true, attributes: { outcome: 'failed' } }]);
    expect(ingestion.metrics().filter(({ name }) => name === 'maintenance.runs')).toMatchObject([
      { value: 1, attributes: { job: 'purge', subject: 'default', outcome: 'failed', dryRun: 'false' } },
    ]);
  });

  it('tells no secret, and nothing of its entries', async () => {
    await withApp({ ...ingestion.settings, ...collector.settings }, async (app) => {
      await purgeNow(app);
      await app.fire('recordCacheCounts');
      await expect.poll(() => collector.metrics().some(({ name }) => name === 'token_cache.entries')).toBe(true);
      await expect.poll(() => collector.spans().length).toBe(2);
      const sent = [...ingestion.received, ...collector.received].map(({ body }) => body.toString()).join('\n');
      const password = new URL(database.url).password;
      for (const secret of ['secret-entry', database.url, `:${password}@`, app.functionKey, app.masterKey])
        expect(sent).not.toContain(secret);
      expect(app.log()).not.toContain(ingestion.instrumentationKey);
    });
  });
});

describe('a judgement', () => {
  it('tells of each finding by the metric and in words, and beats, though every trace is sampled out', async () => {
    const sampled = { OTEL_TRACES_SAMPLER: 'always_off' };
    await withApp({ ...ingestion.settings, ...collector.settings, ...sampled }, async (app) => {
      await app.fire('judgeFindings', `00-${trace}-${hostSpan}-00`);
      const finding = { check: 'records-off', level: 'info', subject: 'token-cache-maintenance' };
      for (const backend of [ingestion, collector]) {
        const valuesOf = (name: string) => backend.metrics().filter((metric) => metric.name === name);
        await expect.poll(() => valuesOf('maintenance.heartbeat')).toMatchObject([{ value: 1 }]);
        expect(valuesOf('maintenance.findings')).toMatchObject([{ value: 1, attributes: finding }]);
        const told = () => backend.logs().filter(({ attributes }) => attributes.check !== undefined);
        await expect.poll(told).toMatchObject([
          {
            text: expect.stringContaining('Runs are not recorded'),
            attributes: { ...finding, what: expect.any(String), advice: expect.stringContaining('RECORD_STORE') },
          },
        ]);
        // It belongs to no trace, so none that is sampled out takes it along.
        expect(told()[0]?.traceId).not.toBe(trace);
      }
    });
  });
});

describe('metrics', () => {
  it('are those of the table, with its units and attributes', async () => {
    await withApp({ ...collector.settings }, async (app) => {
      await purgeNow(app);
      for (const name of ['recordCacheCounts', 'ensureExpiryIndex', 'watchRedis', 'rotateKeyRing', 'judgeFindings'])
        await app.fire(name);
      await expect.poll(() => collector.metrics().some(({ name }) => name === 'token_cache.entries')).toBe(true);
      for (const { name, unit, attributes } of collector.metrics()) {
        expect(table.get(name)?.unit, name).toBe(unit);
        expect([...(table.get(name)?.attributes ?? [])].sort(), name).toEqual(Object.keys(attributes).sort());
      }
    });
  });

  it('have the newest value of a gauge', async () => {
    await withApp({ ...ingestion.settings, ...collector.settings, RECORD_STORE: 'none' }, async (app) => {
      const newest = (name: string, attributes: object) =>
        [ingestion, collector].map(
          (backend) =>
            backend
              .metrics()
              .findLast(
                (metric) => metric.name === name && JSON.stringify(metric.attributes) === JSON.stringify(attributes),
              )?.value,
        );
      const expired = () => newest('token_cache.entries', { cache: 'default', state: 'expired' });
      const oldest = () => newest('token_cache.oldest_expired_age', { cache: 'default' });
      await app.fire('recordCacheCounts');
      await expect.poll(expired).toEqual([500, 500]);
      for (const age of oldest()) {
        expect(age).toBeGreaterThan((2 * hour) / 1000);
        expect(age).toBeLessThan((3 * hour) / 1000);
      }
      await purgeNow(app);
      await app.fire('recordCacheCounts');
      await expect.poll(expired).toEqual([0, 0]);
      expect(oldest()).toEqual([0, 0]);
    });
  });
});

describe('what sends', () => {
  it.each([
    ['Application Insights', 'azureMonitor-', () => ingestion],
    ['a collector', 'processors-', () => collector],
  ])('to %s is loaded once the first function has answered, and gets all of it', async (_to, chunk, backend) => {
    const told = await unpackApp();
    try {
      const [file = ''] = (await readdir(told.folder)).filter((name) => name.startsWith(chunk));
      const path = join(told.folder, file);
      await writeFile(path, `console.warn('The exporters are loaded.');${await readFile(path, 'utf8')}`);
      const app = await startFunctionsApp(
        { RECORD_STORE: 'none', TOKEN_CACHE_CONNECTION_STRING: database.url, ...backend().settings },
        told.folder,
      );
      try {
        expect((await purgeNow(app)).status).toBe(200);
        await expect.poll(() => app.log()).toMatch(/purge default: drained[\s\S]*The exporters are loaded\./);
        // Without another invocation, nor the end of the instance.
        await expect.poll(() => backend().spans()).toMatchObject([{ traceId: trace, parentId: hostSpan }]);
        await expect.poll(() => backend().logs()).toHaveLength(1);
        await expect.poll(() => backend().metrics()).toHaveLength(4);
      } finally {
        await app.stop();
      }
    } finally {
      await told.remove();
    }
  });
});

describe('settings', () => {
  it('of no backend load nothing', async () => {
    const bare = await unpackApp();
    const telemetryFiles = (await readdir(bare.folder)).filter((name) =>
      /^(azureMonitor|held|processors|sdk)-/.test(name),
    );
    expect(telemetryFiles).toHaveLength(4);
    for (const name of telemetryFiles) await rm(join(bare.folder, name));
    const app = await startFunctionsApp(
      { RECORD_STORE: 'none', TOKEN_CACHE_CONNECTION_STRING: database.url },
      bare.folder,
    );
    try {
      expect((await purgeNow(app)).status).toBe(200);
      expect(app.log()).not.toContain('Telemetry');
    } finally {
      await app.stop();
      await bare.remove();
    }
    expect([...ingestion.received, ...collector.received]).toEqual([]);
  });

  it('take each of 3,000 findings that stand at once', async () => {
    const settings = { ...ingestion.settings, ...collector.settings, TELEMETRY_FLUSH_TIMEOUT: 'PT30S' };
    const told = await run('test/support/tellMany.ts', ['3000'], settings);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    for (const backend of [ingestion, collector]) expect(backend.logs()).toHaveLength(6_000);
  });

  it('of OTLP alone send by protobuf', async () => {
    await withApp({ ...collector.settings, OTEL_EXPORTER_OTLP_HEADERS: 'api-key=from-the-operator' }, purgeNow);
    expect(collector.accepted.map(({ path }) => path).sort()).toEqual(['/v1/logs', '/v1/metrics', '/v1/traces']);
    for (const { headers } of collector.accepted)
      expect(headers).toMatchObject({ 'content-type': 'application/x-protobuf', 'api-key': 'from-the-operator' });
    const sent = collector.accepted.map(({ body }) => body.toString('latin1')).join('\n');
    expect(sent).toContain('token_cache.purge.deleted');
    expect(sent).toContain('maintenance.purge');
    expect(ingestion.received).toEqual([]);
  });

  it.each([
    [{}, 'my-app'],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'service.namespace=web%20shop' }, 'web shop.my-app'],
  ])('name the app and its version: %j', async (settings, role) => {
    const names = { WEBSITE_SITE_NAME: 'my-app', ...settings };
    await withApp({ ...ingestion.settings, ...collector.settings, ...names }, purgeNow);
    expect(ingestion.envelopes()).not.toEqual([]);
    for (const { tags } of ingestion.envelopes()) {
      expect(tags['ai.cloud.role']).toBe(role);
      expect(tags['ai.application.ver']).toBe(packageVersion());
    }
    for (const resource of collector.resources()) {
      expect(resource['service.name']).toBe('my-app');
      expect(resource['service.version']).toBe(packageVersion());
    }
  });
});

describe('the command line', () => {
  it('tells of its runs too, and prints its report alone', async () => {
    const { stdout, code } = await run('src/cli/main.ts', ['purge', '--json'], {
      RECORD_STORE: 'none',
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      ...ingestion.settings,
      ...collector.settings,
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ runs: [{ report: { deleted: 500 } }] });
    for (const backend of [ingestion, collector]) {
      expect(backend.metrics().filter(({ name }) => name === 'token_cache.purge.deleted')).toMatchObject([
        { value: 500, attributes: { cache: 'default', trigger: 'cli' } },
      ]);
      expect(backend.spans()).toMatchObject([{ name: 'maintenance.purge', parentId: '' }]);
    }
  });
});
