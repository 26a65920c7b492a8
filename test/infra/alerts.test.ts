/** Alerts and workbook against the table of metrics, Azure's published metrics and the runbook. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkNames } from '../../src/lib/findings/checkNames.ts';
import { finding } from '../../src/lib/findings/finding.ts';
import { instruments } from '../../src/lib/telemetry/metrics.ts';
import { anchorsOf } from '../support/anchors.ts';
import { bicepMissing, infra, restoreBicep } from '../support/bicep.ts';
import { root } from '../support/childProcess.ts';
import { tableNames } from '../support/kusto.ts';
import {
  appSettingsOf,
  deployments,
  queryOf,
  type Resource,
  resourcesOf,
  type Snapshot,
} from '../support/snapshots.ts';
import { everySnapshot } from '../support/variants.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

const metrics = new Map<string, readonly string[]>(
  Object.values(instruments).map(({ name, attributes }) => [name, attributes]),
);

/** Queries, as they stand in the files. */
const queries: [string, string][] = [
  ...readdirSync(join(infra, 'queries')).map((file): [string, string] => [file, read(`infra/queries/${file}`)]),
  ...[...read('infra/workbook.json').matchAll(/"query": ("(?:[^"\\]|\\.)*")/g)].map(
    ([, text], index): [string, string] => [`workbook ${index}`, JSON.parse(text ?? '""') as string],
  ),
];

const alertTypes = ['Microsoft.Insights/scheduledQueryRules', 'Microsoft.Insights/metricAlerts'];
const alerts: Resource[] = deployments.flatMap((deployment) =>
  alertTypes.flatMap((type) => resourcesOf(deployment, type)),
);
const property = (alert: Resource, name: string) => alert.properties[name];

const program = bicepMissing() === undefined ? restoreBicep() : undefined;
const every: [string, Snapshot][] = [...everySnapshot(program)];

/** Metrics that a Redis publishes, and their grain (Azure Monitor, "Supported metrics for Microsoft.Cache/redis" and "…/redisEnterprise"). */
const published: Record<string, { metrics: string[]; grainMinutes: number }> = {
  'Microsoft.Cache/redis': { metrics: ['serverLoad'], grainMinutes: 1 },
  'Microsoft.Cache/redisEnterprise': { metrics: ['serverLoad'], grainMinutes: 5 },
};

/** Windows and frequencies that scheduled query rules take (their REST reference). */
const windows = [
  'PT1M',
  'PT5M',
  'PT10M',
  'PT15M',
  'PT30M',
  'PT45M',
  'PT1H',
  'PT2H',
  'PT3H',
  'PT4H',
  'PT5H',
  'PT6H',
  'P1D',
  'P2D',
];
const minutesOf = (duration: string) => {
  const [, days = '0', hours = '0', minutes = '0'] = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$/.exec(duration) ?? [];
  return Number(days) * 1440 + Number(hours) * 60 + Number(minutes);
};

const anchors = anchorsOf(read('docs/operations.md'));

