import type { CheckReport } from '../checks/diagnosisReport.ts';
import { type DiagnosisReport, diagnosisReport } from '../checks/diagnosisReport.ts';
import { runChecks } from '../checks/runChecks.ts';
import { MaintenanceError } from '../errors.ts';
import { type ExaminedApp, joinSides } from '../findings/diagnosis/bothSides.ts';
import { showKeys } from '../findings/diagnosis/entries/entriesSubject.ts';
import { registry } from '../findings/diagnosis/registry.ts';
import type { RingSubject } from '../findings/diagnosis/subjects/ringSubject.ts';
import { judgeAppReport } from '../findings/judgeWebApp.ts';
import { readSubjects } from '../findings/subjectRecords.ts';
import type { TimerReading } from '../findings/timers.ts';
import { once } from '../once.ts';
import { type RunDeps, type RunResult, runJob, type Started } from '../runs/runJob.ts';
import { ringsOf, type Settings } from '../settings/settings.ts';
import type { AppMaintenance } from './appMaintenance.ts';
import { ringSubject } from './diagnosisRings.ts';
import { redisSubject, type SubjectDeps, sqlSubject } from './diagnosisSubjects.ts';
import type { KeyRingMaintenance } from './keyRingMaintenance.ts';
import { identityCheckOf } from './neededTokens.ts';
import type { RedisMaintenance } from './redisMaintenance.ts';

export interface DiagnosisRequest {
  /** Only these, or `all`; undefined for all, or for none where rings or an app alone are named. */
  caches?: readonly string[] | undefined;
  rings?: readonly string[] | undefined;
  /** Checks of a web app, asked by the command line alone: nothing else is looked at then, unless it is named. */
  app?: (() => Promise<ExaminedApp[]>) | undefined;
  /** Keys of entries in clear; else a short hash of each. */
  showKeys?: boolean;
  signal?: AbortSignal | undefined;
  /** Whether the timers fire, asked by the function app alone. */
  timers?: (() => Promise<TimerReading[]>) | undefined;
  /** This tool's version. */
  version?: string;
}

interface Parts {
  webApps: AppMaintenance;
  redis: RedisMaintenance;
  rings: KeyRingMaintenance;
}

const leastNodeMajor = 20;

/** Under this name the diagnosis of several subjects is recorded. */
export const everySubject = 'all';

