import * as functions from '@azure/functions';
import { context, propagation } from '@opentelemetry/api';
import { systemClock } from '../../lib/clock.ts';
import { startTelemetry, type TelemetrySettings } from '../../lib/telemetry/telemetry.ts';

/**
 * Starts telemetry and ties it to the host: each invocation runs as a child of the host's span, its log records are sent
 * from here alone, and what is still to be sent is flushed at its end, since an instance may be frozen right after.
 * Does nothing where no backend is configured; never throws.
 */
export async function connectTelemetry(settings: TelemetrySettings): Promise<void> {
  const telemetry = await startTelemetry(settings, systemClock, (line) => console.warn(line));
  if (!telemetry) return;
  const { AzureFunctionsInstrumentationESM } = await import('@azure/functions-opentelemetry-instrumentation');
  try {
    // By hand: its hook into `require` sees nothing of ES modules and bundles, or would come on top of this.
    new AzureFunctionsInstrumentationESM({ enabled: false }).registerAzFunc(functions);
  } catch {
    // Workers before 3.10 have no hook for logs. The host then sends them, as it does without telemetry from here.
    functions.app.setup({ capabilities: { WorkerOpenTelemetryEnabled: false } });
    functions.app.hook.preInvocation(continueTrace);
  }
  functions.app.hook.postInvocation(() => telemetry.flush());
}

/** What the instrumentation does before each invocation. */
function continueTrace(invocation: functions.PreInvocationContext): void {
  const { traceParent, traceState } = invocation.invocationContext.traceContext ?? {};
  const parent = propagation.extract(context.active(), { traceparent: traceParent, tracestate: traceState });
  invocation.functionHandler = context.bind(parent, invocation.functionHandler);
}
