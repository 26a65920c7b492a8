/**
 * What MSAL and the token cache adapter of Microsoft.Identity.Web tell by Microsoft's exporters is what a look at a web app reads.
 * What Application Insights makes of an envelope is written down in `rowsOf`, by Azure Monitor's reference of the tables; it cannot be had here.
 */
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppReport } from '../../src/lib/appTelemetry/appReport.ts';
import { watchApp } from '../../src/lib/appTelemetry/watchApp.ts';
import { buildDotnet, dotnetFound, dotnetTimeLimitMs } from '../support/dotnet.ts';
import { type Envelope, type Ingestion, startIngestion } from '../support/ingestion.ts';
import type { Row, Tables } from '../support/kustoRun.ts';
import { openTestWorkspace, startLogAnalytics } from '../support/logAnalytics.ts';
import { type OtlpCollector, startOtlpCollector } from '../support/otlpCollector.ts';

const severities = ['Verbose', 'Information', 'Warning', 'Error', 'Critical'];

/** The rows of a workspace that envelopes become. */
function rowsOf(envelopes: readonly Envelope[]): Tables {
  const tables: Record<string, Row[]> = { AppMetrics: [], AppTraces: [], AppExceptions: [] };
  for (const { time, tags, data } of envelopes) {
    const { properties = {}, metrics, severityLevel, exceptions } = data.baseData;
    const common = {
      TimeGenerated: Date.parse(time),
      AppRoleName: tags['ai.cloud.role'],
      AppRoleInstance: tags['ai.cloud.roleInstance'],
      AppVersion: tags['ai.application.ver'],
      Properties: properties,
    };
    const SeverityLevel = severities.indexOf(String(severityLevel));
    const [thrown] = (exceptions ?? []) as { typeName: string }[];
    if (data.baseType === 'MessageData') tables.AppTraces?.push({ ...common, SeverityLevel, ItemCount: 1 });
    if (data.baseType === 'ExceptionData')
      tables.AppExceptions?.push({ ...common, SeverityLevel, ExceptionType: thrown?.typeName, ItemCount: 1 });
    for (const { name, value, count, max } of (metrics ?? []) as Record<string, number>[])
      tables.AppMetrics?.push({ ...common, Name: name, Sum: value, ItemCount: count ?? 1, Max: max ?? value });
  }
  return tables;
}

let program: string;
beforeAll(() => {
  if (dotnetFound) program = buildDotnet('AppTelemetry');
}, dotnetTimeLimitMs);