/** The diagnosis, put together from the settings: all subjects side by side, and each of their checks. */
export function diagnosisMaintenance(settings: Settings, runs: RunDeps, parts: Parts) {
  const { clock, records } = runs;
  const { sqlCaches, redisCaches } = settings;

  const ringSubjects = (signal: AbortSignal): Promise<RingSubject[]> => {
    return Promise.all(
      settings.rings.map((ring) => ringSubject(ring, () => parts.rings.look(ring.name, signal), { clock, signal })),
    );
  };

  /** @throws MaintenanceError `cache_unknown`, `key_ring_unknown` */
  const chosen = ({ caches, rings, app }: DiagnosisRequest): { caches: string[]; rings: string[] } => {
    const narrowed = caches !== undefined || rings !== undefined || app !== undefined;
    const choose = (
      asked: readonly string[] | undefined,
      subjects: { name: string }[],
      [code, kind]: ['cache_unknown', 'cache'] | ['key_ring_unknown', 'key ring'],
    ) => {
      const known = subjects.map(({ name }) => name);
      if (asked?.includes(everySubject) && !known.includes(everySubject)) return known;
      const strange = asked?.find((name) => !known.includes(name));
      if (strange === undefined) return [...(asked ?? (narrowed ? [] : known))];
      throw new MaintenanceError(code, `No usable ${kind} is named ${strange}.`, chooseFrom(known));
    };
    return {
      caches: choose(caches, [...sqlCaches, ...redisCaches], ['cache_unknown', 'cache']),
      rings: choose(rings, settings.rings, ['key_ring_unknown', 'key ring']),
    };
  };

  const ofCache = async (name: string, deps: SubjectDeps): Promise<CheckReport[]> => {
    const subject = `cache ${name}`;
    const sql = sqlCaches.find((each) => each.name === name);
    if (sql) {
      const { subject: of, close } = await sqlSubject(sql, deps);
      return runChecks({ subject, checks: registry.sql, of }, clock, deps.signal).finally(close);
    }
    const redis = redisCaches.find((each) => each.name === name);
    if (!redis) return [];
    const watch = () => parts.redis.look(name, deps.signal);
    const { subject: of, close } = await redisSubject(redis, deps, watch);
    return runChecks({ subject, checks: registry.redis, of }, clock, deps.signal).finally(close);
  };

  /** What the web app of a cache tells, beside what happened to the cache and its rings. */
  const telemetry = (name: string, signal: AbortSignal): Promise<CheckReport[]> => {
    const { findings: policy, names } = settings;
    const rings = ringsOf(settings, name);
    const of = {
      look: once(async () => {
        const report = await parts.webApps.look(name, signal);
        const ofThis = (all: readonly string[]) => all.filter((each) => each === name);
        const own = { sqlCaches: ofThis(names.sqlCaches), redisCaches: ofThis(names.redisCaches), keyRings: rings };
        const subjects = await readSubjects(
          records,
          { ...own, webApps: [], ringsOf: () => rings },
          { now: clock.now(), policy },
        );
        return { report, findings: judgeAppReport(report, { name, rings }, subjects, { policy }) };
      }),
    };
    return runChecks({ subject: `web app of ${name}`, checks: registry.telemetry, of }, clock, signal);
  };

  const self = ({ timers }: DiagnosisRequest, signal: AbortSignal): Promise<CheckReport[]> => {
    const of = {
      settingProblems: settings.problems,
      settingWarnings: settings.warnings,
      records,
      ofFunctionApp: timers !== undefined,
      timers,
      identity: identityCheckOf(settings),
      telemetryEndpoint: settings.telemetryEndpoint,
      nodeVersion: process.versions.node,
      leastNodeMajor,
    };
    return runChecks({ subject: 'token-cache-maintenance', checks: registry.self, of }, clock, signal);
  };

  const look = async (request: DiagnosisRequest): Promise<DiagnosisReport> => {
    const { caches, rings } = chosen(request);
    const end = new AbortController();
    const signal = request.signal ? AbortSignal.any([request.signal, end.signal]) : end.signal;
    const all = once(() => ringSubjects(signal));
    const deps = { settings: settings, clock, records, showKey: showKeys(request.showKeys ?? false), signal };
    try {
      const [apps, ...reports] = await Promise.all([
        request.app?.() ?? [],
        isOfAppAlone(request) ? [] : self(request, signal),
        ...caches.map((cache) =>
          ofCache(cache, {
            ...deps,
            rings: async () => {
              const known = await all();
              const tied = settings.rings.filter((ring) => ring.caches.includes(cache)).map(({ name }) => name);
              const asked = known.filter(({ name }) => tied.length === 0 || tied.includes(name));
              return Promise.all(asked.map((ring) => ring.knowledge()));
            },
          }),
        ),
        ...settings.webApps.filter(({ name }) => caches.includes(name)).map(({ name }) => telemetry(name, signal)),
        ...rings.map(async (ring) => {
          const of = (await all()).find(({ name }) => name === ring);
          return of ? runChecks({ subject: `key ring ${ring}`, checks: registry.ring, of }, clock, signal) : [];
        }),
      ]);
      const versions = { tool: request.version ?? 'unknown', node: process.versions.node };
      return diagnosisReport(clock.now(), joinSides(apps, reports.flat()), versions);
    } finally {
      end.abort();
    }
  };

  /** Looks at everything that is configured, or at what is named. Changes nothing but the record of its run. */
  const diagnose = (started: Started, request: DiagnosisRequest = {}): Promise<RunResult<'diagnose'>> => {
    const named = [...(request.caches ?? []), ...(request.rings ?? [])];
    const [only = everySubject] = request.app && named.length === 0 ? ['app'] : named;
    const subject = named.length > 1 ? everySubject : only;
    return runJob(runs, {
      job: 'diagnose',
      subject,
      started,
      dryRun: false,
      work: () => look(request),
    });
  };

  return { diagnose };
}

export type DiagnosisMaintenance = ReturnType<typeof diagnosisMaintenance>;

function isOfAppAlone({ caches, rings, app }: DiagnosisRequest): boolean {
  return app !== undefined && caches === undefined && rings === undefined;
}

function chooseFrom(names: readonly string[]): string {
  return `Choose one of: ${names.join(', ') || 'none is configured'}. The check \`settings\` says what is wrong with others.`;
}
