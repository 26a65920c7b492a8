import type { Environment } from './cacheSettings.ts';

/**
 * Where telemetry goes, by the settings that its exporters read themselves: the ingestion endpoint of
 * APPLICATIONINSIGHTS_CONNECTION_STRING, or OTEL_EXPORTER_OTLP_ENDPOINT.
 */
export function readTelemetryEndpoint(env: Environment): URL | undefined {
  const insights = env.APPLICATIONINSIGHTS_CONNECTION_STRING;
  // Without an endpoint of its own, a resource uses the global one ("Connection strings in Application Insights").
  const text = insights
    ? (/(?:^|;)\s*IngestionEndpoint=([^;\s]+)/i.exec(insights)?.[1] ?? 'https://dc.services.visualstudio.com/')
    : env.OTEL_EXPORTER_OTLP_ENDPOINT;
  return text && URL.canParse(text) ? new URL(text) : undefined;
}
