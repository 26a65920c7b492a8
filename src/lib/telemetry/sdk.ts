import { metrics } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from '@opentelemetry/sdk-logs';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { AlwaysOnSampler, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { once } from '../once.ts';
import { packageVersion } from '../version.ts';
import { holdMeasurements } from './metrics.ts';
import type { TelemetrySettings } from './telemetry.ts';

/** What sends to one backend. */
export interface Exporters {
  spans: SpanExporter;
  logs: LogRecordExporter;
  metrics: PushMetricExporter;
}

/** Loads what sends to one backend, once however often it is asked. */
export type Backend = () => Promise<Exporters>;

/**
 * Registers the SDK, without instrumentations: what the host sends of invocations is not sent again. From now on nothing is lost,
 * while exporters are loaded at their first export, or by the function that is given back: they are most of what telemetry costs a
 * start.
 */
export function startSdk({ serviceName, samplerChosen }: TelemetrySettings, backends: Backend[]): () => Promise<void> {
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.version': packageVersion() }))
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(resourceFromAttributes({ 'service.name': serviceName }));
  const processors = backends.map((load) => new BatchLogRecordProcessor({ exporter: late(load, 'logs') }));
  logs.setGlobalLoggerProvider(new LoggerProvider({ resource, processors }));
  const spanProcessors = backends.map((load) => new BatchSpanProcessor(late(load, 'spans')));
  // The parent decides by default, and a host that keeps no trace of its own would hide every run.
  const sampler = samplerChosen ? {} : { sampler: new AlwaysOnSampler() };
  new NodeTracerProvider({ resource, spanProcessors, ...sampler }).register();
  const release = holdMeasurements();
  return once(async () => {
    const { MeterProvider, PeriodicExportingMetricReader } = await import('@opentelemetry/sdk-metrics');
    const loaded = await Promise.allSettled(backends.map((load) => load()));
    const exporters = loaded.flatMap((one) => (one.status === 'fulfilled' ? [one.value.metrics] : []));
    const readers = exporters.map((exporter) => new PeriodicExportingMetricReader({ exporter }));
    metrics.setGlobalMeterProvider(new MeterProvider({ resource, readers }));
    release();
  });
}

/** An exporter that is loaded at its first export. Where that fails, every export does, and its processor says why. */
function late<S extends 'spans' | 'logs'>(
  load: Backend,
  signal: S,
): Required<Pick<Exporters[S], 'export' | 'forceFlush' | 'shutdown'>> {
  return {
    export: (items: never, done: Parameters<SpanExporter['export']>[1]) =>
      void load()
        .then((exporters) => exporters[signal].export(items, done))
        .catch((error: Error) => done({ code: 1, error })),
    forceFlush: async () => (await load())[signal].forceFlush?.(),
    shutdown: async () => (await load())[signal].shutdown(),
  };
}
