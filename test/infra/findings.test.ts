/** The queries that tell of findings and of silence, run on what the app sends. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LogRecord, logs } from '@opentelemetry/api-logs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ToldFinding } from '../../src/lib/findings/finding.ts';
import { tell } from '../../src/lib/findings/tell.ts';
import { instruments } from '../../src/lib/telemetry/metrics.ts';
import { infra } from '../support/bicep.ts';
import { type Row, runQuery, type Tables } from '../support/kustoRun.ts';
import { queryOf, resourcesOf } from '../support/snapshots.ts';

const minute = 60_000;
/** A moment at which rules are evaluated; the app judges 45 seconds after each fifth minute. */
const noon = Date.parse('2026-11-26T12:02:00Z');
const judgedAt = (count: number) => Date.parse('2026-11-26T12:00:45Z') - count * 5 * minute;

/** The role of the app that is deployed, in other letters. */
const app =
  resourcesOf('production', 'Microsoft.Web/sites')
    .find(({ name }) => name.startsWith('func-'))
    ?.name.toUpperCase() ?? '';

type Told = Pick<ToldFinding, 'check'> & Partial<ToldFinding>;

const emitted: LogRecord[] = [];
beforeAll(() => {
  const logger = { emit: (record: LogRecord) => void emitted.push(record), enabled: () => true };
  logs.setGlobalLoggerProvider({ getLogger: () => logger });
});
afterAll(() => logs.disable());

/** What a judgement sends: a record for each finding at once, then the heartbeat, with the time of its export. */
function records(at: number, findings: readonly Told[]): Row[] {
  const whole = {
    level: 'critical',
    subject: 'cache web',
    what: 'Something is wrong.',
    advice: 'Look.',
    since: null,
    runbook: 'docs/runbook',
  };
  tell(
    findings.map((finding) => ({ ...whole, ...finding }) as ToldFinding),
    [],
  );
  return emitted
    .splice(0)
    .map(({ body, attributes }) => ({ TimeGenerated: at, AppRoleName: app, Message: body, Properties: attributes }));
}
const heartbeat = (at: number, later = 3_000): Row => ({
  TimeGenerated: at + later,
  AppRoleName: app,
  Name: instruments.heartbeat.name,
  Sum: 1,
});

/** The newest judgement first; each tells these findings. */
function told(...judgements: (readonly Told[])[]): { AppTraces: Row[]; AppMetrics: Row[] } {
  return {
    AppTraces: judgements.flatMap((findings, index) => records(judgedAt(index), findings)),
    AppMetrics: judgements.map((_, index) => heartbeat(judgedAt(index))),
  };
}

type Judgements = ReturnType<typeof told>;
const ofOtherApp = ({ AppTraces, AppMetrics }: Judgements): Judgements => {
  const renamed = (rows: Row[]) => rows.map((row) => ({ ...row, AppRoleName: 'func-other' }));
  return { AppTraces: renamed(AppTraces), AppMetrics: renamed(AppMetrics) };
};
const together = (a: Judgements, b: Judgements): Judgements => ({
  AppTraces: [...a.AppTraces, ...b.AppTraces],
  AppMetrics: [...a.AppMetrics, ...b.AppMetrics],
});

const ruleOf = (name: string) => {
  const rule = resourcesOf('production', 'Microsoft.Insights/scheduledQueryRules').find((each) =>
    each.name.endsWith(`-${name}`),
  );
  if (!rule) throw new Error(`There is no rule ${name}.`);
  return rule;
};
const run = (name: string, tables: Tables, minutesLater = 0) =>
  runQuery(queryOf(ruleOf(name)), tables, new Date(noon + minutesLater * minute));
const checks = (rows: readonly Row[]) => rows.map(({ Check }) => Check);

const absent: Told = { check: 'purge-absent' };
const settings = { check: 'settings', subject: 'token-cache-maintenance' };

