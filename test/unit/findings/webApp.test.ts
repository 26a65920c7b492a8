/** What somebody should know of a web app, from looks at its telemetry beside the runs on its cache and rings. */
import { describe, expect, it } from 'vitest';
import type { AppReport } from '../../../src/lib/appTelemetry/appReport.ts';
import type { RecordStore } from '../../../src/lib/runs/recordStore.ts';
import { judgeApp } from '../../support/judgedApp.ts';
import { ago, hour, judged, minute, standing } from '../../support/judging.ts';
import { memoryRecords } from '../../support/memoryRecords.ts';
import {
  clearReport,
  failed,
  keyRing,
  purgeReport,
  record,
  redisCache,
  rotateReport,
  sqlCache,
  watchReport,
  webApp,
} from '../../support/records.ts';
import { reports } from '../../support/reports.ts';

const looked = (changes: Partial<AppReport> = {}) =>
  webApp(
    'web',
    { app: [record('app', 'web', ago(minute), { report: { ...reports.app, ...changes } })] },
    { rings: ['ring'] },
  );
const of = (changes: Partial<AppReport>) => judged(looked(changes));
const whatOf = (changes: Partial<AppReport>, check: string) =>
  standing(looked(changes)).find((each) => each.check === check);

const calls = (changes: Partial<NonNullable<AppReport['calls']>>) =>
  ({ ...reports.app.calls, ...changes }) as AppReport['calls'];

/** Six hours up to now in steps of 5 minutes, with so many sign-ins each. */
const series = (signIns: (minutesAgo: number) => number, failures: (minutesAgo: number) => number = () => 0) =>
  Array.from({ length: 72 }, (_, index) => (72 - index) * 5).map((minutes) => ({
    at: ago(minutes * minute).toISOString(),
    calls: 100,
    signIns: signIns(minutes),
    misses: 0,
    failures: failures(minutes),
  }));

describe('a web app', () => {
  it('that is well gives no finding', () => {
    expect(judged(looked())).toEqual([]);
  });

  it('with a low hit ratio is told, and which cure there is', () => {
    const hitRatio = { l1: 0.5, l2: 0.1, all: 0.6 };
    expect(of({ hitRatio })).toEqual(['app-hit-ratio warning']);
    expect(whatOf({ hitRatio, calls: calls({ l2Hits: 0 }) }, 'app-hit-ratio')).toMatchObject({
      subject: 'web app of web',
      what: expect.stringContaining('60 %'),
      advice: expect.stringContaining('token-cache diagnose --app PATH'),
    });
    expect(judged(looked({ hitRatio }), {}, { FINDING_APP_HIT_RATIO: '60' })).toEqual([]);
    expect(judged(looked({ hitRatio }), {}, { FINDING_LEVELS: 'app-hit-ratio=critical' })).toEqual([
      'app-hit-ratio critical',
    ]);
  });

  it('whose figures are unknown gives no finding but that they are', () => {
    const unknown = standing(
      webApp('web', { app: [record('app', 'web', ago(minute), { report: reports.appUnknown })] }),
    );
    expect(unknown.map(({ check, level }) => `${check} ${level}`)).toEqual(['app-metrics-absent info']);
    expect(unknown[0]?.what).toContain('web');
    // A part of an answer is not a sign that there is nothing.
    expect(of({ ...reports.appUnknown, partial: ['calls'] })).toEqual([]);
    expect(of({ hitRatio: null })).toEqual([]);
  });

  it('with slow hits is told, at whichever level', () => {
    expect(of({ l2Latency: { calls: 40, meanMs: 140, maxMs: 900 } })).toEqual(['app-latency warning']);
    expect(of({ l1Latency: { calls: 40, meanMs: 5_200, maxMs: 6_000 } })).toEqual(['app-latency warning']);
    expect(of({ l2Latency: { calls: 3, meanMs: 140, maxMs: 900 } })).toEqual([]);
  });

  it('that reads what it cannot use names the clear of these entries alone', () => {
    const unreadable = { failures: 4, encrypting: 4, plain: 0 };
    expect(whatOf({ unreadable }, 'app-unreadable-entries')).toMatchObject({
      level: 'warning',
      what: expect.stringMatching(/4 calls.*in no ring/),
      advice: expect.stringContaining('token-cache clear --unreadable --cache web'),
    });
    // By the log alone, where the metrics do not arrive.
    expect(of({ unreadable: { failures: null, encrypting: 0, plain: 2 } })).toEqual(['app-unreadable-entries warning']);
  });

  it('whose distributed cache fails is told by the types of its exceptions', () => {
    const storeErrors = [{ type: 'StackExchange.Redis.RedisConnectionException', count: 12 }];
    expect(whatOf({ storeErrors }, 'app-store-errors')?.what).toContain('RedisConnectionException (12)');
  });

  it('of which many calls fail is told by the codes', () => {
    const failures = [{ code: 'invalid_grant', sts: '50076', calls: 200 }];
    const found = { calls: calls({ failures: 200 }), failures };
    expect(whatOf(found, 'app-failures')?.what).toContain('invalid_grant (AADSTS50076): 200');
  });

  it('that grows is told', () => {
    const memory = { instances: 2, largestBytes: 9e8, bytesPerHour: 8e7 };
    expect(of({ memory })).toEqual(['app-memory-growth warning']);
    expect(of({ memory: { ...memory, bytesPerHour: null } })).toEqual([]);
  });

  it('that was deployed, and fails since, is told by the version', () => {
    const since = ago(60 * minute).toISOString();
    const versions = [
      { version: '1.5.0', since },
      { version: '1.4.0', since: ago(6 * hour).toISOString() },
    ];
    const failing = series(
      () => 0,
      (minutes) => (minutes <= 60 ? 20 : 1),
    );
    const found = { versions, series: failing, calls: calls({ failures: 240 }) };
    expect(of(found)).toEqual(['app-errors-after-deployment warning']);
    expect(whatOf(found, 'app-errors-after-deployment')).toMatchObject({
      since,
      what: expect.stringMatching(/1\.5\.0.*20 %.*1 %/),
    });
    // Those that failed before as well are not the deployment's.
    const before = series(
      () => 0,
      () => 20,
    );
    expect(of({ ...found, series: before })).toEqual(['app-failures warning']);
    expect(of({ ...found, versions: versions.slice(0, 1), calls: calls({ failures: 0 }) })).toEqual([]);
  });

  it('is named where its looks fail, or are missing', () => {
    const failing = webApp('web', { app: [record('app', 'web', ago(minute), failed('app_workspace_forbidden'))] });
    expect(judged(failing)).toContain('job-failures info');
    expect(judged(webApp('web'))).toEqual(['app-watch-absent warning']);
  });
});