describe.skipIf(!dotnetFound).each([
  ['as they are by default', {}],
  ['with MSAL’s extended metrics', { MSAL_ENABLE_EXTENDED_TOKEN_METRICS: '1' }],
])('the telemetry of a web app, %s', (_, extended) => {
  let ingestion: Ingestion;
  let collector: OtlpCollector;
  let said: string[];
  let report: AppReport;

  beforeAll(async () => {
    [ingestion, collector] = await Promise.all([startIngestion(), startOtlpCollector()]);
    said = await run();
    const logs = await startLogAnalytics(rowsOf(ingestion.envelopes()));
    try {
      const workspace = await openTestWorkspace(logs);
      const policy = { windowMs: 3_600_000, timeoutMs: 30_000, leastCalls: 5 };
      report = await watchApp({ workspace, role: 'WEB', policy, now: new Date(Date.now() + 60_000) });
    } finally {
      await logs.stop();
    }
  }, dotnetTimeLimitMs);
  afterAll(async () => {
    await Promise.all([ingestion?.stop(), collector?.stop()]);
  });

  async function run(): Promise<string[]> {
    const { settings } = ingestion;
    const child = spawn(
      'dotnet',
      [
        program,
        collector.settings.OTEL_EXPORTER_OTLP_ENDPOINT ?? '',
        settings.APPLICATIONINSIGHTS_CONNECTION_STRING ?? '',
      ],
      {
        env: {
          ...process.env,
          ...extended,
          SSL_CERT_FILE: settings.NODE_EXTRA_CA_CERTS,
          TMPDIR: settings.TMPDIR,
          // What the exporter tells Microsoft of itself.
          APPLICATIONINSIGHTS_STATSBEAT_DISABLED: 'true',
        },
        timeout: dotnetTimeLimitMs,
      },
    );
    let [output, errors] = ['', ''];
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (errors += chunk));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code, errors).toBe(0);
    return output.trim().split('\n');
  }

  it('is of calls that MSAL itself tells apart so', () => {
    expect(said).toEqual([
      'miss: IdentityProvider None NoCachedAccessToken',
      'L1 hit: Cache L1Cache NotApplicable',
      'L1 hit: Cache L1Cache NotApplicable',
      'forced: IdentityProvider None ForceRefreshOrClaims',
      'L2 hit: Cache L2Cache NotApplicable',
      'sign-in: IdentityProvider None NotApplicable',
      'L1 hit: Cache L1Cache NotApplicable',
      'miss: IdentityProvider None NoCachedAccessToken',
      'lost: user_null',
      'miss: IdentityProvider None NoCachedAccessToken',
      'refused: invalid_grant',
      'unreadable: json_parse_failed',
      'unreadable: json_parse_failed',
      'store fails: IdentityProvider None NoCachedAccessToken',
    ]);
  });

  it('is read as these calls', () => {
    // One miss more is that of the other ring's instance; one that of the failing store.
    expect(report.calls).toEqual({
      l1Hits: 3,
      l2Hits: 1,
      otherHits: 0,
      misses: 5,
      lost: 1,
      refreshes: 0,
      proactive: 0,
      bypassed: 1,
      signIns: 1,
      starts: 0,
      failures: 3,
    });
    expect(report.hitRatio).toEqual({ l1: 0.3, l2: 0.1, all: 0.4 });
    expect(report.failures).toEqual(
      expect.arrayContaining([
        { code: 'json_parse_failed', sts: null, calls: 2 },
        { code: 'invalid_grant', sts: '50076', calls: 1 },
        { code: 'user_null', sts: null, calls: 1 },
      ]),
    );
    expect(report.providerTokens).toBe(3);
    expect(report.versions).toMatchObject([{ version: '1.2.3' }]);
  });

  it('tells entries that cannot be read from a failing store, and whether the app encrypts', () => {
    expect(report.unreadable).toEqual({ failures: 2, encrypting: 1, plain: 1 });
    expect(report.storeErrors).toMatchObject([{ type: 'System.TimeoutException' }]);
  });

  it('has times in the units that the look takes them for: each call of the store takes 15 ms', () => {
    expect(report.l2Latency?.meanMs).toBeGreaterThanOrEqual(14);
    expect(report.l1Latency?.meanMs).toBeGreaterThanOrEqual(14);
    const units = Object.fromEntries(collector.metrics().map(({ name, unit }) => [name, unit]));
    expect(units).toMatchObject({
      MsalSuccess: '',
      MsalFailure: '',
      'MsalDurationInL1CacheInUs.1B': 'us',
      'MsalDurationInL2Cache.1A': 'ms',
      'dotnet.process.memory.working_set': 'By',
    });
  });

  it('has the tags that the look goes by, the same by OTLP as in Application Insights', () => {
    const tagsOf = (all: { name: string; attributes: Record<string, unknown> }[], name: string) =>
      new Set(all.filter((each) => each.name === name).flatMap(({ attributes }) => Object.keys(attributes)));
    for (const name of ['MsalSuccess', 'MsalFailure']) {
      const tags = tagsOf(collector.metrics(), name);
      expect(tagsOf(ingestion.metrics(), name)).toEqual(tags);
      for (const tag of name === 'MsalSuccess' ? ['TokenSource', 'CacheLevel'] : ['ErrorCode', 'RawStsErrorCode'])
        expect(tags).toContain(tag);
      for (const tag of ['CacheRefreshReason', 'ApiId']) expect(tags).toContain(tag);
    }
  });

  it('knows the memory of the process, and no growth after a minute', () => {
    expect(report.memory).toMatchObject({ instances: 1, bytesPerHour: null });
    expect(report.memory?.largestBytes).toBeGreaterThan(10e6);
  });

  it('holds keys of entries in the log, none of which is in the report', () => {
    const log = JSON.stringify(ingestion.envelopes());
    expect(log).toContain('_AppTokenCache');
    expect(JSON.stringify(report)).not.toMatch(/AppTokenCache|33333333|11111111|instance-1|garba/);
  });
});
