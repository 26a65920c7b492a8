/** A collector for OTLP over HTTP in protobuf ("OpenTelemetry Protocol Specification", OTLP/HTTP), to the real exporters. */
import { decodeOtlp } from './otlpMessages.ts';
import {
  type Measured,
  type ReceivedLog,
  type ReceivedSpan,
  startTelemetryServer,
  type TelemetryServer,
} from './telemetryServer.ts';

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: number; doubleValue?: number; boolValue?: boolean };
}
interface DataPoint {
  attributes?: Attribute[];
  asDouble?: number;
  asInt?: number | string;
  sum?: number;
  count?: number | string;
}
interface MetricMessage {
  name: string;
  unit: string;
  gauge?: { dataPoints: DataPoint[] };
  sum?: { dataPoints: DataPoint[] };
  histogram?: { dataPoints: DataPoint[] };
}
interface SpanMessage {
  name: string;
  traceId: Buffer;
  spanId: Buffer;
  parentSpanId?: Buffer;
  attributes?: Attribute[];
  status?: { code?: number };
}
interface LogMessage {
  body?: { stringValue?: string };
  traceId?: Buffer;
  spanId?: Buffer;
  attributes?: Attribute[];
}
interface Scoped {
  scope?: { name: string };
}
interface Message {
  resource?: { attributes?: Attribute[] };
  scopeMetrics?: (Scoped & { metrics: MetricMessage[] })[];
  scopeSpans?: (Scoped & { spans: SpanMessage[] })[];
  scopeLogs?: (Scoped & { logRecords: LogMessage[] })[];
}

export interface OtlpCollector extends TelemetryServer {
  settings: Record<string, string>;
  /** Attributes of the resources that sent something. */
  resources(): Record<string, unknown>[];
  metrics(): Measured[];
  spans(): ReceivedSpan[];
  logs(): ReceivedLog[];
}

export async function startOtlpCollector(): Promise<OtlpCollector> {
  const server = await startTelemetryServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
  const messages = () => server.accepted.flatMap(({ path, body }) => decodeOtlp(path, body) as Message[]);
  return Object.assign(server, {
    settings: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.port}`,
    },
    resources: () => messages().map(({ resource }) => valuesOf(resource?.attributes)),
    metrics: () =>
      messages()
        .flatMap(({ scopeMetrics = [] }) => scopeMetrics)
        .flatMap(({ metrics }) => metrics)
        .flatMap(({ name, unit, gauge, sum, histogram }) =>
          (gauge ?? sum ?? histogram ?? { dataPoints: [] }).dataPoints.map((point) => ({
            name,
            unit,
            attributes: valuesOf(point.attributes),
            value: Number(point.asDouble ?? point.asInt ?? point.sum ?? 0),
            count: histogram ? Number(point.count) : undefined,
          })),
        ),
    spans: () =>
      messages()
        .flatMap(({ scopeSpans = [] }) => scopeSpans)
        .flatMap(({ spans }) => spans)
        .map(({ name, traceId, spanId, parentSpanId, attributes, status }) => ({
          name,
          traceId: hex(traceId),
          spanId: hex(spanId),
          parentId: hex(parentSpanId),
          attributes: valuesOf(attributes),
          failed: status?.code === 2,
        })),
    logs: () =>
      messages()
        .flatMap(({ scopeLogs = [] }) => scopeLogs)
        .flatMap(({ logRecords }) => logRecords)
        .map(({ body, traceId, spanId, attributes }) => ({
          text: body?.stringValue ?? '',
          traceId: hex(traceId),
          spanId: hex(spanId),
          attributes: valuesOf(attributes),
        })),
  });
}

const hex = (id: Buffer | undefined) => id?.toString('hex') ?? '';

function valuesOf(attributes: Attribute[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