describe('the queries', () => {
  it.each(queries)('name metrics and tables that there are: %s', (_, text) => {
    const named = [...text.matchAll(/"((?:[a-z_]+\.)+[a-z_]+)"/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(0);
    for (const name of named) expect([...metrics.keys()]).toContain(name);
    for (const [, table] of text.matchAll(/\b(App(?!RoleName)[A-Z]\w+)\b/g)) expect(tableNames).toContain(table);
  });

  it('give every row a time within the window, not at its very end', () => {
    for (const [name, text] of queries) expect(text, name).not.toMatch(/TimeGenerated = now\(\)/);
  });

  it.each(queries)('ask for attributes that their metrics or findings have: %s', (_, text) => {
    const attributes = [...metrics].flatMap(([name, all]) => (text.includes(`"${name}"`) ? all : []));
    const known = text.includes('AppTraces') ? [...attributes, ...Object.keys(finding.shape)] : attributes;
    for (const [, attribute] of text.matchAll(/Properties\.(\w+)/g)) expect(known).toContain(attribute);
  });
});

describe('the alerts', () => {
  it.each(alerts.map((alert): [string, Resource] => [alert.name, alert]))(
    '%s says what to do, and has its section in the runbook',
    (_, alert) => {
      const [, text = '', anchor = ''] =
        /^(.{30,}) Runbook: docs\/operations\.md#(\S+)$/.exec(String(property(alert, 'description'))) ?? [];
      expect(text).toMatch(/\.$/);
      expect(anchors).toContain(anchor);
      expect(property(alert, 'severity')).toBeTypeOf('number');
      expect(JSON.stringify(property(alert, 'actions'))).toMatch(/reference/);
    },
  );

  it('look back for as long as the service allows, and at least as far as they are evaluated', () => {
    for (const { properties, name } of alerts.filter(({ type }) => type === alertTypes[0])) {
      expect(windows, name).toContain(properties.windowSize);
      expect(minutesOf(String(properties.evaluationFrequency)), name).toBeLessThanOrEqual(
        minutesOf(String(properties.windowSize)),
      );
    }
  });

  it('are three by queries, which Azure does not check before it has the tables', () => {
    for (const deployment of deployments) {
      const rules = resourcesOf(deployment, alertTypes[0] ?? '');
      expect(rules.map(({ name }) => name.replace(`token-cache-${deployment}-`, ''))).toEqual([
        'findings-critical',
        'findings-warning',
        'app-silent',
      ]);
      for (const { properties } of rules) expect(properties.skipQueryValidation).toBe(true);
    }
  });

  it.each(every)('ask for the app that is deployed, by the role that its telemetry has: %s', (_, snapshot) => {
    const site = snapshot.predictedResources.find(({ type }) => type === 'Microsoft.Web/sites')?.name ?? '';
    const role = appSettingsOf(snapshot).OTEL_SERVICE_NAME ?? site;
    const workbook = snapshot.predictedResources.find(({ type }) => type === 'Microsoft.Insights/workbooks');
    const rules = snapshot.predictedResources.filter(({ type }) => type === alertTypes[0]);
    expect(rules).toHaveLength(3);
    for (const rule of rules) expect(queryOf(rule)).toContain(`AppRoleName =~ "${role}"`);
    expect(workbook?.properties.serializedData).toContain(`'{app}', '${role}')]`);
  });

  it.each(queries)('and read no row of others: %s', (_, text) => {
    const tables = text.replaceAll(/\/\/.*/g, '').match(/\bApp(Metrics|Traces)\b/g) ?? [];
    expect(tables.length).toBeGreaterThan(0);
    expect(text.match(/AppRoleName =~ "{app}" and /g)).toHaveLength(tables.length);
  });

  it('tell once: no rule by a metric tells what a finding tells', () => {
    const names = every.flatMap(([, { predictedResources }]) =>
      predictedResources.filter(({ type }) => type === alertTypes[1]).map(({ name }) => name),
    );
    const platform = names.flatMap((name) => /redis-platform-[a-z-]+$/.exec(name)?.[0] ?? []);
    expect(new Set(platform)).toEqual(new Set(['redis-platform-load']));
    for (const rule of platform) expect(checkNames).not.toContain(rule.replace('-platform', ''));
  });

  it('are evaluated every five minutes at most: Azure takes no union every minute', () => {
    expect(read('infra/types/alerts.bicep')).not.toContain("'PT1M'");
    for (const { properties } of alerts.filter(({ type }) => type === alertTypes[0]))
      expect(minutesOf(String(properties.evaluationFrequency))).toBeGreaterThanOrEqual(5);
  });

  it('are set otherwise by the parameter `alerts.rules`', () => {
    const changed = every.find(([name]) => name === 'private')?.[1];
    if (!changed) return;
    const rule = changed.predictedResources.find(({ name }) => name.endsWith('-findings-warning'));
    expect(rule?.properties).toMatchObject({
      severity: 3,
      windowSize: 'PT2H',
      evaluationFrequency: 'PT1H',
      enabled: false,
    });
    if (rule) expect(queryOf(rule)).toContain('ago(2h)');
  });

  it('name metrics that Azure publishes, at a window that their grain allows', () => {
    const platform = alerts.filter(({ name }) => name.includes('-platform-'));
    expect(platform).toHaveLength(1);
    for (const { properties, name } of platform) {
      const { allOf } = properties.criteria as { allOf: { metricName: string; metricNamespace: string }[] };
      for (const { metricName, metricNamespace } of allOf) {
        expect(published[metricNamespace]?.metrics, name).toContain(metricName);
        expect(minutesOf(String(properties.windowSize)), name).toBeGreaterThan(
          published[metricNamespace]?.grainMinutes ?? 0,
        );
      }
    }
  });

  it('stand in the table of docs/deployment.md, with their defaults', () => {
    const table = read('docs/deployment.md');
    for (const { name, properties } of alerts.filter(({ name }) => name.startsWith('token-cache-production-'))) {
      const rule = name.replace('token-cache-production-', '');
      const row = table.split('\n').find((line) => line.startsWith(`| [${rule}]`)) ?? '';
      const [, , severity, fires = '', window = '', every] = row.split('|').map((cell) => cell.trim());
      expect([severity, every], rule).toEqual([String(properties.severity), properties.evaluationFrequency]);
      expect(window, rule).toContain(String(properties.windowSize));
      if (!rule.startsWith('redis-platform-')) continue;
      const { allOf } = properties.criteria as { allOf: { threshold: number }[] };
      expect(fires, rule).toMatch(new RegExp(`^> ${allOf[0]?.threshold}( |$)`));
    }
  });

  it('cost what docs/deployment.md says', () => {
    const prices: Record<string, number> = { PT5M: 1.5, PT15M: 0.5 };
    const total = resourcesOf('production', alertTypes[0] ?? '')
      .map(({ properties }) => prices[String(properties.evaluationFrequency)] ?? Number.NaN)
      .reduce((sum, price) => sum + price);
    expect(read('docs/deployment.md')).toContain(`together ${total.toFixed(2)} USD a month`);
  });
});

describe('the runbook', () => {
  const symptoms = [
    'Connection failures',
    'Deserialization errors after an upgrade',
    'Encryption key mismatch',
    'Memory growth',
    'Repeated sign-in prompts',
    'Slow cache',
    'Redis eviction',
    'SQL table growth',
    'Empty cache after restart',
  ];

  it.each(symptoms)('says of %s what it looks like here, what to check, and what to run', (symptom) => {
    const text = read('docs/operations.md');
    const section = text.slice(text.indexOf(`### ${symptom}\n`)).split('\n### ')[0] ?? '';
    for (const part of ['**Looks like here:**', '**Check:**', '**Run:**']) expect(section).toContain(part);
  });

  it('has no link that leads nowhere within it', () => {
    for (const [, anchor] of read('docs/operations.md').matchAll(/\]\(#([^)]+)\)/g)) expect(anchors).toContain(anchor);
    for (const document of ['deployment', 'settings'])
      for (const [, anchor] of read(`docs/${document}.md`).matchAll(/\]\(operations\.md#([^)]+)\)/g))
        expect(anchors).toContain(anchor);
  });
});
