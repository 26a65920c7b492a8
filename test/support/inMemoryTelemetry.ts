import { context, metrics, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

interface ToldMetric {
  name: string;
  unit: string;
  value: unknown;
  attributes: Record<string, unknown>;
}

interface ToldLog {
  severity: string | undefined;
  body: unknown;
  attributes: Record<string, unknown>;
  /** Undefined of a record that belongs to no trace. */
  traceId: string | undefined;
}

/** The real SDK, which exports into memory, and samples every trace out. */
export interface InMemoryTelemetry {
  /** What was recorded since the last call. */
  told(): Promise<{ metrics: ToldMetric[]; logs: ToldLog[] }>;
  stop(): Promise<void>;
}

export function startTelemetryInMemory(): InMemoryTelemetry {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
  const meters = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
  metrics.setGlobalMeterProvider(meters);
  const records = new InMemoryLogRecordExporter();
  const loggers = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: records })] });
  logs.setGlobalLoggerProvider(loggers);
  const tracers = new NodeTracerProvider({ sampler: new AlwaysOffSampler() });
  tracers.register();
  return {
    told: async () => {
      await meters.forceFlush();
      const found = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
      const told = {
        metrics: found.flatMap(({ descriptor: { name, unit }, dataPoints }) =>
          dataPoints.map(({ value, attributes }) => ({ name, unit, value, attributes })),
        ),
        logs: records.getFinishedLogRecords().map(({ severityText, body, attributes, spanContext }) => ({
          severity: severityText,
          body,
          attributes,
          traceId: spanContext?.traceId,
        })),
      };
      exporter.reset();
      records.reset();
      return told;
    },
    stop: async () => {
      await Promise.all([meters.shutdown(), loggers.shutdown(), tracers.shutdown()]);
      for (const api of [metrics, logs, trace, context]) api.disable();
    },
  };
}
