/** Who reads how much, and by which process, does not change what is found: timer, JSON, page and terminal. */
import { beforeEach, describe, expect, it } from 'vitest';
import { judgeAndTell, type Overview, readStatus } from '../../../src/lib/app/overview.ts';
import { recordTimerStart } from '../../../src/lib/findings/timers.ts';
import type { AppPurge } from '../../../src/lib/sql/cacheTable.ts';
import { deployment, judgeApp, overviewDeps } from '../../support/judgedApp.ts';
import { ago, hour, minute, now } from '../../support/judging.ts';
import { type MemoryRecords, memoryRecords } from '../../support/memoryRecords.ts';
import { countsReport, indexReport, purgeReport, record, watchFinding, watchReport } from '../../support/records.ts';

const sql = {
  TOKEN_CACHES: JSON.stringify([{ name: 'web', connectionStringSetting: 'DB' }]),
  DB: 'Host=h;Username=u;Database=d',
};
const redis = {
  TOKEN_CACHES: JSON.stringify([{ name: 'sessions', connectionStringSetting: 'R' }]),
  R: 'c.example.net:6380,ssl=True',
};
const fromPage = { purge: 96, index: 10, counts: 288, redis: 288, app: 96, rotateKeyRing: 10 };
const words = ({ findings }: Overview) => findings.map(({ check, what, since }) => `${check} ${what} ${since}`);

let records: MemoryRecords;
beforeEach(() => {
  records = memoryRecords();
});

/** What each reader finds; the checks alone are given back. */
async function foundAlike(env: Record<string, string>): Promise<string[]> {
  const deps = overviewDeps(env, records, now);
  const told = await judgeAndTell(deps);
  expect(words(await readStatus(deps))).toEqual(words(told));
  expect(words(await readStatus(deps, fromPage))).toEqual(words(told));
  expect(words(await readStatus({ ...deps, deployment: undefined, memory: { told: [] } }))).toEqual(words(told));
  return told.findings.map(({ check }) => check);
}

describe('a Redis cache', () => {
  const look = (minutes: number, check: Parameters<typeof watchFinding>[0] | undefined, changes = {}) =>
    records.addRun(
      record('redis', 'sessions', ago(minutes * minute), {
        report: watchReport({ findings: check ? [watchFinding(check)] : [] }),
        ...changes,
      }),
    );

  it('that is looked at each minute: an event is told for half an hour', async () => {
    for (let at = 60; at >= 1; at -= 1) await look(at, at === 20 ? 'redis-evictions' : undefined);
    const env = { ...redis, SCHEDULE_REDIS: '0 * * * * *' };
    await judgeApp(env, records, ago(5 * minute));
    expect(await foundAlike(env)).toEqual(['redis-evictions']);
  });

  it('a node of which comes and goes, with dry looks between', async () => {
    for (let at = 30; at >= 1; at -= 1) {
      await look(at * 5, at % 3 === 0 ? 'redis-unreachable' : undefined);
      await look(at * 5 - 1, undefined, { dryRun: true, report: watchReport({ dryRun: true }) });
    }
    await judgeApp(redis, records, ago(5 * minute));
    expect(await foundAlike(redis)).toEqual(['redis-unreachable']);
  });

  it('that is judged hourly: an event is told twice, whenever it was', async () => {
    const env = { ...redis, SCHEDULE_FINDINGS: '45 0 * * * *' };
    const told: string[] = [];
    for (let at = 240; at >= 0; at -= 5) {
      await look(at, at === 115 ? 'restarted' : undefined);
      if (at % 60 > 0) continue;
      const { findings } = await judgeApp(env, records, new Date(ago(at * minute).getTime() + 45_000));
      told.push(findings.map(({ check }) => check).join());
    }
    expect(told).toEqual(['', '', '', 'restarted', 'restarted']);
  });
});

it('a SQL cache whose newest counts know neither its size nor who purges', async () => {
  await records.addRun(record('purge', 'web', ago(10 * minute), { report: purgeReport() }));
  await records.addRun(record('index', 'web', ago(10 * minute), { report: indexReport() }));
  const seen: AppPurge = {
    state: 'running',
    lastRunAt: ago(4 * hour).toISOString(),
    lastDuration: 'PT1S',
    lastOutcome: 'done',
    longest: 'PT1S',
    runs: 9,
  };
  const unseen: AppPurge = { state: 'unknown', reason: 'it may not look' };
  for (let at = 40; at >= 1; at -= 1) {
    const report = countsReport({
      dataBytes: at > 15 ? 20e9 : null,
      indexBytes: null,
      appPurge: at > 15 ? seen : unseen,
    });
    await records.addRun(record('counts', 'web', ago(at * 5 * minute), { report }));
    await judgeApp(sql, records, ago(at * 5 * minute));
  }
  expect(await foundAlike(sql)).toEqual(['table-size', 'app-purge']);
});

it('a timer that never fired', async () => {
  for (let at = 180; at >= 0; at -= 5) {
    const deps = overviewDeps(sql, records, ago(at * minute));
    const others = deps.timers.filter(({ name }) => name !== 'purgeExpiredEntries');
    for (const timer of others) await recordTimerStart(records, timer, deployment, ago(at * minute));
    await judgeAndTell(deps);
  }
  await records.addRun(record('counts', 'web', ago(2 * minute), { report: countsReport() }));
  await records.addRun(record('index', 'web', ago(2 * minute), { report: indexReport() }));
  expect(await foundAlike(sql)).toContain('timer-late');
});
