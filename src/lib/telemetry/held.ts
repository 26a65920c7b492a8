import { context, metrics, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { LoggerProvider, type ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { AlwaysOnSampler, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { holdMeasurements } from './metrics.ts';
import { resourceOf } from './resource.ts';
import type { TelemetrySettings } from './telemetry.ts';

/**
 * From now on spans, log records and measurements are held: what sends them is most of what telemetry costs a start. The function that is
 * given back makes room for the SDK that sends, registers it, and hands over what was held, and each span that was open then.
 */
export function holdTelemetry(settings: TelemetrySettings): (register: () => void) => void {
  const resource = resourceOf(settings.serviceName);
  const spans = new Held<ReadableSpan>();
  const records = new Held<ReadableLogRecord>();
  const forceFlush = async () => undefined;
  const shutdown = async () => undefined;
  // The parent decides by default, and a host that keeps no trace of its own would hide every run.
  const sampler = settings.samplerChosen ? {} : { sampler: new AlwaysOnSampler() };
  const spanProcessors = [{ onStart: () => undefined, onEnd: spans.take, forceFlush, shutdown }];
  new NodeTracerProvider({ resource, spanProcessors, ...sampler }).register();
  const processors = [{ onEmit: records.take, forceFlush, shutdown }];
  logs.setGlobalLoggerProvider(new LoggerProvider({ resource, processors }));
  const release = holdMeasurements();
  return (register) => {
    for (const api of [trace, metrics, logs, context, propagation]) api.disable();
    register();
    const sender = senderOf(trace.getTracerProvider());
    spans.handTo((span) => sender.onEnd(span));
    takeManyRecords(logs.getLoggerProvider());
    records.handTo(emitAgain);
    release();
  };
}

class Held<T> {
  #waiting: T[] = [];
  #hand: ((item: T) => void) | undefined;

  readonly take = (item: T): void => {
    if (this.#hand) this.#hand(item);
    else this.#waiting.push(item);
  };

  handTo(hand: (item: T) => void): void {
    this.#hand = hand;
    for (const item of this.#waiting) hand(item);
    this.#waiting = [];
  }
}

/** What sends the spans of the registered SDK. It has no public name; test/e2e/telemetry.test.ts fails where a version hides it. */
function senderOf(provider: object): SpanProcessor {
  const { getDelegate } = provider as { getDelegate?(): object };
  const { _activeSpanProcessor: sender } = (getDelegate?.call(provider) ?? provider) as {
    _activeSpanProcessor?: SpanProcessor;
  };
  if (!sender) throw new Error('the SDK does not take spans that ended before it was registered');
  return sender;
}

/** So many records wait to be sent: a judgement tells all that stands at once, and by default a batch throws away what is beyond 2,560. */
const mostRecords = 20_000;

/** No option of Azure Monitor's distribution sets it; test/e2e/telemetry.test.ts fails where a version hides it. */
function takeManyRecords(provider: object): void {
  const { _getDelegate: getDelegate } = provider as { _getDelegate?(): object };
  const { _sharedState: shared } = (getDelegate?.call(provider) ?? provider) as {
    _sharedState?: { processors?: object[] };
  };
  for (const processor of shared?.processors ?? [])
    if ('_maxQueueSize' in processor) processor._maxQueueSize = mostRecords;
}

function emitAgain(record: ReadableLogRecord): void {
  const { hrTime, hrTimeObserved, spanContext, instrumentationScope, body, eventName, attributes } = record;
  const { severityNumber, severityText } = record;
  logs.getLogger(instrumentationScope.name, instrumentationScope.version).emit({
    timestamp: hrTime,
    observedTimestamp: hrTimeObserved,
    attributes,
    context: spanContext ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : ROOT_CONTEXT,
    ...(body !== undefined && { body }),
    ...(eventName !== undefined && { eventName }),
    ...(severityNumber !== undefined && { severityNumber }),
    ...(severityText !== undefined && { severityText }),
  });
}
