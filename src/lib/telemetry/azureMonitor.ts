import { AzureLogger } from '@azure/logger';
import { type AzureMonitorOpenTelemetryOptions, useAzureMonitor } from '@azure/monitor-opentelemetry';
import { credentialOf } from '../azure/credentials.ts';
import { packageVersion } from '../version.ts';
import type { Processors } from './otlp/processors.ts';
import type { TelemetrySettings } from './telemetry.ts';

type ExporterOptions = NonNullable<AzureMonitorOpenTelemetryOptions['azureMonitorExporterOptions']>;
type PipelinePolicy = NonNullable<ExporterOptions['additionalPolicies']>[number]['policy'];

/** Instrumentations of the distribution that are on by default. */
const instrumentations = ['http', 'azureSdk', 'mongoDb', 'mySql', 'postgreSql', 'redis', 'redis4'] as const;

/**
 * What registers the SDK through Microsoft's distribution, which sends to Application Insights, and to the given processors.
 *
 * Off are: the instrumentations (the host sends requests itself; statements and keys are nobody's business), standard
 * metrics and performance counters (the host's too), live metrics and the sampling of five traces a second (runs are few).
 */
export async function azureMonitorSdk(
  { serviceName, resourceAttributes, samplerChosen }: TelemetrySettings,
  { connectionString, identity }: NonNullable<TelemetrySettings['azureMonitor']>,
  processors: Processors | undefined,
  complain: (...words: unknown[]) => void,
): Promise<() => void> {
  // What the distribution takes from the environment alone. Its statistics for Microsoft go to endpoints of their own, which a
  // closed network does not let through.
  process.env.APPLICATION_INSIGHTS_NO_STATSBEAT ??= 'true';
  process.env.APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED ??= 'true';
  process.env.OTEL_SERVICE_NAME ??= serviceName;
  const attributes = [`service.version=${packageVersion()}`, resourceAttributes ?? []].flat();
  process.env.OTEL_RESOURCE_ATTRIBUTES = attributes.join();
  const options: AzureMonitorOpenTelemetryOptions = {
    azureMonitorExporterOptions: {
      connectionString: connectionString.reveal(),
      ...(identity && { credential: await credentialOf(identity) }),
      additionalPolicies: [{ policy: sayRefusals(complain), position: 'perCall' }],
    },
    instrumentationOptions: Object.fromEntries(instrumentations.map((name) => [name, { enabled: false }])),
    enableLiveMetrics: false,
    enableStandardMetrics: false,
    enablePerformanceCounters: false,
    ...(!samplerChosen && { tracesPerSecond: 0, samplingRatio: 1 }),
    ...processors,
  };
  return () => {
    useAzureMonitor(options);
    // Its own would write to standard output.
    AzureLogger.log = complain;
  };
}

/** The exporter keeps what was refused for later, and tells nobody: a role that is missing would never be noticed. */
function sayRefusals(complain: (...words: unknown[]) => void): PipelinePolicy {
  return {
    name: 'sayRefusals',
    sendRequest: async (request, next) => {
      const response = await next(request);
      if (response.status >= 400) complain(`Application Insights answered ${response.status}.`);
      return response;
    },
  };
}
