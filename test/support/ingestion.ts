/**
 * A stand-in for the ingestion endpoint of Application Insights, which cannot be had here: it speaks the Breeze protocol
 * (POST /v2.1/track over TLS, envelopes as JSON, gzip; of .NET one a line) to the real exporters. It proves what is sent, to whom and how often, not that
 * the service takes it, nor what it makes of it.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from './certificates.ts';
import {
  type Measured,
  type ReceivedLog,
  type ReceivedSpan,
  startTelemetryServer,
  type TelemetryServer,
} from './telemetryServer.ts';

export interface Envelope {
  name: string;
  time: string;
  iKey: string;
  tags: Record<string, string>;
  sampleRate?: number;
  data: { baseType: string; baseData: Record<string, unknown> & { properties?: Record<string, string> } };
}

export interface Ingestion extends TelemetryServer {
  instrumentationKey: string;
  /** What names this endpoint to a function app, and lets it trust the certificate. */
  settings: Record<string, string>;
  envelopes(): Envelope[];
  metrics(): Measured[];
  spans(): ReceivedSpan[];
  logs(): ReceivedLog[];
}

export async function startIngestion(): Promise<Ingestion> {
  // The exporter keeps what it could not send in the temporary folder: one of the test's own.
  const folder = await mkdtemp(join(tmpdir(), 'token-cache-ingestion-'));
  const { certificatePem, keyPem } = selfSigned('127.0.0.1');
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, certificatePem);
  const server = await startTelemetryServer(
    ({ body }, response) => {
      const items = envelopesOf(body).length;
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ itemsReceived: items, itemsAccepted: items, errors: [] }));
    },
    { key: keyPem, cert: certificatePem },
  );
  const instrumentationKey = randomUUID();
  const envelopes = () => server.accepted.flatMap(({ body }) => envelopesOf(body));
  const of = (baseType: string) => envelopes().filter(({ data }) => data.baseType === baseType);
  const stop = server.stop;
  return Object.assign(server, {
    instrumentationKey,
    settings: {
      APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${instrumentationKey};IngestionEndpoint=https://127.0.0.1:${server.port}/`,
      NODE_EXTRA_CA_CERTS: ca,
      TMPDIR: folder,
    },
    envelopes,
    metrics: () =>
      of('MetricData').flatMap(({ data: { baseData } }) =>
        (baseData.metrics as { name: string; value: number; count?: number }[]).map(({ name, value, count }) => ({
          name,
          // The protocol has no place for it.
          unit: undefined,
          attributes: baseData.properties ?? {},
          value,
          count,
        })),
      ),
    spans: () =>
      [...of('RemoteDependencyData'), ...of('RequestData')].map(({ tags, data: { baseData } }) => ({
        name: String(baseData.name),
        traceId: tags['ai.operation.id'] ?? '',
        spanId: String(baseData.id),
        parentId: tags['ai.operation.parentId'] ?? '',
        attributes: baseData.properties ?? {},
        failed: baseData.success === false,
      })),
    logs: () =>
      of('MessageData').map(({ tags, data: { baseData } }) => ({
        text: String(baseData.message),
        traceId: tags['ai.operation.id'] ?? '',
        spanId: tags['ai.operation.parentId'] ?? '',
        attributes: baseData.properties ?? {},
      })),
    stop: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

/** Node.js sends them as a list, .NET one a line. */
function envelopesOf(body: Buffer): Envelope[] {
  const text = body.toString();
  return JSON.parse(text.startsWith('[') ? text : `[${text.trim().split('\n').join(',')}]`) as Envelope[];
}
