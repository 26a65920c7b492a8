/** What is kept from one judgement to the next, and what is told of the difference. */
import { trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { judgeAndTell, readOverview } from '../../../src/lib/app/overview.ts';
import { keepStanding, readStanding, type StandingMemory } from '../../../src/lib/findings/standing.ts';
import type { PoisonQueue, WorkQueue } from '../../../src/lib/queue/workQueue.ts';
import type { RecordStore } from '../../../src/lib/runs/recordStore.ts';
import { type InMemoryTelemetry, startTelemetryInMemory } from '../../support/inMemoryTelemetry.ts';
import { judgeApp, overviewDeps } from '../../support/judgedApp.ts';
import { day, hour, minute } from '../../support/judging.ts';
import { type MemoryRecords, memoryRecords } from '../../support/memoryRecords.ts';
import {
  countsReport,
  failed,
  indexReport,
  leftBehind,
  purgeReport,
  record,
  ringStatus,
  rotateReport,
} from '../../support/records.ts';
import { workMessage } from '../../support/workQueue.ts';

const database = 'Host=h;Username=u;Database=d';
const caches = (...names: string[]) => ({
  TOKEN_CACHES: JSON.stringify(names.map((name) => ({ name, connectionStringSetting: 'DB' }))),
  DB: database,
});
const env = { ...caches('web'), SCHEDULE_FINDINGS: '45 */30 * * * *' };
const start = new Date('2026-11-24T12:00:45Z');
const at = (ms: number) => new Date(start.getTime() + ms);

let records: MemoryRecords;
beforeEach(() => {
  records = memoryRecords();
});

const judged = async (time: Date, settings: Record<string, string> = env, queue?: WorkQueue) =>
  (await judgeApp(settings, records, time, queue)).findings.map(({ check, level }) => `${check} ${level}`);
/** Judges every half hour from one time to another: what was told, and when first, in hours. */
async function judgedBetween(
  from: number,
  to: number,
  settings: Record<string, string> = env,
  each: (time: Date) => Promise<void> = async () => undefined,
) {
  const first = new Map<string, number>();
  for (let ms = from; ms <= to; ms += 30 * minute) {
    await each(at(ms));
    for (const text of await judged(at(ms), settings)) if (!first.has(text)) first.set(text, ms / hour);
  }
  return Object.fromEntries(first);
}
const failure = (time: Date, subject = 'web') => record('purge', subject, time, failed());
const success = (time: Date, subject = 'web') => record('purge', subject, time, { report: purgeReport() });

describe('after a deployment', () => {
  it('nothing is missed before it has had its turn, in the order of the schedules', async () => {
    const told = await judgedBetween(0, 30 * hour);
    expect(Object.keys(told)).toEqual(['counts-absent warning', 'purge-absent critical', 'index-absent warning']);
    expect(told['counts-absent warning']).toBeGreaterThan(0.25);
    expect(told['purge-absent critical']).toBeGreaterThan(1.5);
    // It fires at 03:17.
    expect(told['index-absent warning']).toBeGreaterThan(15.3);
  });

  it('nothing is told while every job runs in its turn', async () => {
    const ring = {
      KEY_RINGS: JSON.stringify([
        { name: 'web', mode: 'manage', store: { kind: 'folder', path: '/k' }, protector: { kind: 'none' } },
      ]),
    };
    const everything = async (time: Date) => {
      await records.addRun(record('counts', 'web', time, { report: countsReport() }));
      await records.addRun(success(time));
      const clock = time.toISOString().slice(11, 16);
      if (clock === '03:30') await records.addRun(record('index', 'web', time, { report: indexReport() }));
      if (clock === '05:00') await records.addRun(record('rotateKeyRing', 'web', time, { report: rotateReport() }));
    };
    expect(await judgedBetween(0, 30 * hour, { ...env, ...ring }, everything)).toEqual({});
  });
});

describe('after a time down', () => {
  it('what was missed meanwhile has its turn, and timers that fire at once are not late', async () => {
    await records.addRun(success(start));
    await judgedBetween(0, 10 * minute, { ...env, 'AzureWebJobs.recordCacheCounts.Disabled': 'true' });
    const up = 9 * hour;
    const deps = overviewDeps(env, records, at(up));
    // The judges may fire before the other timers note that they do.
    expect((await judgeAndTell(deps)).findings).toEqual([]);
    const told = await judgedBetween(up + 5 * minute, up + 3 * hour);
    expect(told['purge-absent critical']).toBeGreaterThan(up / hour + 1.5);
  });

  it('is told by a timer that has not fired since', async () => {
    await judged(start);
    await judgeAndTell(overviewDeps(env, records, at(9 * hour)));
    const { findings } = await judgeAndTell(overviewDeps(env, records, at(9 * hour + 5 * minute)));
    expect(findings.map(({ subject }) => subject)).toContain('timer purgeExpiredEntries');
  });

  it('a timer that was late before is late until it fires', async () => {
    await judged(start);
    const late = async (ms: number) =>
      (await judgeAndTell(overviewDeps(env, records, at(ms)))).findings.map(({ subject }) => subject);
    for (let ms = 30 * minute; ms <= 3 * hour; ms += 30 * minute) await late(ms);
    expect(await late(9 * hour)).toContain('timer purgeExpiredEntries');
    expect(await judged(at(20 * hour))).not.toContain('timer-late critical');
  });

  it('is told by the page, which no timer makes', async () => {
    await judged(start);
    const { health } = await readOverview(overviewDeps(env, records, at(9 * hour)));
    expect(health).toBe('failing');
  });
});

it('what waited while the app was down gets its turn first', async () => {
  const queueSince = (since: number) => {
    const poison = { name: 'p', count: async () => 0, peek: async () => [] };
    return { name: 'work', poison, nextSince: async () => at(since) } as unknown as WorkQueue;
  };
  for (let ms = 0; ms < 2 * hour; ms += 30 * minute) await judged(at(ms), env, queueSince(ms - minute));
  const up = 9 * hour;
  expect(await judged(at(up), env, queueSince(hour))).not.toContain('queue-idle critical');
  expect(await judged(at(up + 30 * minute), env, queueSince(hour))).not.toContain('queue-idle critical');
  expect(await judged(at(up + 60 * minute), env, queueSince(hour))).toContain('queue-idle critical');
  // What was told before is not over for that the app started again.
  expect(await judged(at(up + 9 * hour), env, queueSince(hour))).toContain('queue-idle critical');
});

it('a job that was absent before a time down is absent until it succeeds', async () => {
  await records.addRun(success(start));
  await judgedBetween(0, 4 * hour);
  expect(await judged(at(8 * hour))).toContain('purge-absent critical');
  const otherwise = { ...env, SCHEDULE_PURGE: '0 10 * * * *' };
  expect(await judged(at(8.5 * hour), otherwise)).toContain('purge-absent critical');
  await records.addRun(success(at(8.6 * hour)));
  expect(await judged(at(9 * hour), otherwise)).not.toContain('purge-absent critical');
});

it('a level that is set otherwise is that of what stood before, too', async () => {
  await records.addRun(record('counts', 'web', at(-minute), { report: countsReport({ dataBytes: 1e13 }) }));
  expect(await judged(at(0))).toEqual(['table-size warning']);
  const louder = { ...env, FINDING_LEVELS: 'table-size=critical' };
  const isAway: Pick<RecordStore, 'latestRuns'> = {
    latestRuns: (job, subject, count) =>
      job === 'clear' ? Promise.reject(new Error('away')) : records.latestRuns(job, subject, count),
  };
  const { findings } = await judgeApp(louder, { ...records, ...isAway }, at(30 * minute));
  const sizes = findings.filter(({ check }) => check === 'table-size');
  expect(sizes).toMatchObject([{ level: 'critical', since: at(0).toISOString() }]);
});

it.each(['manage', 'observe'])('a ring (%s) that comes back after months is not what it was', async (mode) => {
  const ring = { name: 'web', mode, store: { kind: 'folder', path: '/k' }, protector: { kind: 'none' } };
  const withRing = { ...env, KEY_RINGS: JSON.stringify([ring]) };
  await records.addRun(record('rotateKeyRing', 'web', at(-hour), { report: rotateReport() }));
  await judged(at(0), withRing);
  // After a day it is as if it had never been away.
  await judged(at(day));
  const keys = rotateReport().status.keys.map((key) => ({ ...key, expires: at(-minute).toISOString() }));
  const report = rotateReport(ringStatus({ keys }));
  await records.addRun(record('rotateKeyRing', 'web', at(0), { report }));
  expect(await judged(at(day + 30 * minute), withRing)).toContain('key-ring-without-default critical');
  await judged(at(2 * day));
  await judged(at(300 * day));
  const back = 300 * day + 30 * minute;
  for (const ms of [0, 30 * minute])
    expect(await judged(at(back + ms), withRing)).not.toContain('key-ring-without-default critical');
  await records.addRun(record('rotateKeyRing', 'web', at(back + 40 * minute), { report }));
  expect(await judged(at(back + hour), withRing)).toContain('key-ring-without-default critical');
});

describe('a state that a fast clock dated ahead', () => {
  const skew = 5 * hour;

  it('hides no absence until its time comes', async () => {
    await judged(at(skew));
    const told = await judgedBetween(0, 3 * hour);
    expect(told['purge-absent critical']).toBeGreaterThan(1.5);
    expect(told['purge-absent critical']).toBeLessThan(2.5);
  });

  it('by the clock of the process itself hides none, when that is set right', async () => {
    const memory: StandingMemory = { told: [] };
    for (const ms of [skew, 0, 30 * minute, hour, 90 * minute, 2 * hour, 150 * minute, 3 * hour])
      await judgeApp(env, records, at(ms), undefined, memory);
    const { findings } = await judgeApp(env, records, at(190 * minute), undefined, memory);
    expect(findings.map(({ check }) => check)).toContain('purge-absent');
  });

  it('is not the time since when something stands', async () => {
    const broken = { ...env, PURGE_GRACE: 'x' };
    await judged(at(skew), broken);
    const { findings } = await judgeApp(broken, records, at(0));
    expect(findings.find(({ check }) => check === 'settings')?.since).toBe(at(0).toISOString());
  });

  it('does not make the app one that was down, each time that its instances take turns', async () => {
    const fast = 14 * minute;
    await records.addRun(success(start));
    let told: string[] = [];
    for (let ms = 0; ms <= 3 * hour; ms += 10 * minute) told = await judged(at(ms + (ms % (20 * minute) ? fast : 0)));
    expect(told).toContain('purge-absent critical');
  });
});

describe('a job', () => {
  const off = { ...env, 'AzureWebJobs.purgeExpiredEntries.Disabled': 'true' };

  it('whose timer was switched off for a week has its turn first', async () => {
    await records.addRun(success(start));
    await judged(at(0));
    await judgedBetween(5 * minute, 2 * hour, off);
    const told = await judgedBetween(2 * hour + 5 * minute, 3 * hour);
    expect(told).not.toHaveProperty('purge-absent critical');
  });

  it('whose schedule becomes a closer one has its turn first', async () => {
    const daily = { ...env, SCHEDULE_PURGE: '0 0 12 * * *' };
    await records.addRun(success(start));
    await judgedBetween(0, 4 * hour, daily);
    expect(await judged(at(4 * hour + 5 * minute))).not.toContain('purge-absent critical');
  });

  it('is missed though the judges look once an hour', async () => {
    const hourly = { ...env, SCHEDULE_FINDINGS: '45 0 * * * *' };
    for (let hours = 0; hours <= 4; hours += 1) await judged(at(hours * hour), hourly);
    expect(await judged(at(5 * hour), hourly)).toContain('purge-absent critical');
  });
});

describe('records', () => {
  it('of counts are read back to one that found the oldest expired entry', async () => {
    const old = countsReport({ oldestExpiredAge: 'PT7H' });
    await records.addRun(record('counts', 'web', at(-3 * hour), { report: old }));
    const unknown = countsReport({ oldestExpiredAge: null });
    for (let ms = -2 * hour; ms <= 0; ms += 5 * minute)
      await records.addRun(record('counts', 'web', at(ms), { report: unknown }));
    expect(await judged(start)).toEqual(['oldest-expired warning']);
  });

  it('of a purge in many parts are read back to as many purges as tell a backlog', async () => {
    for (const [index, left] of [100, 200, 300, 400, 500, 600].entries()) {
      const began = (index - 6) * 4 * hour;
      const report = leftBehind(left, { oldestExpiredAge: { before: 'PT1H', after: 'PT1H' } });
      const first = record('purge', 'web', at(began), { part: 1, next: 'the next', report });
      await records.addRun(first);
      for (let part = 2; part <= 20; part += 1)
        await records.addRun(
          record('purge', 'web', at(began + part * 10 * minute), {
            first: first.runId,
            part,
            ...(part < 20 && { next: 'the next' }),
            report,
          }),
        );
    }
    expect(await judged(start)).toEqual(['backlog-growing warning']);
  });
});

describe('telling', () => {
  let telemetry: InMemoryTelemetry;
  beforeEach(() => {
    telemetry = startTelemetryInMemory();
  });
  afterEach(() => telemetry.stop());

  const findingsTold = async () =>
    (await telemetry.told()).metrics
      .filter(({ name }) => name === 'maintenance.findings')
      .map(({ value, attributes: { check, level, subject } }) => `${check} ${level} ${subject}: ${value}`);

  it('exports what stands each time, and a 0 once for what went', async () => {
    await records.addRun(failure(start));
    await judged(at(0));
    expect(await findingsTold()).toEqual(['job-failures warning cache web: 1']);
    await judged(at(5 * minute));
    expect(await findingsTold()).toEqual(['job-failures warning cache web: 1']);
    await records.addRun(success(at(6 * minute)));
    await judged(at(10 * minute));
    expect(await findingsTold()).toEqual(['job-failures warning cache web: 0']);
    await judged(at(15 * minute));
    expect(await findingsTold()).toEqual([]);
  });

  it('counts findings of one check, level and subject together', async () => {
    await records.addRun(record('purge', 'web', start, { report: purgeReport({ warnings: ['One.', 'Two.'] }) }));
    await judged(at(0));
    const { metrics, logs } = await telemetry.told();
    expect(metrics.filter(({ name }) => name === 'maintenance.findings')).toMatchObject([{ value: 2 }]);
    expect(logs.map(({ attributes }) => attributes.what)).toEqual(['One.', 'Two.']);
  });

  it('has a heartbeat each time, whatever stands', async () => {
    for (const ms of [0, 5 * minute, 10 * minute]) {
      await judged(at(ms));
      const { metrics } = await telemetry.told();
      expect(metrics.filter(({ name }) => name === 'maintenance.heartbeat')).toMatchObject([{ value: 1 }]);
    }
  });

  it('tells that a finding changed its level: a 0 of the old one', async () => {
    await records.addRun(success(start));
    await judgedBetween(0, 30 * minute);
    await records.addRun(failure(at(31 * minute)));
    await judged(at(35 * minute));
    await findingsTold();
    await judged(at(40 * minute), { ...env, FINDING_LEVELS: 'job-failures=critical' });
    expect((await findingsTold()).filter((text) => text.startsWith('job-failures'))).toEqual([
      'job-failures warning cache web: 0',
      'job-failures critical cache web: 1',
    ]);
  });

  it('tells that a cache was taken out of the settings, or renamed, with a 0, and then nothing', async () => {
    await records.addRun(failure(start));
    await records.addRun(failure(start, 'portal'));
    await judged(at(0), caches('web', 'portal'));
    await findingsTold();
    await judged(at(5 * minute), caches('web', 'intranet'));
    expect((await findingsTold()).sort()).toEqual([
      'job-failures warning cache portal: 0',
      'job-failures warning cache web: 1',
    ]);
    await judged(at(10 * minute), caches('web', 'intranet'));
    expect(await findingsTold()).toEqual(['job-failures warning cache web: 1']);
  });

  const away = () => Promise.reject(new Error('secret-1'));
  const ofCache =
    (store: RecordStore): RecordStore['latestRuns'] =>
    (job, subject, count) =>
      subject === 'web' ? away() : store.latestRuns(job, subject, count);
  const outages: [string, (store: RecordStore) => RecordStore][] = [
    ['the record store', (store) => ({ ...store, latestRuns: away, readState: away, writeState: away })],
    ['records', (store) => ({ ...store, latestRuns: away })],
    ['states', (store) => ({ ...store, readState: away })],
    ['records of one cache', (store) => ({ ...store, latestRuns: ofCache(store) })],
  ];
  /** What the metric and the log records told: the same, but for the zeros of the metric. */
  const toldAlike = async () => {
    const { metrics, logs } = await telemetry.told();
    const values = metrics.filter(({ name }) => name === 'maintenance.findings');
    const ofMetric = values.flatMap(({ value, attributes: { check, level, subject } }) =>
      Array<string>(Number(value)).fill(`${check} ${level} ${subject}`),
    );
    const words = logs.map(({ body, attributes: { check, level, subject, advice } }) => ({
      key: `${check} ${level} ${subject}`,
      body,
      advice,
    }));
    expect(words.map(({ key }) => key).sort()).toEqual([...ofMetric].sort());
    const zeros = values.flatMap(({ value, attributes: { check } }) => (value === 0 ? [check] : []));
    return { words, zeros };
  };

  it.each(outages)(
    'what stood goes on standing, in metric, log and page, while %s cannot be read',
    async (_name, broken) => {
      const memory: StandingMemory = { told: [] };
      const judge = (ms: number, store: RecordStore = records) => judgeApp(env, store, at(ms), undefined, memory);
      await records.addRun(failure(start));
      await judge(0);
      const { words: before } = await toldAlike();
      expect(before).toMatchObject([{ key: 'job-failures warning cache web' }]);
      for (let ms = 5 * minute; ms <= hour; ms += 5 * minute) {
        const store = broken(records);
        const overview = await judge(ms, store);
        expect(JSON.stringify(overview)).not.toContain('secret-1');
        const { words, zeros } = await toldAlike();
        expect(words).toEqual(expect.arrayContaining(before));
        expect(zeros).toEqual([]);
        const page = await readOverview(overviewDeps(env, store, at(ms), undefined, memory));
        expect(page.findings.map(({ check }) => check).sort()).toEqual(
          words.map(({ key }) => key.split(' ')[0]).sort(),
        );
      }
      await records.addRun(success(at(hour + minute)));
      await judge(hour + 5 * minute);
      const { words, zeros } = await toldAlike();
      expect(words.map(({ key }) => key)).not.toContain('job-failures warning cache web');
      expect(zeros).toEqual(expect.arrayContaining(['job-failures', 'records-unreadable']));
      await judge(hour + 10 * minute);
      expect((await toldAlike()).zeros).toEqual([]);
    },
  );

  it('of a process that began while nothing can be read is what it knows, and over when it is', async () => {
    await records.addRun(failure(start));
    await judged(at(0));
    await toldAlike();
    const memory: StandingMemory = { told: [] };
    const unreadable = { ...records, latestRuns: away, readState: away };
    for (const ms of [5 * minute, 10 * minute]) {
      await judgeApp(env, unreadable, at(ms), undefined, memory);
      const { words, zeros } = await toldAlike();
      expect([words.map(({ key }) => key.split(' ')[0]), zeros]).toEqual([['records-unreadable'], []]);
    }
    await judgeApp(env, records, at(15 * minute), undefined, memory);
    const { words, zeros } = await toldAlike();
    expect([words.map(({ key }) => key.split(' ')[0]), zeros]).toEqual([['job-failures'], ['records-unreadable']]);
    await judgeApp(env, records, at(20 * minute), undefined, memory);
    expect((await toldAlike()).zeros).toEqual([]);
  });

  it('is that of whoever judged last: another process, or this one while nothing could be kept', async () => {
    const memory: StandingMemory = { told: [] };
    const judge = (ms: number, store: RecordStore = records) => judgeApp(env, store, at(ms), undefined, memory);
    await records.addRun(failure(start));
    await judge(0);
    await toldAlike();
    await records.addRun(success(at(minute)));
    await judged(at(5 * minute));
    expect((await toldAlike()).zeros).toEqual(['job-failures']);
    await judge(10 * minute);
    expect((await toldAlike()).zeros).toEqual([]);
    await records.addRun(failure(at(11 * minute)));
    await judge(15 * minute, { ...records, writeState: away });
    await toldAlike();
    await records.addRun(success(at(16 * minute)));
    await judge(20 * minute);
    expect((await toldAlike()).zeros).toEqual(['job-failures']);
  });

  it('keeps the others where one finding is too long to be kept', async () => {
    const finding = { level: 'critical', subject: 'cache web', advice: '', since: null } as const;
    const [long, short] = ['x'.repeat(300_000), 'Short.'].map((what, index) => ({
      ...finding,
      check: `c${index}`,
      what,
    }));
    const judgedAt = start.toISOString();
    await keepStanding(records, {
      judgedAt,
      upSince: judgedAt,
      known: {},
      findings: [long, short].flatMap((each) => each ?? []),
    });
    expect((await readStanding(records))?.findings.map(({ what }) => what)).toEqual(['', 'Short.']);
  });

  it('keeps as many findings as an entity of the table holds, the worst first', async () => {
    const names = Array.from({ length: 1_500 }, (_, index) => `cache-${index}`);
    for (const name of names) await records.addRun(record('purge', name, start, failed()));
    await records.addRun(record('purge', 'cache-7', at(-hour), { report: purgeReport() }));
    await judgeApp(caches(...names), records, at(0));
    await toldAlike();
    const kept = records.states.get('findings') ?? '';
    expect(kept.length).toBeLessThan(524_288);
    expect((JSON.parse(kept) as { findings: unknown[] }).findings).toHaveLength(1_500);
    // Another process, too, tells of each as it goes.
    await judgeApp(caches('cache-7'), records, at(5 * minute));
    expect((await toldAlike()).zeros).toHaveLength(1_499);
  });

  it('leaves room for what else is kept, of thousands of subjects', async () => {
    const time = start.toISOString();
    const names = Array.from({ length: 4_000 }, (_, index) => `cache cache-${index}`);
    const findings = names.map((subject) => ({
      check: 'purge-absent',
      level: 'critical' as const,
      subject,
      what: 'Not heard of.',
      advice: 'Look.',
      since: time,
    }));
    const known = Object.fromEntries(names.map((name) => [`sqlCache|${name}`, time]));
    await keepStanding(records, { judgedAt: time, upSince: time, findings, known });
    expect(records.states.get('findings')?.length).toBeLessThan(524_288);
    expect((await readStanding(records))?.known).toEqual(known);
  });

  it('lets go of a finding that is switched off, also where it cannot be judged', async () => {
    await records.addRun(failure(start));
    await judged(at(0));
    await toldAlike();
    const store = { ...records, latestRuns: away };
    await judgeApp({ ...env, FINDING_LEVELS: 'job-failures=off' }, store, at(5 * minute));
    const { words, zeros } = await toldAlike();
    expect([words.map(({ key }) => key.split(' ')[0]), zeros]).toEqual([['records-unreadable'], ['job-failures']]);
  });

  it('goes on telling of given-up messages while the records of their jobs cannot be read, until there are none', async () => {
    const text = JSON.stringify(workMessage({ job: 'purge', subject: 'web' }));
    const queueOf = (count: number) => {
      const poison = { name: 'work-poison', count: async () => count, peek: async () => [{ text }].slice(0, count) };
      return { name: 'work', poison, nextSince: async () => undefined } as unknown as WorkQueue;
    };
    const store = { ...records, latestRuns: away };
    const checksOf = async (ms: number, count: number, from: RecordStore = records) =>
      (await judgeApp(env, from, at(ms), queueOf(count))).findings.map(({ check }) => check);
    await records.addRun(success(start));
    expect(await checksOf(0, 1)).toEqual(['poison-messages']);
    expect(await checksOf(5 * minute, 1, store)).toEqual(['records-unreadable', 'poison-messages']);
    expect(await checksOf(10 * minute, 0, store)).toEqual(['records-unreadable']);
  });

  it('tells nothing to be over while the queue cannot be read', async () => {
    let readable = true;
    const orFail = async <T>(value: T) => {
      if (!readable) throw new Error('secret-1');
      return value;
    };
    const poison = { name: 'work-poison', count: () => orFail(2), peek: () => orFail([]) } as unknown as PoisonQueue;
    const queue = { name: 'work', poison, nextSince: () => orFail(at(-3 * hour)) } as unknown as WorkQueue;
    await judged(at(0), env, queue);
    await findingsTold();
    readable = false;
    const stands = ['queue-idle critical', 'queue-unreadable warning', 'poison-messages warning'];
    expect(await judged(at(5 * minute), env, queue)).toEqual(stands);
    expect((await findingsTold()).sort()).toEqual(stands.map((text) => `${text} queue work: 1`).sort());
    readable = true;
    await judged(at(10 * minute), env, queue);
    expect((await findingsTold()).sort()).toEqual([
      'poison-messages warning queue work: 1',
      'queue-idle critical queue work: 1',
      'queue-unreadable warning queue work: 0',
    ]);
  });

  it('tells each finding in words by a log record, outside any trace, so that no sampling takes it away', async () => {
    await records.addRun(failure(start));
    await trace.getTracer('host').startActiveSpan('invocation', async (span) => {
      expect(span.isRecording()).toBe(false);
      await judged(at(0));
      span.end();
    });
    expect((await telemetry.told()).logs).toEqual([
      {
        severity: 'warning',
        body: 'cache web: The job purge failed last time (firewall). Not let in.',
        attributes: {
          check: 'job-failures',
          level: 'warning',
          subject: 'cache web',
          what: 'The job purge failed last time (firewall). Not let in.',
          advice: 'Let it in.',
          runbook: 'docs/runbook/app.md#job-failures',
          since: start.toISOString(),
        },
        traceId: undefined,
      },
    ]);
  });
});

it('a finding stands since it was judged first, and anew after it went', async () => {
  const broken = { ...env, PURGE_GRACE: 'x' };
  const sinceAt = async (ms: number, settings: Record<string, string>) => {
    const { findings } = await judgeApp(settings, records, at(ms));
    return findings.find(({ check }) => check === 'settings')?.since;
  };
  expect(await sinceAt(0, broken)).toBeNull();
  expect(await sinceAt(5 * minute, broken)).toBe(start.toISOString());
  expect(await sinceAt(10 * minute, env)).toBeUndefined();
  expect(await sinceAt(15 * minute, broken)).toBeNull();
  expect(await sinceAt(2 * day, broken)).toBe(at(15 * minute).toISOString());
});