describe('sign-ins that cluster', () => {
  // Two each 5 minutes, and 40 at once two hours ago.
  const burst = series((minutes) => (minutes <= 115 && minutes > 100 ? 40 : 2));
  const at = ago(118 * minute);
  const app = looked({ series: burst });
  const clustered = (...subjects: Parameters<typeof judged>[0][]) =>
    standing([app, ...subjects.flat()]).filter(({ check }) => check === 'app-sign-ins-clustered');

  const purge = record('purge', 'web', at, { report: purgeReport({ deleted: 800 }) });
  const clear = record('clear', 'web', at, { report: clearReport({ deleted: 5_000 }) });
  const rotation = record('rotateKeyRing', 'ring', at, { report: rotateReport(undefined, { outcome: 'published' }) });

  it.each([
    ['a purge', sqlCache('web', { purge: [purge] }), purge.runId],
    ['a clear', sqlCache('web', { clear: [clear] }), clear.runId],
    ['a rotation', keyRing('ring', { rotateKeyRing: [rotation] }), rotation.runId],
  ])('after %s name that run', (_, subject, runId) => {
    const found = clustered(subject);
    expect(found).toMatchObject([{ level: 'warning', subject: 'web app of web', since: at.toISOString() }]);
    expect(found[0]?.what).toContain(runId);
  });

  it('after an eviction name the look that saw it', () => {
    const look = record('redis', 'web', ago(113 * minute), { report: evicting(at, 900) });
    expect(clustered(redisCache('web', { redis: [look] }))[0]?.what).toContain(look.runId);
    const none = record('redis', 'web', ago(113 * minute), { report: evicting(at, 0) });
    expect(clustered(redisCache('web', { redis: [none] }))).toEqual([]);
  });

  it('name what costs most sign-ins, of several runs at one time', () => {
    expect(clustered(sqlCache('web', { purge: [purge], clear: [clear] }))[0]?.what).toContain(clear.runId);
  });

  it('are nobody’s where no run came before, or that of another cache or ring', () => {
    expect(clustered()).toEqual([]);
    expect(clustered(sqlCache('other', { purge: [purge] }), keyRing('other', { rotateKeyRing: [rotation] }))).toEqual(
      [],
    );
    const later = record('purge', 'web', ago(60 * minute), { report: purgeReport({ deleted: 800 }) });
    expect(clustered(sqlCache('web', { purge: [later] }))).toEqual([]);
  });

  it('stand while the records of the cache, whose run they followed, cannot be read', async () => {
    const app = { workspace: '5f0e9f5c-3b8a-4a52-9a53-0d6b6b4b7e11', role: 'web' };
    const env = {
      TOKEN_CACHES: JSON.stringify([{ name: 'web', connectionStringSetting: 'DB', app }]),
      DB: 'Host=h;Username=u;Database=d',
    };
    const records = memoryRecords();
    await records.addRun(record('app', 'web', ago(minute), { report: { ...reports.app, series: burst } }));
    await records.addRun(purge);
    const silent: RecordStore = {
      ...records,
      latestRuns: (job, ...rest) =>
        job === 'purge' ? Promise.reject(new Error('away')) : records.latestRuns(job, ...rest),
    };
    const found = async (minutes: number, store: RecordStore = records) =>
      (await judgeApp(env, store, ago(-minutes * minute))).findings.map(({ check }) => check);
    for (const [minutes, store] of [[0], [5, silent], [10]] as const)
      expect(await found(minutes, store)).toContain('app-sign-ins-clustered');
  });

  it('that had begun before the run have another cause', () => {
    const late = record('purge', 'web', ago(107 * minute), { report: purgeReport({ deleted: 800 }) });
    expect(clustered(sqlCache('web', { purge: [late] }))).toEqual([]);
  });

  it('are not a cluster where they were usual', () => {
    const usual = looked({ series: series(() => 40) });
    expect(judged([usual, sqlCache('web', { purge: [purge] })])).not.toContain('app-sign-ins-clustered warning');
  });

  it('of a plan are none: it deleted nothing', () => {
    const plan = record('clear', 'web', at, { dryRun: true, report: reports.clearPlan });
    expect(clustered(sqlCache('web', { clear: [plan] }))).toEqual([]);
  });
});

function evicting(since: Date, evicted: number) {
  const nodes = reports.watch.nodes.map((node) =>
    node.up && node.sinceLastLook
      ? {
          ...node,
          sinceLastLook: {
            ...node.sinceLastLook,
            at: since.toISOString(),
            counts: { ...node.sinceLastLook.counts, evicted },
          },
        }
      : node,
  );
  return watchReport({ nodes });
}
