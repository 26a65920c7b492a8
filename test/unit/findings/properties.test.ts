/** What holds of the judges whatever the records say, as long as they can be read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toldFinding, toldOf } from '../../../src/lib/findings/finding.ts';
import { judge } from '../../../src/lib/findings/judge.ts';
import type { SubjectRecords } from '../../../src/lib/findings/subjectRecords.ts';
import { statusView } from '../../../src/lib/pages/status/statusView.ts';
import { checkLevels, runbookFolder } from '../../../src/lib/runbook.ts';
import { type JobName, jobNames, jobs } from '../../../src/lib/runs/catalogue.ts';
import { newRunId } from '../../../src/lib/runs/runId.ts';
import { type RunRecord, runRecord } from '../../../src/lib/runs/runRecord.ts';
import { arbitraryOf } from '../../support/arbitrary.ts';
import { ago, facts, hour, now } from '../../support/judging.ts';
import { keyRing, redisCache, sqlCache, webApp } from '../../support/records.ts';

type Runs = { [J in JobName]: RunRecord<J>[] };

const recordsOf = <J extends JobName>(job: J): fc.Arbitrary<RunRecord<J>[]> => {
  const option = runRecord.options.find(({ shape }) => shape.job.value === job);
  if (!option) throw new Error(`no record of ${job}`);
  const each = arbitraryOf(option).map((record) => {
    const run = record as RunRecord<J>;
    return { ...run, subject: 'web', runId: newRunId(job, 'web', new Date(run.startedAt)) };
  });
  return fc.array(each, { maxLength: 8 }) as fc.Arbitrary<RunRecord<J>[]>;
};
const runs = fc.record(
  Object.fromEntries(jobNames.map((job) => [job, recordsOf(job)])),
) as unknown as fc.Arbitrary<Runs>;

const seen = { seen: now };
const subjectsOf = (all: Runs): SubjectRecords[] => [
  sqlCache('web', all, seen),
  redisCache('web', all, seen),
  keyRing('web', all, seen),
  webApp('web', all, { ...seen, rings: ['web'] }),
];
const couldRunSince = fc.integer({ min: 0, max: 100 }).map((hours) => () => ago(hours * hour));
const judged = (all: Runs, since: () => Date) => judge(facts(subjectsOf(all), { couldRunSince: since }));
/** But for what is dated ahead, which is told whatever it is. */
const keysOf = (all: Runs, since: () => Date) =>
  judged(all, since).flatMap(({ check, level, subject }) =>
    // Purge after purge that finds another at work is itself a finding.
    check === 'clock-ahead' || check === 'purge-busy' ? [] : `${check} ${level} ${subject}`,
  );

describe('the judges', () => {
  it('never throw over records that can be read, and yield findings that are whole', () => {
    fc.assert(
      fc.property(runs, couldRunSince, (all, since) => {
        for (const job of jobNames) for (const run of all[job]) expect(runRecord.safeParse(run).success).toBe(true);
        const findings = judged(all, since).map((each) => toldOf(each, runbookFolder));
        for (const each of findings) {
          toldFinding.parse(each);
          expect(checkLevels[each.check] ?? [each.level], each.check).toContain(each.level);
        }
        const levels = findings.map(({ level }) => ['critical', 'warning', 'info'].indexOf(level));
        expect(levels).toEqual([...levels].sort());
        const view = statusView({
          now,
          health: 'ok',
          findings,
          timers: [],
          subjects: subjectsOf(all),
          recordStore: 'x',
          version: '1.2.3',
          deployment: undefined,
        });
        expect(view.findings).toEqual(findings);
        for (const { times, series } of [...view.caches, ...view.redis].flatMap(({ plots }) => plots)) {
          expect(times).toEqual([...times].sort((a, b) => a - b));
          for (const { values } of series) expect(values).toHaveLength(times.length);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('do not mind the order of the records, nor one that is read twice', () => {
    fc.assert(
      fc.property(runs, couldRunSince, fc.infiniteStream(fc.nat()), (all, since, random) => {
        const shuffled = Object.fromEntries(
          jobNames.map((job) => {
            const twice = [...all[job], ...all[job].slice(0, 2)];
            const order = twice.map((run) => ({ run, at: random.next().value }));
            return [job, order.sort((a, b) => a.at - b.at).map(({ run }) => run)];
          }),
        ) as unknown as Runs;
        expect(judged(shuffled, since)).toEqual(judged(all, since));
      }),
      { numRuns: 25 },
    );
  });

  it('do not mind dry runs, refused ones, and those that found another at work', () => {
    const silent = (run: RunRecord, kind: number): RunRecord =>
      kind === 0 ? { ...run, dryRun: true } : { ...run, outcome: kind === 1 ? 'refused' : 'skipped' };
    fc.assert(
      fc.property(runs, runs, couldRunSince, fc.integer({ min: 0, max: 2 }), (all, others, since, kind) => {
        const more = Object.fromEntries(
          jobNames.map((job) => [job, [...all[job], ...others[job].map((run) => silent(run as RunRecord, kind))]]),
        ) as unknown as Runs;
        expect(keysOf(more, since)).toEqual(keysOf(all, since));
      }),
      { numRuns: 25 },
    );
  });

  it('do not mind what is dated ahead, but that it is', () => {
    const later = (run: RunRecord): RunRecord => {
      const startedAt = new Date(now.getTime() + hour + (Date.parse(run.startedAt) % hour));
      return { ...run, startedAt: startedAt.toISOString(), runId: newRunId(run.job, 'web', startedAt) };
    };
    fc.assert(
      fc.property(runs, runs, couldRunSince, (all, others, since) => {
        const more = Object.fromEntries(
          jobNames.map((job) => [job, [...all[job], ...others[job].map((run) => later(run as RunRecord))]]),
        ) as unknown as Runs;
        expect(keysOf(more, since)).toEqual(keysOf(all, since));
        const judgedJobs = jobNames.filter((job) => job !== 'diagnose');
        const isTold = judged(more, since).some(({ check }) => check === 'clock-ahead');
        expect(isTold || judgedJobs.every((job) => others[job].length === 0)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});

it('every job of a timer is missed when nothing of it is heard', () => {
  const findings = judged(Object.fromEntries(jobNames.map((job) => [job, []])) as unknown as Runs, () =>
    ago(100 * hour),
  );
  expect(findings.map(({ what }) => /The job (\w+)/.exec(what)?.[1]).sort()).toEqual(
    jobNames.filter((job) => 'timer' in jobs[job]).sort(),
  );
});
