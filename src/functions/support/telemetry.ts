import { setTimeout as delay } from 'node:timers/promises';
import { app, type LogHookContext, type PreInvocationContext } from '@azure/functions';
import { context, propagation } from '@opentelemetry/api';
import { logs, SeverityNumber } from '@opentelemetry/api-logs';
import { systemClock } from '../../lib/clock.ts';
import { startTelemetry, type TelemetrySettings } from '../../lib/telemetry/telemetry.ts';

/** For an answer to leave the worker, once its invocation has ended. */
const answerMs = 50;
/** A first invocation that runs longer is not to keep its measurements for its end, which an instance that dies never sees. */
const longRunMs = 5_000;

/**
 * Starts telemetry and ties it to the host: each invocation runs as a child of the host's span, its log records are sent
 * from here alone, and what is still to be sent is flushed at its end, since an instance may be frozen right after.
 * The answer of the first invocation does not wait for that: what sends is loaded when it is out, and all is flushed then, or when
 * the instance is taken away. Does nothing where no backend is configured; never throws.
 */
export async function connectTelemetry(settings: TelemetrySettings): Promise<void> {
  const telemetry = await startTelemetry(settings, systemClock, (line) => console.warn(line));
  if (!telemetry) return;
  app.hook.preInvocation(continueTrace);
  try {
    app.hook.log(emitLog);
    app.setup({ capabilities: { WorkerOpenTelemetryEnabled: true } });
  } catch {
    // Workers before 3.10 have no hook for logs. The host then sends them, as it does without telemetry from here.
  }
  let answered = false;
  let first: Promise<void> | undefined;
  const flushFirst = async () => {
    await delay(answerMs);
    answered = true;
    await telemetry.flush();
  };
  const answer = () => {
    first ??= flushFirst();
  };
  setTimeout(answer, longRunMs).unref();
  app.hook.postInvocation(() => (answered ? telemetry.flush() : answer()));
  app.hook.appTerminate(() => first);
}

/** Microsoft's own package for these two hooks (functions-opentelemetry-instrumentation) takes a tenth of the start to load. */
function continueTrace(invocation: PreInvocationContext): void {
  const { traceParent, traceState } = invocation.invocationContext.traceContext ?? {};
  const parent = propagation.extract(context.active(), { traceparent: traceParent, tracestate: traceState });
  invocation.functionHandler = context.bind(parent, invocation.functionHandler);
}

const severities: Partial<Record<LogHookContext['level'], SeverityNumber>> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  information: SeverityNumber.INFO,
  warning: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  critical: SeverityNumber.FATAL,
};

function emitLog({ level, message }: LogHookContext): void {
  const severityNumber = severities[level] ?? SeverityNumber.UNSPECIFIED;
  logs.getLogger('@azure/functions').emit({ body: message, severityNumber, severityText: level });
}
