/** One history, told by page, JSON, terminal, metric and log: everywhere the same findings. */
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findingTable } from '../../../src/cli/findingTables.ts';
import { judgeAndTell, readOverview } from '../../../src/lib/app/overview.ts';
import { statusContent, statusSchema } from '../../../src/lib/app/statusContent.ts';
import { stateSection } from '../../../src/lib/pages/status/stateSection.ts';
import { statusView } from '../../../src/lib/pages/status/statusView.ts';
import { type InMemoryTelemetry, startTelemetryInMemory } from '../../support/inMemoryTelemetry.ts';
import { overviewDeps } from '../../support/judgedApp.ts';
import { ago, hour, minute, now } from '../../support/judging.ts';
import { type MemoryRecords, memoryRecords } from '../../support/memoryRecords.ts';
import {
  countsReport,
  exactly,
  failed,
  leftBehind,
  purgeReport,
  record,
  ringStatus,
  rotateReport,
  watchFinding,
  watchReport,
} from '../../support/records.ts';

const env = {
  TOKEN_CACHES: JSON.stringify([
    { name: 'web', connectionStringSetting: 'SQL' },
    { name: 'portal', connectionStringSetting: 'SQL' },
    { name: 'sessions', connectionStringSetting: 'REDIS' },
  ]),
  SQL: 'Host=h;Username=u;Database=d',
  REDIS: 'cache.example.net:6380,ssl=True',
  KEY_RINGS: JSON.stringify([
    { name: 'web', mode: 'manage', store: { kind: 'folder', path: '/keys' }, protector: { kind: 'none' } },
  ]),
  PURGE_GRACE: 'soon',
  FINDING_LEVELS: 'table-size=info,app-purge=off',
  RUNBOOK_URL: 'https://example.net/docs/runbook/',
};

let telemetry: InMemoryTelemetry;
let records: MemoryRecords;
beforeEach(async () => {
  telemetry = startTelemetryInMemory();
  records = memoryRecords();
  const purge = (name: string, minutes: number, changes: object) =>
    records.addRun(record('purge', name, ago(minutes * minute), changes));
  for (const [index, left] of [100, 200, 300, 400, 500, 600].entries())
    await purge('web', 160 - index * 30, {
      report: leftBehind(left, {
        warnings: ['A <b>name</b> & "more".', 'Another.'],
        oldestExpiredAge: { before: 'PT9H', after: 'PT8H' },
      }),
    });
  await purge('portal', 70, { report: purgeReport() });
  await purge('portal', 40, failed());
  await purge('portal', 10, failed('permission_missing'));
  const big = countsReport({ expired: exactly(9), dataBytes: 20e9, oldestExpiredAge: 'PT1M' });
  await records.addRun(record('counts', 'portal', ago(minute), { report: big }));
  const findings = [
    watchFinding('clusterSlots', { node: null }),
    watchFinding('refusedWrites'),
    watchFinding('redis-unreachable'),
  ];
  await records.addRun(record('redis', 'sessions', ago(minute), { report: watchReport({ findings }) }));
  await records.addRun(record('redis', 'sessions', ago(6 * minute), { report: watchReport() }));
  const plain = {
    check: 'keys-in-plain-text',
    level: 'warning',
    what: 'In plain text.',
    advice: 'Protect it.',
  } as const;
  const status = ringStatus({ findings: [plain] });
  await records.addRun(record('rotateKeyRing', 'web', ago(7 * hour), { report: rotateReport(status) }));
});
afterEach(() => telemetry.stop());

const keyOf = ({ check, level, subject }: { check: unknown; level: unknown; subject: unknown }) =>
  `${level} ${check} ${subject}`;
const unescaped = (text: string) =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

