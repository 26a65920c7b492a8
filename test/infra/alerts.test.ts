/** Alerts and workbook against the table of metrics, Azure's published metrics and the runbook. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { symptoms } from '../../src/lib/checks/check.ts';
import { toldFinding } from '../../src/lib/findings/finding.ts';
import { checkNames } from '../../src/lib/runbook.ts';
import { instruments } from '../../src/lib/telemetry/metrics.ts';
import { anchorsOf } from '../support/anchors.ts';
import { infra } from '../support/bicep.ts';
import { root } from '../support/childProcess.ts';
import { tableNames } from '../support/kusto.ts';
import {
  appSettingsOf,
  deployments,
  everySnapshot,
  queryOf,
  type Resource,
  resourcesOf,
} from '../support/snapshots.ts';

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

const alertTypes = [
  'Microsoft.Insights/scheduledQueryRules',
  'Microsoft.Insights/metricAlerts',
  'Microsoft.Insights/activityLogAlerts',
];
const alerts: Resource[] = deployments.flatMap((deployment) =>
  alertTypes.flatMap((type) => resourcesOf(deployment, type)),
);
/** Rules about the platform's metrics. */
const platformRules = alerts.filter(({ name }) => name.includes('-platform-'));
/** The name of a rule in `alerts.rules`: without its environment, and what it watches. */
const ruleOf = (name: string) => {
  const rule = name.replace(/^token-cache-[a-z]+-/, '');
  return /^(sql|postgres|redis|vault|storage)-platform-(connections-failed|[a-z]+)/.exec(rule)?.[0] ?? rule;
};
const property = (alert: Resource, name: string) => alert.properties[name];

const every = everySnapshot();

