import { metrics } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { resourceOf } from '../resource.ts';
import type { TelemetrySettings } from '../telemetry.ts';
import type { Processors } from './processors.ts';

/** Registers the SDK for OTLP alone. Without instrumentations: what the host sends of invocations is not sent again. */
export function registerSdk(
  { serviceName, samplerChosen }: TelemetrySettings,
  { spanProcessors, metricReaders, logRecordProcessors }: Processors,
): void {
  const resource = resourceOf(serviceName);
  metrics.setGlobalMeterProvider(new MeterProvider({ resource, readers: metricReaders }));
  logs.setGlobalLoggerProvider(new LoggerProvider({ resource, processors: logRecordProcessors }));
  // The parent decides by default, and a host that keeps no trace of its own would hide every run.
  const sampler = samplerChosen ? {} : { sampler: new AlwaysOnSampler() };
  new NodeTracerProvider({ resource, spanProcessors, ...sampler }).register();
}
