/** Alerts and workbook against the table of metrics, Azure's published metrics and the runbook. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { infra } from '../support/bicep.ts';
import { root } from '../support/childProcess.ts';
import { tableNames } from '../support/kusto.ts';
import { deployments, type Resource, resourcesOf } from '../support/snapshots.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** Every name in the table of metrics. */
const metrics = new Set(
  [...read('src/lib/telemetry/metrics.ts').matchAll(/'((?:[a-z_]+\.)+[a-z_]+)'/g)].map(([, name]) => name),
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

/** Metrics that a Redis publishes, and their grain (Azure Monitor, "Supported metrics for Microsoft.Cache/redis" and "…/redisEnterprise"). */
const published: Record<string, { metrics: string[]; grainMinutes: number }> = {
  'Microsoft.Cache/redis': { metrics: ['usedmemorypercentage', 'evictedkeys'], grainMinutes: 1 },
  'Microsoft.Cache/redisEnterprise': { metrics: ['usedmemorypercentage', 'evictedkeys'], grainMinutes: 5 },
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

/** A heading of the runbook as GitHub makes an anchor of it. */
const anchors = [...read('docs/operations.md').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-'),
);

describe('the queries', () => {
  it.each(queries)('name metrics and tables that there are: %s', (_, text) => {
    const named = [...text.matchAll(/"((?:[a-z_]+\.)+[a-z_]+)"/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(0);
    for (const name of named) expect(metrics, name).toContain(name);
    for (const [, table] of text.matchAll(/\b(App[A-Z]\w+)\b/g)) expect(tableNames).toContain(table);
  });

  it('give every row a time within the window, not at its very end', () => {
    for (const [name, text] of queries) expect(text, name).not.toMatch(/TimeGenerated = now\(\)/);
  });

  it('name jobs, findings and attributes that the code has', () => {
    const folders = [
      'src/lib/composition',
      'src/lib/keyRing',
      'src/lib/sqlCache',
      'src/lib/redisCache',
      'src/lib/runs',
    ];
    const code = folders
      .flatMap((folder) =>
        readdirSync(join(root, folder))
          .filter((file) => file.endsWith('.ts'))
          .map((file) => read(`${folder}/${file}`)),
      )
      .join('\n');
    const rendered = alerts
      .map(({ properties }) => JSON.stringify(properties.criteria).replaceAll('\\"', '"'))
      .join('\n');
    const values = [
      ...rendered.matchAll(/tostring\(Properties\.(?:job|check|outcome|state)\) (?:==|in) \(?((?:"\w+",? ?)+)/g),
    ];
    const names = values.flatMap(([, list = '']) => [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name));
    expect(new Set(names).size).toBeGreaterThan(7);
    for (const name of names) expect(code, name).toContain(`'${name}'`);
    const attributes = [
      ...queries
        .map(([, text]) => text)
        .join('\n')
        .matchAll(/Properties\.(\w+)/g),
    ].map(([, name]) => name);
    for (const name of new Set(attributes)) expect(code, name).toMatch(new RegExp(`[{,] ?${name}\\b`));
  });

  it('know a metric when they see one', () => {
    expect(metrics.size).toBeGreaterThan(20);
    expect(metrics).not.toContain('token_cache.nothing');
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

  it('hear of a job that fails each time, however seldom it runs: the index job runs once a day', () => {
    const failures = alerts.filter(({ name }) => name.endsWith('-job-failures'));
    expect(failures).toHaveLength(deployments.length);
    for (const { properties, name } of failures)
      expect(minutesOf(String(properties.windowSize)), name).toBeGreaterThanOrEqual(2 * 1440);
  });

  it('name metrics that Azure publishes, at a window that their grain allows', () => {
    const platform = alerts.filter(({ name }) => name.includes('-platform-'));
    expect(platform).toHaveLength(3);
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

  it('notice silence: the absence rules name what they expect to hear of', () => {
    const absent = alerts.filter(({ name }) => name.startsWith('token-cache-production-') && name.endsWith('-absent'));
    const expected = absent.map(({ name, properties }) => {
      const { allOf } = properties.criteria as { allOf: { query: string }[] };
      return [name.replace('token-cache-production-', ''), /dynamic\((\[.*?\])\)/.exec(allOf[0]?.query ?? '')?.[1]];
    });
    expect(expected).toEqual([
      ['purge-absent', '["web"]'],
      ['watch-absent', '["redis"]'],
      ['rotation-absent', '["web"]'],
    ]);
  });

  it('stand in the table of docs/deployment.md, with their defaults', () => {
    const table = read('docs/deployment.md');
    for (const { name, properties, type } of alerts.filter(({ name }) => name.startsWith('token-cache-production-'))) {
      const rule = name.replace('token-cache-production-', '');
      const row = table.split('\n').find((line) => line.startsWith(`| [${rule}]`)) ?? '';
      const [, , severity, fires = '', window = '', every] = row.split('|').map((cell) => cell.trim());
      expect([severity, every], rule).toEqual([String(properties.severity), properties.evaluationFrequency]);
      expect(window, rule).toContain(String(properties.windowSize));
      if (rule === 'health-failing') continue;
      const { allOf } = properties.criteria as { allOf: { threshold: number; operator: string }[] };
      const sign = allOf[0]?.operator === 'LessThan' ? '<' : '>';
      expect(fires, `${rule} ${type}`).toMatch(new RegExp(`^${sign} ${allOf[0]?.threshold}( |$)`));
    }
  });

  it('cover what the small deployment has', () => {
    const small = alerts
      .filter(({ name }) => name.startsWith('token-cache-small-'))
      .map(({ name }) => name.replace('token-cache-small-', ''));
    expect(small.sort()).toEqual(
      [
        'app-purge',
        'backlog-growing',
        'health-failing',
        'index-missing',
        'job-failures',
        'oldest-expired',
        'poison-messages',
        'purge-absent',
        'table-size',
      ].sort(),
    );
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
    for (const [, anchor] of read('docs/deployment.md').matchAll(/\]\(operations\.md#([^)]+)\)/g))
      expect(anchors).toContain(anchor);
  });
});
