import protobuf from 'protobufjs';

/**
 * What of OTLP the tests look at, as opentelemetry-proto 1.x numbers it (trace.proto, metrics.proto, logs.proto and their
 * services); fields that are not named are passed over, as protobuf does.
 */
const definitions = `
syntax = "proto3";
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
message KeyValue { string key = 1; AnyValue value = 2; }
message Resource { repeated KeyValue attributes = 1; }
message Status { int32 code = 3; }
message Span { bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; repeated KeyValue attributes = 9; Status status = 15; }
message ScopeSpans { repeated Span spans = 2; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Point { double as_double = 4; sfixed64 as_int = 6; repeated KeyValue attributes = 7; }
message Points { repeated Point data_points = 1; }
message HistogramPoint { fixed64 count = 4; double sum = 5; repeated KeyValue attributes = 9; }
message Histogram { repeated HistogramPoint data_points = 1; }
message Metric { string name = 1; string unit = 3; Points gauge = 5; Points sum = 7; Histogram histogram = 9; }
message ScopeMetrics { repeated Metric metrics = 2; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message LogRecord { AnyValue body = 5; repeated KeyValue attributes = 6; bytes trace_id = 9; bytes span_id = 10; }
message ScopeLogs { repeated LogRecord log_records = 2; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
message Traces { repeated ResourceSpans resources = 1; }
message Metrics { repeated ResourceMetrics resources = 1; }
message Logs { repeated ResourceLogs resources = 1; }
`;
const root = protobuf.parse(definitions).root;
const typeOf: Record<string, string> = { '/v1/traces': 'Traces', '/v1/metrics': 'Metrics', '/v1/logs': 'Logs' };

/** The messages of one request, in OTLP's own JSON form: ids in hexadecimal. */
export function decodeOtlp(path: string, body: Buffer): object[] {
  const type = root.lookupType(typeOf[path] ?? '');
  const decoded = type.toObject(type.decode(body), { longs: Number, bytes: Buffer });
  return (decoded as { resources?: object[] }).resources ?? [];
}
