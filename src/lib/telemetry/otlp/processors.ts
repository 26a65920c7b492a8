import type { LogRecordProcessor } from '@opentelemetry/sdk-logs';
import { BatchLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { type MetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';

/** What takes spans, metrics and log records out of the SDK, to be sent by OTLP. */
export interface Processors {
  spanProcessors: SpanProcessor[];
  metricReaders: MetricReader[];
  logRecordProcessors: LogRecordProcessor[];
}

/**
 * Processors that send by OTLP over HTTP. Endpoint, headers, certificates, compression and timeout are the exporters' own
 * settings, read from the environment as the specification says ("OpenTelemetry Protocol Exporter").
 */
export async function otlpProcessors(protocol: 'http/protobuf' | 'http/json'): Promise<Processors> {
  const { OTLPTraceExporter, OTLPMetricExporter, OTLPLogExporter } = await exporters(protocol);
  return {
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
    metricReaders: [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })],
    logRecordProcessors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })],
  };
}

async function exporters(protocol: 'http/protobuf' | 'http/json') {
  const [spans, measures, records] =
    protocol === 'http/json'
      ? await Promise.all([
          import('@opentelemetry/exporter-trace-otlp-http'),
          import('@opentelemetry/exporter-metrics-otlp-http'),
          import('@opentelemetry/exporter-logs-otlp-http'),
        ])
      : await Promise.all([
          import('@opentelemetry/exporter-trace-otlp-proto'),
          import('@opentelemetry/exporter-metrics-otlp-proto'),
          import('@opentelemetry/exporter-logs-otlp-proto'),
        ]);
  return { ...spans, ...measures, ...records };
}
