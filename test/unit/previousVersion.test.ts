/**
 * An upgrade: what the previous version left in its store of records is read, its settings are taken, and the metrics, findings and
 * alerts that somebody built upon are there. test/fixtures/previousVersion.json was written by that version (scripts/versionFixture.ts).
 */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readStanding } from '../../src/lib/findings/standing.ts';
import { lastState } from '../../src/lib/redis/state.ts';
import { checkNames } from '../../src/lib/runbook.ts';
import type { JobName } from '../../src/lib/runs/catalogue.ts';
import { FileRecordStore } from '../../src/lib/runs/fileRecordStore.ts';
import { readRunning } from '../../src/lib/runs/runningState.ts';
import { readSettings, settingNames } from '../../src/lib/settings/settings.ts';
import { instruments } from '../../src/lib/telemetry/metrics.ts';
import { root } from '../support/childProcess.ts';
import { alertNames } from '../support/snapshots.ts';

interface Fixture {
  version: string;
  /** Each setting with its default; null where it has none. */
  settings: Record<string, string | null>;
  configured: Record<string, string>;
  metrics: { name: string; kind: string; unit: string; attributes: string[] }[];
  findings: string[];
  alerts: string[];
  /** The files of its store, by their paths. */
  records: Record<string, unknown>;
}
const previous = JSON.parse(readFileSync(`${root}/test/fixtures/previousVersion.json`, 'utf8')) as Fixture;

describe('records of the previous version', () => {
  let folder: string;
  let store: FileRecordStore;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'previous-version-'));
    store = new FileRecordStore(folder);
    for (const [path, content] of Object.entries(previous.records)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), JSON.stringify(content));
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  const runs = Object.entries(previous.records).filter(([path]) => path.startsWith('runs/'));

  it('are of all kinds of jobs', () => {
    const jobs = new Set(runs.map(([path]) => path.split('/')[1]));
    expect([...jobs].sort()).toEqual([
      'clear',
      'counts',
      'diagnose',
      'index',
      'keyRingStatus',
      'pruneKeyRing',
      'purge',
      'redis',
      'rotateKeyRing',
    ]);
  });

  it.each(runs)('are read with their report: %s', async (path, kept) => {
    const [, job, subject] = path.split('/');
    const { runId, outcome, report } = kept as { runId: string; outcome: string; report?: unknown };
    const found = await store.latestRuns(job as JobName, subject ?? '', 100);
    const record = found.find((each) => each.runId === runId);
    expect(record).toMatchObject({ runId, outcome });
    expect(record?.report === undefined).toBe(report === undefined);
  });

  it('go on: the last readings of a watch, the findings that stand, and the run that held the cache', async () => {
    const now = new Date();
    const standing = await readStanding(store);
    expect(standing?.findings.length).toBeGreaterThan(0);
    expect(Object.keys(standing?.known ?? {})).not.toEqual([]);
    const { state } = await lastState({ read: () => store.readState('redis|front'), write: async () => undefined });
    expect(Object.keys(state.nodes)).toEqual(
      Object.keys((previous.records['state/redis%7Cfront.json'] as typeof state).nodes),
    );
    expect(Object.keys(state.nodes)).toHaveLength(1);
    await expect(readRunning(store, 'web', now)).resolves.toBeUndefined();
  });
});

describe('settings of the previous version', () => {
  it('are known', () => {
    expect(Object.keys(previous.settings).filter((name) => !(settingNames as string[]).includes(name))).toEqual([]);
  });

  it('are taken, with the values that were its defaults', () => {
    const given = Object.entries(previous.settings).flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
    const secrets = { WEB: 'Host=h;Username=u;Password=p;Database=d', FRONT: 'h:6380,ssl=True,password=p' };
    const { problems, warnings, sqlCaches, redisCaches, rings } = readSettings(
      { ...Object.fromEntries(given), ...previous.configured, ...secrets },
      'table',
    );
    expect([...problems, ...warnings]).toEqual([]);
    expect([...sqlCaches, ...redisCaches, ...rings].map(({ name }) => name)).toEqual(['web', 'front', 'ring']);
  });
});

describe('what others built upon the previous version', () => {
  const present = new Map(Object.values(instruments).map((metric) => [metric.name, metric]));

  it.each(previous.metrics)('the metric $name', ({ name, kind, unit, attributes }) => {
    expect(present.get(name)).toMatchObject({ kind, unit });
    expect(present.get(name)?.attributes).toEqual(expect.arrayContaining(attributes));
  });

  it.each(previous.findings)('the finding %s', (name) => {
    expect(checkNames).toContain(name);
  });

  it.each(previous.alerts)('the alert %s', (name) => {
    expect(alertNames()).toContain(name);
  });
});
