import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it } from 'vitest';
import { measureLateness } from '../../src/lib/health/measureLateness.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { instruments } from '../../src/lib/telemetry/metrics.ts';

const key = '11111111-aaaa-2222-bbbb-333333333333';
const connectionString = `InstrumentationKey=${key};IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/`;
const read = (env: Record<string, string>) =>
  readSettings({ TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Username=u;Database=d', ...env }, 'table');

describe('the settings of telemetry', () => {
  it('name no backend by default', () => {
    expect(read({}).telemetry).toEqual({
      azureMonitor: undefined,
      otlp: undefined,
      serviceName: 'token-cache-maintenance',
      samplerChosen: false,
      flushTimeoutMs: 2_000,
    });
  });

  it.each([
    [connectionString, connectionString],
    [`${connectionString};`, connectionString],
    [` instrumentationkey=${key.toUpperCase()} ; ApplicationId=x;`, `instrumentationkey=${key};ApplicationId=x`],
  ])('take %s in the form that the exporter takes', (given, taken) => {
    const { telemetry, problems } = read({ APPLICATIONINSIGHTS_CONNECTION_STRING: given });
    expect(problems).toEqual([]);
    expect(telemetry.azureMonitor?.connectionString.reveal()).toBe(taken);
    expect(telemetry.azureMonitor?.identity).toBeUndefined();
  });

  it.each([
    ['Authorization=AAD', undefined],
    ['authorization=aad;', undefined],
    [`Authorization=AAD;ClientId=${key}`, key],
  ])('take the authentication %s', (text, clientId) => {
    const { telemetry, problems } = read({
      APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString,
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: text,
    });
    expect(problems).toEqual([]);
    expect(telemetry.azureMonitor?.identity).toEqual({ kind: clientId ? 'managedIdentity' : 'default', clientId });
  });

  it.each([
    ['APPLICATIONINSIGHTS_CONNECTION_STRING', key],
    ['APPLICATIONINSIGHTS_CONNECTION_STRING', `InstrumentationKey=${key};IngestionEndpoint=nowhere`],
    ['APPLICATIONINSIGHTS_CONNECTION_STRING', `InstrumentationKey=${key};secret`],
    ['APPLICATIONINSIGHTS_AUTHENTICATION_STRING', 'Authorization=AAD;ClientId=me'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'ftp://collector'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['TELEMETRY_FLUSH_TIMEOUT', '2'],
  ])('report %s=%s, stop no job for it, and send nothing elsewhere than asked', (setting, value) => {
    const { telemetry, problems } = read({
      APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString,
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      [setting]: value,
    });
    expect(problems).toMatchObject([{ setting, jobs: [] }]);
    expect(JSON.stringify(problems)).not.toContain(value);
    expect(telemetry.azureMonitor === undefined).toBe(setting.startsWith('APPLICATIONINSIGHTS'));
    expect(telemetry.otlp === undefined).toBe(setting.startsWith('OTEL'));
  });
});

describe('the instruments', () => {
  afterEach(() => metrics.disable());

  async function recorded(work: () => void) {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
    const reader = new PeriodicExportingMetricReader({ exporter });
    const provider = new MeterProvider({ readers: [reader] });
    metrics.setGlobalMeterProvider(provider);
    work();
    await provider.forceFlush();
    const found = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    await provider.shutdown();
    return found.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ value, attributes }) => ({ name: descriptor.name, unit: descriptor.unit, value, attributes })),
    );
  }

  it('record to the SDK that is registered after their first use', async () => {
    instruments.runs.add(1, { job: 'purge', cache: 'web', outcome: 'succeeded' });
    const values = await recorded(() => instruments.runs.add(1, { job: 'purge', cache: 'web', outcome: 'failed' }));
    expect(values).toEqual([
      {
        name: 'maintenance.runs',
        unit: '{run}',
        value: 1,
        attributes: { job: 'purge', cache: 'web', outcome: 'failed' },
      },
    ]);
  });

  it('say how late timers are, and 0 where they are not', async () => {
    const timer = { status: 'ok', lastStart: null, nextStart: null } as const;
    const values = await recorded(() =>
      measureLateness([
        { ...timer, name: 'purgeExpiredEntries', lateness: 'PT1M30S' },
        { ...timer, name: 'watchRedis', lateness: null },
      ]),
    );
    expect(values.map(({ value, attributes }) => [attributes.job, value])).toEqual([
      ['purgeExpiredEntries', 90],
      ['watchRedis', 0],
    ]);
  });

  it('have one name each', () => {
    const names = Object.values(instruments).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
