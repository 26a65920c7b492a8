/** The judges as the app calls them, with its settings by default, for tests over histories of records. */
import { timersOf } from '../../src/lib/app/timers.ts';
import type { Finding } from '../../src/lib/findings/finding.ts';
import { type Judged, judge } from '../../src/lib/findings/judge.ts';
import type { SubjectRecords } from '../../src/lib/findings/subjectRecords.ts';
import { jobs } from '../../src/lib/runs/catalogue.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { countsReport, indexReport, keyRing, purgeReport, record, rotateReport, sqlCache } from './records.ts';

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** A Tuesday. */
export const now = new Date('2026-11-24T12:00:00Z');
/** So long before `now`. */
export const ago = (ms: number) => new Date(now.getTime() - ms);

/** What the judges know, with the settings; the app has been up for a month. */
export function facts(
  subjects: readonly SubjectRecords[],
  changes: Partial<Judged> = {},
  env: Record<string, string> = {},
): Judged {
  const settings = readSettings({ TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Username=u;Database=d', ...env }, 'table');
  if (settings.problems.length > 0) throw new Error(JSON.stringify(settings.problems));
  const plan = new Map(
    timersOf(settings).flatMap(({ name, schedule, enabled }) => (enabled ? [[name, schedule]] : [])),
  );
  return {
    now,
    policy: settings.findings,
    subjects,
    settingProblems: [],
    settingWarnings: [],
    recordStore: 'table tokencachemaintenance',
    statesReadable: true,
    timers: [],
    queue: undefined,
    couldRunSince: () => ago(30 * day),
    scheduleOf: (job) => {
      const { timer } = jobs[job] as { timer?: { name: string } };
      const schedule = timer && plan.get(timer.name);
      return timer && schedule !== undefined ? { timer: timer.name, schedule } : undefined;
    },
    ...changes,
  };
}

/** `check level` of what stands on these subjects. */
export function judged(
  subjects: SubjectRecords | readonly SubjectRecords[],
  changes: Partial<Judged> = {},
  env: Record<string, string> = {},
): string[] {
  return standing(subjects, changes, env).map(({ check, level }) => `${check} ${level}`);
}

export function standing(
  subjects: SubjectRecords | readonly SubjectRecords[],
  changes: Partial<Judged> = {},
  env: Record<string, string> = {},
): Finding[] {
  return judge(facts([subjects].flat() as SubjectRecords[], changes, env));
}

const soon = (offset = 0) => ago(5 * minute + offset);

/** A SQL cache whose jobs have just succeeded, but for those whose runs are given. */
export function soundSqlCache(runs: Parameters<typeof sqlCache>[1] = {}, name = 'web') {
  return sqlCache(name, {
    purge: [record('purge', name, soon(), { report: purgeReport() })],
    index: [record('index', name, soon(), { report: indexReport() })],
    counts: [record('counts', name, soon(), { report: countsReport() })],
    ...runs,
  });
}

/** A key ring whose rotation has just succeeded, unless its runs are given. */
export function soundKeyRing(runs: Parameters<typeof keyRing>[1] = {}, name = 'web') {
  return keyRing(name, {
    rotateKeyRing: [record('rotateKeyRing', name, soon(), { report: rotateReport() })],
    ...runs,
  });
}
