/**
 * Every query of the alerts and the workbook before Microsoft's own language service, with the schema of the table that it
 * reads. What those find that tell of findings stands in findings.test.ts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { queryNames, queryText } from '../../src/lib/appTelemetry/queries.ts';
import { infra } from '../support/bicep.ts';
import { diagnosticsOf } from '../support/kusto.ts';
import { deployments, type Json, queryOf, resourcesOf } from '../support/snapshots.ts';

interface Query {
  name: string;
  text: string;
}

/** As deployed: with every placeholder put in. */
const alertQueries = (): Query[] =>
  deployments.flatMap((deployment) =>
    resourcesOf(deployment, 'Microsoft.Insights/scheduledQueryRules').map((rule) => ({
      name: rule.name,
      text: queryOf(rule),
    })),
  );

/** With the reader's choices put in, in the form that a workbook gives them; there may be none. */
function workbookQueries(cache = '"web","redis"', ring = '"web"'): Query[] {
  const { items } = JSON.parse(readFileSync(join(infra, 'workbook.json'), 'utf8')) as { items: Json[] };
  const withChoices = (query: string) =>
    query
      .replaceAll('{Cache}', cache)
      .replaceAll('{Ring}', ring)
      .replaceAll('{app}', 'func-app')
      .replaceAll('{TimeRange:grain}', '5m');
  const found: Query[] = [];
  const visit = (value: Json, name: string): void => {
    if (value === null || typeof value !== 'object') return;
    if (Array.isArray(value)) {
      for (const item of value) visit(item, name);
      return;
    }
    const own = typeof value.name === 'string' ? value.name : name;
    if (typeof value.query === 'string') found.push({ name: own, text: withChoices(value.query) });
    for (const part of Object.values(value)) visit(part, own);
  };
  visit(items, '');
  return found;
}

describe('the queries', () => {
  it.each(alertQueries())('of the alert $name have nothing that the language service finds', ({ text }) => {
    expect(diagnosticsOf(text)).toEqual([]);
    expect(text).not.toMatch(/[{}]/);
  });

  it.each(workbookQueries())('of the workbook: $name', ({ text }) => {
    expect(diagnosticsOf(text)).toEqual([]);
    expect(text).not.toMatch(/[{}]/);
  });

  it.each(workbookQueries('', ''))('of the workbook, where there is no cache and no ring: $name', ({ text }) => {
    expect(diagnosticsOf(text)).toEqual([]);
  });

  it.each(queryNames)('of a web app’s telemetry: %s', (name) => {
    const question = { role: 'web "x" \\', to: new Date('2026-11-24T12:00:00Z'), windowMs: 3_600_000 };
    expect(diagnosticsOf(queryText(name, question))).toEqual([]);
  });

  it('are all of the files, and more than a few', () => {
    expect(new Set(alertQueries().map(({ name }) => name.replace(/^token-cache-[a-z]+-/, '')))).toEqual(
      new Set(['findings-critical', 'findings-warning', 'app-silent', 'workspace-over-quota']),
    );
    expect(workbookQueries().length).toBeGreaterThan(15);
  });

  it.each([
    ['a column that the table lacks', 'AppMetrics | where Nmae == "x"'],
    ['a table that there is not', 'AppMetric | take 1'],
    ['a function that there is not', 'AppMetrics | summarize x = avrg(Sum)'],
    ['a syntax error', 'AppMetrics | where'],
    ['a column lost on the way', 'AppMetrics | summarize V = sum(Sum) by Name | project Max'],
  ])('would not pass with %s', (_, text) => {
    expect(diagnosticsOf(text)).not.toEqual([]);
  });
});
