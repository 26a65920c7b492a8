import { DiagLogLevel, diag, metrics, trace } from '@opentelemetry/api';
import type { Identity } from '../azure/credentials.ts';
import type { Clock } from '../clock.ts';
import { redact } from '../errors.ts';
import { once } from '../once.ts';
import { Repeats } from '../repeats.ts';
import { Secret } from '../secret.ts';

export interface TelemetrySettings {
  /** `identity`: who authenticates, where the instrumentation key alone does not. */
  azureMonitor: { connectionString: Secret; identity: Identity | undefined } | undefined;
  /** By OTLP over HTTP, in protobuf. */
  otlp: boolean;
  /** By which the backends name the app: the function app's name, where it is known. */
  serviceName: string;
  /** `key=value`, several divided by commas, as the specification of OTEL_RESOURCE_ATTRIBUTES says. */
  resourceAttributes: string | undefined;
  /** Every span is kept where no sampler was chosen: runs are few. */
  samplerChosen: boolean;
  /** How long the end of an invocation, or of a command, may wait for what is still to be sent. */
  flushTimeoutMs: number;
}

/** What is told of runs to the backends that the settings name. Neither function ever rejects. */
export interface Telemetry {
  /** Loads what sends, where that was not done yet, and sends what waits to be sent; resolves when that is done or has failed, at the latest when the bound is over. */
  flush(): Promise<void>;
}

/** Says what goes wrong with telemetry itself: one line, without secrets. */
export type Complain = (line: string) => void;

/** Undefined where no backend is configured: then nothing is loaded, and the instruments do nothing. */
export async function startTelemetry(
  settings: TelemetrySettings,
  clock: Clock,
  complain: Complain,
): Promise<Telemetry | undefined> {
  const { azureMonitor, otlp } = settings;
  if (!azureMonitor && !otlp) return undefined;
  const repeats = new Repeats(clock, againAfterMs);
  const say = (...words: unknown[]) => {
    const line = lineOf(words, secretsOf(settings));
    if (!repeats.has(line)) complain(line);
  };
  const handOver = await import('./held.ts')
    .then(({ holdTelemetry }) => holdTelemetry(settings))
    // An app without telemetry still does its work; one whose import throws has no function left.
    .catch((error: unknown) => say('telemetry could not be started:', error));
  if (!handOver) return undefined;
  const begin = once(async () => {
    handOver(await sdkOf(settings, say));
    // After the SDK, which sets a logger of its own that writes to standard output, where the command line has its reports.
    diag.setLogger(
      { error: say, warn: say, info: ignore, debug: ignore, verbose: ignore },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
  });
  const { logs } = await import('@opentelemetry/api-logs');
  return {
    flush: async () => {
      await begin().catch((error: unknown) => say('what sends it could not be started:', error));
      await within(settings.flushTimeoutMs, clock, [
        trace.getTracerProvider(),
        metrics.getMeterProvider(),
        logs.getLoggerProvider(),
      ]);
    },
  };
}

/** Loads what sends to the backends that the settings name; the result registers it. */
async function sdkOf(settings: TelemetrySettings, say: (...words: unknown[]) => void): Promise<() => void> {
  const { azureMonitor, otlp } = settings;
  const processors = otlp ? (await import('./otlp/processors.ts')).otlpProcessors() : undefined;
  if (azureMonitor) return (await import('./azureMonitor.ts')).azureMonitorSdk(settings, azureMonitor, processors, say);
  const { registerSdk } = await import('./otlp/sdk.ts');
  return () => processors && registerSdk(settings, processors);
}

const ignore = () => undefined;

/** A backend that is away fails each send of spans, metrics and log records, and each try again: told once in this time. */
const againAfterMs = 300_000;

/** Flushes all providers at once, and waits no longer than the bound: what is still under way goes on by itself. */
async function within(boundMs: number, clock: Clock, providers: readonly object[]): Promise<void> {
  const done = new AbortController();
  const flushes = providers.map((provider) => flushOf(provider));
  await Promise.race([Promise.allSettled(flushes).finally(() => done.abort()), clock.sleep(boundMs, done.signal)]);
}

/** Providers of the API have no flush; those of the SDK do, one of them behind a proxy. */
async function flushOf(provider: object): Promise<void> {
  const { getDelegate, forceFlush } = provider as { getDelegate?(): object; forceFlush?(): Promise<void> };
  if (getDelegate) return flushOf(getDelegate.call(provider));
  await forceFlush?.call(provider);
}

function secretsOf({ azureMonitor }: TelemetrySettings): Secret[] {
  if (!azureMonitor) return [];
  const key = /InstrumentationKey=([^;]+)/i.exec(azureMonitor.connectionString.reveal())?.[1] ?? '';
  return [azureMonitor.connectionString, new Secret(key)];
}

const longestLine = 500;

/** The message of an error alone: the error may carry a request, headers included. */
function lineOf(words: readonly unknown[], secrets: readonly Secret[]): string {
  const texts = words.flat().map((word) => (word instanceof Error ? word.message : messageOf(word)));
  return redact(`Telemetry: ${texts.filter(Boolean).join(' ')}`, secrets).slice(0, longestLine);
}

/** The SDK hands over errors as JSON, with their stack. */
function messageOf(word: unknown): string {
  if (typeof word !== 'string') return '';
  try {
    const { message } = JSON.parse(word) as { message?: unknown };
    return typeof message === 'string' ? message : word;
  } catch {
    return word;
  }
}
