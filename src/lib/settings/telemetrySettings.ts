import { z } from 'zod';
import { identityOf } from '../azure/credentials.ts';
import { Secret } from '../secret.ts';
import type { TelemetrySettings } from '../telemetry/telemetry.ts';
import type { Environment } from './environment.ts';
import { duration, readBy, told } from './fields.ts';

/** Instrumentation keys are UUIDs; the exporter refuses all else. */
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * A connection string of Application Insights: `Name=value` pairs, divided by `;`. Put into the form that the exporter takes:
 * it discards all of a string with an empty part, and knows keys in lower case only.
 */
const connectionString = readBy((text) => {
  const parts = text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const fields = new Map(
    parts.map((part) => part.split('=')).map(([name = '', value = '']) => [name.toLowerCase(), value]),
  );
  const endpoint = fields.get('ingestionendpoint');
  const key = fields.get('instrumentationkey') ?? '';
  const pairs = parts.every((part) => /^\w+=[^=]+$/.test(part));
  const isUsable = pairs && uuid.test(key) && (endpoint === undefined || URL.canParse(endpoint));
  return isUsable ? parts.join(';').replace(key, key.toLowerCase()) : undefined;
}, 'must be a connection string of Application Insights: InstrumentationKey=…;IngestionEndpoint=https://…');

/** As the Functions host takes it: `Authorization=AAD`, with the client id of a user-assigned identity. */
const authentication = readBy((text) => {
  const found = /^\s*Authorization\s*=\s*AAD\s*(?:;\s*ClientId\s*=\s*([0-9a-f-]{36})\s*)?;?\s*$/i.exec(text);
  return found ? identityOf(found[1]) : undefined;
}, 'must be Authorization=AAD, or Authorization=AAD;ClientId=…');

/** Where telemetry goes, and how long an invocation may wait for it; docs/reference/settings.md explains each. */
export const telemetryShape = {
  APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString
    .optional()
    .meta({ description: 'Sends spans, metrics and log records to this Application Insights.' }),
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: authentication.optional().meta({
    description:
      "`Authorization=AAD` signs in with the environment's identity (`AZURE_CLIENT_ID` for a user-assigned one), `Authorization=AAD;ClientId=…` with the user-assigned identity of that client id. It needs the role Monitoring Metrics Publisher on the Application Insights.",
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .meta({
      description:
        'Sends the same by OTLP over HTTP to this collector (`http://collector:4318`). Its other settings are those of the [OTLP exporter](https://opentelemetry.io/docs/specs/otel/protocol/exporter/): `OTEL_EXPORTER_OTLP_HEADERS`, `…_CERTIFICATE`, `…_COMPRESSION`, `…_TIMEOUT`, and each of them and the endpoint for one signal.',
    }),
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .literal('http/protobuf', { error: 'must be http/protobuf: no other is spoken' })
    .default('http/protobuf')
    .meta({ description: 'No other is spoken: neither `grpc` nor `http/json`.' }),
  OTEL_SERVICE_NAME: told().optional().meta({ description: 'How the backends name the app.' }),
  OTEL_RESOURCE_ATTRIBUTES: told().optional().meta({
    description:
      'What the backends say of the app besides: `deployment.environment.name=test,service.namespace=shop`. Azure Monitor puts the namespace and a dot before the name of the app.',
  }),
  WEBSITE_SITE_NAME: told()
    .optional()
    .meta({ description: 'The name of the function app, as the platform sets it: `service.name` by default.' }),
  OTEL_TRACES_SAMPLER: z.string().optional().meta({
    description:
      'Which spans are kept, as [specified](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Metrics are never sampled.',
  }),
  TELEMETRY_FLUSH_TIMEOUT: duration('PT0.1S', 'PT30S').prefault('PT2S').meta({
    description: 'How long the end of an invocation, or of a command, waits at most for what is still to be sent.',
  }),
};
type Values = z.infer<z.ZodObject<typeof telemetryShape>>;

/**
 * @param wrong names of settings that cannot be used: nothing is sent to Azure Monitor without the authentication that was
 * asked for, nor by OTLP in a protocol that was not
 */
export function telemetrySettings(values: Values, wrong: ReadonlySet<string>): TelemetrySettings {
  const connection = values.APPLICATIONINSIGHTS_CONNECTION_STRING;
  const authenticates = !wrong.has('APPLICATIONINSIGHTS_AUTHENTICATION_STRING');
  const speaks = !wrong.has('OTEL_EXPORTER_OTLP_PROTOCOL');
  return {
    azureMonitor:
      connection && authenticates
        ? { connectionString: new Secret(connection), identity: values.APPLICATIONINSIGHTS_AUTHENTICATION_STRING }
        : undefined,
    // The exporters read the endpoint, headers, certificates and timeout from the environment by themselves, as specified.
    otlp: values.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined && speaks,
    serviceName: values.OTEL_SERVICE_NAME ?? values.WEBSITE_SITE_NAME ?? 'token-cache-maintenance',
    resourceAttributes: values.OTEL_RESOURCE_ATTRIBUTES,
    samplerChosen: values.OTEL_TRACES_SAMPLER !== undefined,
    flushTimeoutMs: values.TELEMETRY_FLUSH_TIMEOUT,
  };
}

/**
 * Where telemetry goes, by the settings that its exporters read themselves: the ingestion endpoint of
 * APPLICATIONINSIGHTS_CONNECTION_STRING, or OTEL_EXPORTER_OTLP_ENDPOINT. The server alone: a URL may hold a password.
 */
export function telemetryEndpoint(env: Environment): URL | undefined {
  const insights = env.APPLICATIONINSIGHTS_CONNECTION_STRING;
  // Without an endpoint of its own, a resource uses the global one ("Connection strings in Application Insights").
  const text = insights
    ? (/(?:^|;)\s*IngestionEndpoint=([^;\s]+)/i.exec(insights)?.[1] ?? 'https://dc.services.visualstudio.com/')
    : env.OTEL_EXPORTER_OTLP_ENDPOINT;
  return URL.parse(URL.parse(text ?? '')?.origin ?? '') ?? undefined;
}
