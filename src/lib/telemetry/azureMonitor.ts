import { AzureLogger } from '@azure/logger';
import {
  type AzureMonitorExporterOptions,
  AzureMonitorLogExporter,
  AzureMonitorMetricExporter,
  AzureMonitorTraceExporter,
} from '@azure/monitor-opentelemetry-exporter';
import { credentialOf } from '../azure/credentials.ts';
import type { Exporters } from './sdk.ts';
import type { TelemetrySettings } from './telemetry.ts';

type PipelinePolicy = NonNullable<AzureMonitorExporterOptions['additionalPolicies']>[number]['policy'];

/**
 * What sends to Application Insights. Microsoft's exporters alone, without its distribution around them: that loads instrumentations
 * of half a dozen clients, which would tell of statements and keys, and takes longer to load than all else of this app.
 */
export async function azureMonitorExporters(
  { connectionString, identity }: NonNullable<TelemetrySettings['azureMonitor']>,
  complain: (...words: unknown[]) => void,
): Promise<Exporters> {
  // What the exporters take from the environment alone. Their statistics for Microsoft go to endpoints of their own, which a
  // closed network does not let through.
  process.env.APPLICATION_INSIGHTS_NO_STATSBEAT ??= 'true';
  process.env.APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED ??= 'true';
  const options: AzureMonitorExporterOptions = {
    connectionString: connectionString.reveal(),
    ...(identity && { credential: await credentialOf(identity) }),
    additionalPolicies: [{ policy: sayRefusals(complain), position: 'perCall' }],
  };
  // Its own would write to standard output.
  AzureLogger.log = complain;
  return {
    spans: new AzureMonitorTraceExporter(options),
    logs: new AzureMonitorLogExporter(options),
    metrics: new AzureMonitorMetricExporter(options),
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