/** Metrics that the rules ask for, as Azure publishes them, and their grain (Azure Monitor, "Supported metrics for …"). */
const published: Record<string, { metrics: string[]; grainMinutes: number }> = {
  'Microsoft.Cache/redis': { metrics: ['serverLoad', 'cacheLatency', 'errors'], grainMinutes: 1 },
  'Microsoft.Cache/redisEnterprise': { metrics: ['serverLoad', 'cacheLatency', 'errors'], grainMinutes: 5 },
  'Microsoft.Sql/servers/databases': {
    metrics: ['cpu_percent', 'dtu_consumption_percent', 'storage_percent', 'connection_failed', 'deadlock'],
    grainMinutes: 1,
  },
  'Microsoft.DBforPostgreSQL/flexibleServers': {
    metrics: ['cpu_percent', 'storage_percent', 'is_db_alive'],
    grainMinutes: 1,
  },
  'Microsoft.KeyVault/vaults': { metrics: ['Availability', 'SaturationShoebox'], grainMinutes: 1 },
  'Microsoft.Storage/storageAccounts': { metrics: ['Availability'], grainMinutes: 1 },
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

describe('the queries', () => {
  it.each(queries)('name metrics and tables that there are: %s', (_, text) => {
    const named = [...text.matchAll(/"((?:[a-z_]+\.)+[a-z_]+)"/g)].map(([, name]) => name);
    if (!text.includes('Operation')) expect(named.length).toBeGreaterThan(0);
    for (const name of named) expect([...metrics.keys()]).toContain(name);
    for (const [, table] of text.matchAll(/\b(App(?!RoleName)[A-Z]\w+)\b/g)) expect(tableNames).toContain(table);
  });

  it('give every row a time within the window, not at its very end', () => {
    for (const [name, text] of queries) expect(text, name).not.toMatch(/TimeGenerated = now\(\)/);
  });

  it.each(queries)('ask for attributes that their metrics or findings have: %s', (_, text) => {
    const attributes = [...metrics].flatMap(([name, all]) => (text.includes(`"${name}"`) ? all : []));
    const known = text.includes('AppTraces') ? [...attributes, ...Object.keys(toldFinding.shape)] : attributes;
    for (const [, attribute] of text.matchAll(/Properties\.(\w+)/g)) expect(known).toContain(attribute);
  });
});

describe('the alerts', () => {
  it.each(alerts.map((alert): [string, Resource] => [alert.name, alert]))(
    '%s says what to do, and has its section in the runbook',
    (_, alert) => {
      const [, text = '', path = '', anchor = ''] =
        /^(.{30,}) Runbook: (docs\/runbook\/[\w-]+\.md)#(\S+)$/.exec(String(property(alert, 'description'))) ?? [];
      expect(text).toMatch(/\.$/);
      expect(anchorsOf(read(path))).toContain(anchor);
      if (alert.type !== alertTypes[2]) expect(property(alert, 'severity')).toBeTypeOf('number');
    },
  );

  it.each(every)('all tell the same people, those that are attached or named: %s', (_, { predictedResources }) => {
    const rules = predictedResources.filter(({ type }) => alertTypes.includes(type));
    const groups = rules.map(
      ({ properties }) => JSON.stringify(properties.actions).match(/ag-oncall|reference\(/g)?.length,
    );
    expect(rules.length).toBeGreaterThan(2);
    expect(new Set(groups)).toHaveLength(1);
  });

  it('look back for as long as the service allows, and at least as far as they are evaluated', () => {
    for (const { properties, name } of alerts.filter(({ type }) => type === alertTypes[0])) {
      expect(windows, name).toContain(properties.windowSize);
      expect(minutesOf(String(properties.evaluationFrequency)), name).toBeLessThanOrEqual(
        minutesOf(String(properties.windowSize)),
      );
    }
  });

  it.each(every)(
    'are four by queries where there is a workspace, which Azure does not check before it has the tables: %s',
    (_, snapshot) => {
      const rules = snapshot.predictedResources.filter(({ type }) => type === alertTypes[0]);
      const monitored = !JSON.stringify(snapshot.outputs.WARNINGS).includes('There is no workspace');
      expect(rules.map(({ name }) => name.replace(/^token-cache-[a-z]+-/, ''))).toEqual(
        monitored ? ['app-silent', 'findings-critical', 'findings-warning', 'workspace-over-quota'] : [],
      );
      for (const { properties } of rules) expect(properties.skipQueryValidation).toBe(true);
    },
  );

  it.each(every)('ask for the app that is deployed, by the role that its telemetry has: %s', (_, snapshot) => {
    const site = snapshot.predictedResources.find(({ type }) => type === 'Microsoft.Web/sites')?.name ?? '';
    const { OTEL_SERVICE_NAME: name = site, OTEL_RESOURCE_ATTRIBUTES: attributes = '' } = appSettingsOf(snapshot);
    // As the exporter of Azure Monitor puts it together: test/e2e/telemetry.test.ts.
    const namespace = /service\.namespace=([^,]*)/.exec(attributes)?.[1];
    const role = namespace === undefined ? name : `${decodeURIComponent(namespace)}.${name}`;
    const workbook = snapshot.predictedResources.find(({ type }) => type === 'Microsoft.Insights/workbooks');
    const rules = snapshot.predictedResources.filter(({ type }) => type === alertTypes[0]);
    for (const rule of rules.filter(({ name }) => !name.endsWith('-over-quota')))
      expect(queryOf(rule)).toContain(`AppRoleName =~ "${role}"`);
    if (workbook) expect(workbook.properties.serializedData).toContain(role);
  });

  it.each(queries)('and read no row of others: %s', (_, text) => {
    const tables = text.replaceAll(/\/\/.*/g, '').match(/\bApp(Metrics|Traces)\b/g) ?? [];
    expect(text.match(/AppRoleName =~ "{app}" and /g) ?? []).toHaveLength(tables.length);
  });

  it('tell once: no rule by a metric tells what a finding tells', () => {
    const metricsOfRules = platformRules.flatMap(({ properties }) =>
      (properties.criteria as { allOf: { metricName: string }[] }).allOf.map(({ metricName }) => metricName),
    );
    for (const told of ['usedmemorypercentage', 'evictedkeys']) expect(metricsOfRules).not.toContain(told);
    for (const { name } of platformRules) expect(checkNames).not.toContain(ruleOf(name).replace('-platform', ''));
  });

  it.each(every)('watch each resource once, and none that is not attached: %s', (_, { predictedResources }) => {
    const rules = predictedResources.filter(({ name }) => name.includes('-platform-'));
    const watched = rules.map(({ name, properties }) => `${ruleOf(name)} ${JSON.stringify(properties.scopes)}`);
    expect(new Set(watched)).toHaveLength(watched.length);
  });

  it('are evaluated every five minutes at most: Azure takes no union every minute', () => {
    expect(read('infra/types/alerts.bicep')).not.toContain("'PT1M'");
    for (const { properties } of alerts.filter(({ type }) => type === alertTypes[0]))
      expect(minutesOf(String(properties.evaluationFrequency))).toBeGreaterThanOrEqual(5);
  });

  it('are set otherwise by the parameter `alerts.rules`', () => {
    const changed = every.find(([name]) => name === 'postgresOnly')?.[1];
    const rule = changed?.predictedResources.find(({ name }) => name.endsWith('-findings-warning'));
    expect(rule?.properties).toMatchObject({
      severity: 3,
      windowSize: 'PT2H',
      evaluationFrequency: 'PT1H',
      enabled: false,
    });
    if (rule) expect(queryOf(rule)).toContain('ago(2h)');
  });

  it('name metrics that Azure publishes, at a window that their grain allows', () => {
    for (const { properties, name } of platformRules) {
      const { allOf } = properties.criteria as { allOf: { metricName: string; metricNamespace: string }[] };
      for (const { metricName, metricNamespace } of allOf) {
        expect(published[metricNamespace]?.metrics, name).toContain(metricName);
        expect(minutesOf(String(properties.windowSize)), name).toBeGreaterThan(
          published[metricNamespace]?.grainMinutes ?? Number.NaN,
        );
      }
    }
  });

  it('stand in the table of docs/deployed.md, with their defaults', () => {
    const table = read('docs/deployed.md').split('\n');
    for (const { name, properties, type } of alerts.filter(({ name }) =>
      /^token-cache-(attached|tryout)-/.test(name),
    )) {
      if (type === alertTypes[2]) continue;
      const rule = ruleOf(name);
      const row = table.find((line) => line.startsWith(`| [${rule}]`)) ?? '';
      const [, , severity, fires = '', window = '', every] = row.split('|').map((cell) => cell.trim());
      expect([severity, every], rule).toEqual([String(properties.severity), properties.evaluationFrequency]);
      expect(window, rule).toContain(String(properties.windowSize));
      if (!rule.includes('-platform-')) continue;
      const { allOf } = properties.criteria as { allOf: { threshold: number; operator: string }[] };
      const sign = allOf[0]?.operator === 'LessThan' ? '<' : '>';
      expect(fires, rule).toMatch(new RegExp(`^${sign} ${allOf[0]?.threshold}( |$)`));
    }
  });

  it('cost what docs/deployed.md says', () => {
    const prices: Record<string, number> = { PT5M: 1.5, PT15M: 0.5, PT1H: 0.5 };
    const total = resourcesOf('tryout', alertTypes[0] ?? '')
      .map(({ properties }) => prices[String(properties.evaluationFrequency)] ?? Number.NaN)
      .reduce((sum, price) => sum + price);
    expect(read('docs/deployed.md')).toContain(`together ${total.toFixed(2)} USD a month`);
  });
});

describe('the runbook', () => {
  it.each(Object.values(symptoms).filter(({ page }) => page !== 'app'))(
    'says of $title what it looks like here, what to check, and what to run',
    ({ title, page }) => {
      const text = read(`docs/runbook/${page}.md`);
      const section = text.slice(text.indexOf(`## ${title}\n`)).split('\n## ')[0] ?? '';
      for (const part of ['**Looks like here:**', '**Check:**', '**Run:**']) expect(section).toContain(part);
    },
  );
});
