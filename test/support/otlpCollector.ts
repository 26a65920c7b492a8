/**
 * A collector for OTLP over HTTP in JSON ("OpenTelemetry Protocol Specification", OTLP/HTTP), to the real exporters. Of protobuf it
 * keeps the bytes.
 */
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
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes?: Attribute[];
  status?: { code?: number };
}
interface LogMessage {
  body?: { stringValue?: string };
  traceId?: string;
  spanId?: string;
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
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  const messages = () =>
    server.accepted.flatMap(({ body }) =>
      Object.values(JSON.parse(body.toString()) as Record<string, Message[]>).flat(),
    );
  return Object.assign(server, {
    settings: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
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
        .map(({ name, traceId, spanId, parentSpanId = '', attributes, status }) => ({
          name,
          traceId,
          spanId,
          parentId: parentSpanId,
          attributes: valuesOf(attributes),
          failed: status?.code === 2,
        })),
    logs: () =>
      messages()
        .flatMap(({ scopeLogs = [] }) => scopeLogs)
        .flatMap(({ logRecords }) => logRecords)
        .map(({ body, traceId = '', spanId = '' }) => ({ text: body?.stringValue ?? '', traceId, spanId })),
  });
}

function valuesOf(attributes: Attribute[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