it('the findings of one history are the same on the page, in JSON, in the terminal, in the metric and in the log', async () => {
  const queue = {
    name: 'work',
    put: async () => undefined,
    nextSince: async () => ago(3 * hour),
    poison: {
      name: 'work-poison',
      count: async () => 3,
      peek: async () => [],
      put: async () => undefined,
      take: async () => [],
    },
  };
  const deps = overviewDeps(env, records, now, queue);
  const judged = (await judgeAndTell(deps)).findings.map(keyOf);
  expect(judged).toHaveLength(13);
  expect(new Set(judged.map((text) => text.split(' ')[0]))).toEqual(new Set(['critical', 'warning', 'info']));

  const overview = await readOverview(deps);
  expect(overview.findings.map(keyOf)).toEqual(judged);
  const words = overview.findings.map(({ what, advice, runbook }) => [what, advice, runbook]);
  for (const { check, runbook } of overview.findings)
    expect(runbook).toMatch(new RegExp(`^https://example\\.net/docs/runbook/[a-z-]+\\.md#${check}$`, 'i'));

  const json = statusSchema.parse(JSON.parse(JSON.stringify(statusContent(overview))));
  expect(json.findings.map(keyOf)).toEqual(judged);
  expect(json.findings).toEqual(overview.findings);

  const html = stateSection(statusView({ ...overview, recordStore: 'table' })).text;
  const item =
    /<li class="(\w+)">\s*<h3><span class="level">\w+<\/span> ([^<]+), <code>([^<]+)<\/code><\/h3>\s*<p>([^<]*)<\/p>\s*<p class="advice"><strong>[^<]*<\/strong> ([^<]*)<\/p>\s*<p class="quiet">Runbook: <a href="([^"]*)">/g;
  const items = [...html.matchAll(item)].map((parts) => parts.map(unescaped));
  expect(items.map(([, level, subject, check]) => keyOf({ check, level, subject }))).toEqual(judged);
  expect(items.map(([, , , , what, advice, runbook]) => [what, advice, runbook])).toEqual(words);

  const table = stripVTControlCharacters(findingTable(overview.findings, overview.health, 'table', true));
  const rows = table.split('\n').map((line) => line.split(/ {2,}/));
  const heads = rows.filter(([level = '']) => /^(critical|warning|info)$/.test(level));
  expect(heads.map(([level, check, subject]) => keyOf({ check, level, subject }))).toEqual(judged);
  expect(heads.map(([, , , what]) => what)).toEqual(words.map(([what]) => what));
  expect(rows.filter((row) => row.includes('advice')).map((row) => row.at(-1))).toEqual(
    words.map(([, advice]) => advice),
  );
  expect(rows.filter((row) => row.includes('runbook')).map((row) => row.at(-1))).toEqual(
    words.map(([, , runbook]) => runbook),
  );

  const { metrics, logs } = await telemetry.told();
  const values = metrics
    .filter(({ name }) => name === 'maintenance.findings')
    .flatMap(({ value, attributes: { check, level, subject } }) =>
      Array<string>(Number(value)).fill(keyOf({ check, level, subject })),
    );
  expect(values.sort()).toEqual([...judged].sort());
  expect(logs.map(({ attributes: { check, level, subject } }) => keyOf({ check, level, subject }))).toEqual(judged);
  expect(logs.map(({ attributes: { what, advice, runbook } }) => [what, advice, runbook])).toEqual(words);
});

it('a purge in parts has the same figure on the page and in JSON', async () => {
  const parts = [1, 2, 3].map((part) => `part-${part}`);
  for (const [index, runId] of parts.entries())
    await records.addRun(
      record('purge', 'portal', ago((9 - index) * 1_000), {
        runId,
        part: index + 1,
        ...(index > 0 && { first: parts[0] }),
        ...(index < 2 && { next: parts[index + 1] }),
        report: purgeReport({ deleted: 1_000, ...(index < 2 && { stopReason: 'timeBudget' }) }),
      }),
    );
  const overview = await readOverview(overviewDeps(env, records, now));
  const [json] = statusContent(overview).subjects.filter(({ name }) => name === 'portal');
  expect(json?.lastRuns.purge).toMatchObject({ runId: 'part-1', parts: 3, report: { deleted: 3_000 } });
  const [page] = statusView({ ...overview, recordStore: 'table' }).caches.filter(({ name }) => name === 'portal');
  expect(page?.figures).toContainEqual(expect.objectContaining({ label: 'Last purge', value: '3,000 deleted' }));
});