describe('the rules of findings', () => {
  it('fire once for each that stands, with what to do', () => {
    const rows = run('findings-critical', told([absent, settings], [absent, settings], [absent]));
    expect(rows).toEqual([
      {
        TimeGenerated: noon - 5 * minute,
        Subject: 'cache web',
        Check: 'purge-absent',
        WhatToDo: 'Look.',
        Runbook: 'docs/runbook',
        Value: 1,
      },
      expect.objectContaining({ Subject: 'token-cache-maintenance', Check: 'settings', Value: 1 }),
    ]);
  });

  it('fire for their level alone', () => {
    const tables = told([absent, { check: 'table-size', level: 'warning' }, { check: 'records-off', level: 'info' }]);
    expect(checks(run('findings-critical', tables))).toEqual(['purge-absent']);
    expect(checks(run('findings-warning', tables))).toEqual(['table-size']);
  });

  it('tell a new finding as soon as it arrives', () => {
    expect(checks(run('findings-critical', told([absent], [], [])))).toEqual(['purge-absent']);
  });

  it('are over for a finding that the last judgement did not have', () => {
    const fixed = told([], [absent], [absent]);
    expect(run('findings-critical', fixed, 5)).toEqual([]);
    const raised = told([{ ...absent, level: 'warning' }], [absent]);
    expect(run('findings-critical', raised, 5)).toEqual([]);
    expect(checks(run('findings-warning', raised, 5))).toEqual(['purge-absent']);
  });

  it('hold while the records of the last judgement are on their way', () => {
    const late = told([absent], [absent], [absent]);
    const arrived = late.AppTraces.filter(({ TimeGenerated }) => Number(TimeGenerated) < judgedAt(0));
    expect(checks(run('findings-critical', { ...late, AppTraces: arrived }))).toEqual(['purge-absent']);
    // Nor does it matter that heartbeats come late, or were sent with the next export.
    expect(checks(run('findings-critical', { ...late, AppMetrics: late.AppMetrics.slice(2) }))).toEqual([
      'purge-absent',
    ]);
    const exportedLate = [0, 1, 2].map((index) => heartbeat(judgedAt(index), minute));
    expect(checks(run('findings-critical', { ...late, AppMetrics: exportedLate }, 5))).toEqual(['purge-absent']);
  });

  it('count nothing twice: several instances, and batches that were sent again', () => {
    const one = told([absent], [absent]);
    const other = {
      AppTraces: one.AppTraces.map((row) => ({ ...row, TimeGenerated: Number(row.TimeGenerated) + 900 })),
      AppMetrics: one.AppMetrics.map((row) => ({ ...row, TimeGenerated: Number(row.TimeGenerated) + 1_200 })),
    };
    const both = {
      AppTraces: [...one.AppTraces, ...other.AppTraces, ...one.AppTraces],
      AppMetrics: [...one.AppMetrics, ...other.AppMetrics, ...one.AppMetrics],
    };
    for (const later of [0, 2, 4]) expect(run('findings-critical', both, later)).toHaveLength(1);
  });

  it('let go of what a dead app told last, at the end of their window', () => {
    expect(run('findings-critical', told([absent]), 20)).toHaveLength(1);
    expect(run('findings-critical', told([absent]), 29)).toEqual([]);
  });

  it('pass over the records of others, and fail over no table that is missing', () => {
    const others = [{ TimeGenerated: noon, AppRoleName: app, Message: 'Executed', Properties: { level: 'critical' } }];
    expect(run('findings-critical', { ...told([]), AppTraces: others })).toEqual([]);
    expect(run('findings-critical', {})).toEqual([]);
    expect(run('findings-critical', { AppTraces: records(judgedAt(0), [absent]) })).toHaveLength(1);
  });

  it('take no finding of another app in the workspace, nor its heartbeat for their own', () => {
    const own = told([], [absent], [absent]);
    const others = ofOtherApp(told([absent], [absent]));
    const both = together(own, others);
    expect(run('findings-critical', both, 5)).toEqual([]);
    // The other app has judged since: what this one told last stands.
    const late = told([absent], [absent]);
    const silent = { AppTraces: late.AppTraces.slice(1), AppMetrics: late.AppMetrics.slice(1) };
    expect(checks(run('findings-critical', together(silent, ofOtherApp(told([], []))), 5))).toEqual(['purge-absent']);
  });
});

describe('the rule of silence', () => {
  const fires = (tables: Tables, minutesLater = 0) => {
    const rows = run('app-silent', tables, minutesLater);
    return rows.length === 1 && Number(rows[0]?.Value) < 1;
  };

  it('fires when nothing is heard, also where nothing ever was', () => {
    expect(fires({})).toBe(true);
    expect(fires({ AppMetrics: [] })).toBe(true);
    expect(fires(told([], []), 30)).toBe(true);
    expect(fires({ AppMetrics: [{ TimeGenerated: noon, Name: 'maintenance.runs' }] })).toBe(true);
  });

  it('fires for the app that is silent, though another in the workspace is heard of', () => {
    expect(fires(ofOtherApp(told([], [])))).toBe(true);
    expect(fires(together(told([]), ofOtherApp(told([], []))))).toBe(false);
  });

  it('is quiet while judgements are heard of, some missing or late', () => {
    expect(fires(told([], []))).toBe(false);
    expect(fires(told([]), 25)).toBe(false);
  });

  it('waits for the app of a first deployment', () => {
    const minutes = (Date.parse('2026-11-26T10:00:00Z') - noon) / minute;
    expect(run('app-silent', {}, minutes + 29)).toEqual([]);
    expect(fires({}, minutes + 31)).toBe(true);
  });

  it('waits for its first judgement, where the app judges seldom and the window is long', () => {
    const text = readFileSync(join(infra, 'queries/silence.kql'), 'utf8');
    const values = { app, window: '3h', deployedAt: '2026-11-26T10:00:00Z' };
    const query = Object.entries(values).reduce((all, [name, value]) => all.replaceAll(`{${name}}`, value), text);
    const rowsAt = (time: string) => runQuery(query, {}, new Date(`2026-11-26T${time}:00Z`));
    expect(rowsAt('12:59')).toEqual([]);
    expect(rowsAt('13:01')).toEqual([expect.objectContaining({ Value: 0 })]);
  });
});

describe('the list of the workbook', () => {
  const { items } = JSON.parse(readFileSync(join(infra, 'workbook.json'), 'utf8')) as {
    items: { name: string; content: { query?: string } }[];
  };
  const query = items.find(({ name }) => name === 'findings')?.content.query?.replaceAll('{app}', app) ?? '';
  const list = (tables: Tables, minutesLater = 2) => runQuery(query, tables, new Date(noon + minutesLater * minute));

  it('shows what stands, the worst first, and nothing that is fixed', () => {
    const tables = told(
      [{ check: 'table-size', level: 'warning' }, { check: 'records-off', level: 'info' }, absent, settings],
      [{ check: 'index-missing', level: 'warning' }, absent],
    );
    expect(checks(list(tables))).toEqual(['purge-absent', 'settings', 'table-size', 'records-off']);
    expect(list(tables)[0]).toMatchObject({ What: 'Something is wrong.', WhatToDo: 'Look.', Level: 'critical' });
    expect(list(told([], [absent]))).toEqual([]);
    expect(list(together(told([], []), ofOtherApp(told([absent]))))).toEqual([]);
  });
});
