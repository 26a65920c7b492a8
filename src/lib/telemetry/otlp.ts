import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { Exporters } from './sdk.ts';

/**
 * What sends by OTLP over HTTP, in protobuf. Endpoint, headers, certificates, compression and timeout are the exporters' own
 * settings, read from the environment as the specification says ("OpenTelemetry Protocol Exporter").
 */
export function otlpExporters(): Exporters {
  return { spans: new OTLPTraceExporter(), logs: new OTLPLogExporter(), metrics: new OTLPMetricExporter() };
}
