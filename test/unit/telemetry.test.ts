import { afterEach, describe, expect, it } from 'vitest';
import { measureLateness } from '../../src/lib/findings/timers.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { instruments } from '../../src/lib/telemetry/metrics.ts';
import { type InMemoryTelemetry, startTelemetryInMemory } from '../support/inMemoryTelemetry.ts';

const key = '11111111-aaaa-2222-bbbb-333333333333';
const connectionString = `InstrumentationKey=${key};IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/`;
const read = (env: Record<string, string>) =>
  readSettings({ TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Username=u;Database=d', ...env }, 'table');

describe('the settings of telemetry', () => {
  it('name no backend by default', () => {
    expect(read({}).telemetry).toEqual({
      azureMonitor: undefined,
      otlp: false,
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
    expect(!telemetry.otlp).toBe(setting.startsWith('OTEL'));
  });
});

describe('the instruments', () => {
  let telemetry: InMemoryTelemetry | undefined;
  afterEach(() => telemetry?.stop());

  async function recorded(work: () => void) {
    telemetry = startTelemetryInMemory();
    work();
    return (await telemetry.told()).metrics;
  }

  it('record to the SDK that is registered after their first use', async () => {
    const attributes = { job: 'purge', subject: 'web', outcome: 'succeeded', dryRun: 'false' };
    instruments.runs.add(1, attributes);
    const values = await recorded(() => instruments.runs.add(1, { ...attributes, outcome: 'failed' }));
    expect(values).toEqual([
      { name: 'maintenance.runs', unit: '{run}', value: 1, attributes: { ...attributes, outcome: 'failed' } },
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
