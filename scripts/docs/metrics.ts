import { instruments } from '../../src/lib/telemetry/metrics.ts';
import { between, code, table } from './markdown.ts';

/** docs/reference/metrics.md, with every metric. */
export function withMetrics(text: string): string {
  const rows = Object.values(instruments).map(({ name, kind, unit, attributes, description }) => [
    code(name),
    kind,
    code(unit),
    attributes.join(', '),
    description,
  ]);
  return between(text, table(['metric', 'kind', 'unit', 'attributes', 'what'], rows));
}
