import { z } from 'zod';
import { inZone, neverFires } from '../schedules.ts';
import { appSettings, appShape } from './appSettings.ts';
import { readCaches } from './cacheSettings.ts';
import {
  disabledFunctions,
  type Environment,
  givenSettings,
  unresolvedReference,
  usesEasyAuth,
} from './environment.ts';
import { flag, schedule, timeZone } from './fields.ts';
import { findingPolicy, findingShape } from './findingSettings.ts';
import { formsOf } from './forms.ts';
import { readKeyRings } from './keyRingSettings.ts';
import { type JobName, readOne, type SettingProblem } from './problems.ts';
import { queueSettings, queueShape } from './queueSettings.ts';
import { readRecordStore, recordStoreShape } from './recordStoreSettings.ts';
import { redisSettings, redisShape } from './redisSettings.ts';
import { purgePolicy, sqlCacheShape } from './sqlCacheSettings.ts';
import { storageAddress } from './storageSettings.ts';
import { telemetryEndpoint, telemetrySettings, telemetryShape } from './telemetrySettings.ts';

const schema = z.object({
  ...sqlCacheShape,
  ...redisShape,
  ...appShape,
  SCHEDULE_KEY_RING: schedule.default('0 41 4 * * *').meta({ description: 'When `rotateKeyRing` runs.' }),
  WEBSITE_TIME_ZONE: timeZone
    .default('UTC')
    .meta({ description: 'The time zone of all schedules, as the host takes it.' }),
  ...recordStoreShape,
  ALLOW_CLEAR: flag.prefault('false').meta({
    description:
      '`true` lets `POST /api/clear` delete every entry of a cache. The command line needs no such setting. Leave it unset in between.',
  }),
  ...telemetryShape,
  ...queueShape,
  ...findingShape,
});
type Values = z.infer<typeof schema>;
export type SettingName = keyof Values;

/** Every setting that this reader knows, for the documents' test. */
export const settingNames = Object.keys(schema.shape) as SettingName[];

export const settingForms = () => formsOf(schema.shape);

/** The settings of this process: its environment is looked at here, and nowhere else. */
export function processSettings(defaultRecordStore: 'file' | 'table') {
  return readSettings(process.env, defaultRecordStore);
}

export type Settings = ReturnType<typeof readSettings>;

/**
 * Reads the settings once. Never throws: what is wrong stands in `problems`, and the rest can be used. A wrong setting
 * has its default here; `stops` says which jobs must not run with it.
 */
export function readSettings(environment: Environment, defaultRecordStore: 'file' | 'table') {
  const { env, warnings, unresolved } = givenSettings(environment, isPassword(environment));
  const given = Object.fromEntries(settingNames.map((key) => [key, env[key]]));
  const parsed = schema.safeParse(given);
  const problems: SettingProblem[] = (parsed.error?.issues ?? []).map(({ path, message }) => {
    const setting = String(path[0]);
    const jobs = jobsOf(setting);
    return { setting, message, ...(jobs && { jobs }) };
  });
  const wrong = new Set(problems.map(({ setting }) => setting));
  const values: Values =
    parsed.data ?? schema.parse(Object.fromEntries(Object.entries(given).filter(([key]) => !wrong.has(key))));
  const at = (expression: string) => inZone(expression, values.WEBSITE_TIME_ZONE);
  // NCRONTAB, each with its time zone (`schedules.ts`).
  const schedules = {
    purge: at(values.SCHEDULE_PURGE),
    index: at(values.SCHEDULE_INDEX),
    counts: at(values.SCHEDULE_COUNTS),
    redis: at(values.SCHEDULE_REDIS),
    apps: at(values.SCHEDULE_APPS),
    keyRing: at(values.SCHEDULE_KEY_RING),
    findings: at(values.SCHEDULE_FINDINGS),
  };
  const never = settingNames.filter((name) => name.startsWith('SCHEDULE_') && neverFires(String(values[name])));
  const storage = readStorage(env, unresolved);
  const { tables, queues, blobs } = storage;
  const redis = { authentication: values.REDIS_AUTHENTICATION, ca: values.REDIS_CA_FILE };
  const { sqlCaches, redisCaches, webApps, names, ...caches } = readCaches(env, redis);
  const cacheNames = [...names.sqlCaches, ...names.redisCaches];
  const rings = readKeyRings(env, { timer: schedules.keyRing, caches: cacheNames, redis });
  return {
    sqlCaches,
    redisCaches,
    webApps,
    rings: rings.rings,
    // All subjects, those that cannot be used included: their runs fail with the reason.
    names: { ...names, rings: rings.names },
    schedules,
    findings: findingPolicy(values, schedules.findings, values.PURGE_GRACE),
    // Where the runbook is read: an address, or a path in the repository.
    runbook: values.RUNBOOK_URL,
    purge: purgePolicy(values),
    // Rows that a run deletes at most; undefined for no limit.
    purgeRowLimit: values.PURGE_ROW_LIMIT,
    statementTimeoutMs: values.STATEMENT_TIMEOUT,
    redis: redisSettings(values),
    apps: appSettings(values),
    // Whether caches may be cleared over HTTP.
    allowClear: values.ALLOW_CLEAR,
    // A diagnosis sees whether it can be reached.
    telemetryEndpoint: telemetryEndpoint(env),
    // Whether the platform signs callers in, and says who they are.
    easyAuth: usesEasyAuth(env),
    // Whether a terminal may be given colours (no-color.org).
    colours: !env.NO_COLOR,
    // Whether a terminal can write a line anew, as it does to show progress.
    rewrites: env.TERM !== 'dumb',
    recordStore: readRecordStore(
      values.RECORD_STORE,
      env,
      defaultRecordStore,
      tables ?? (storage.wrong ? 'wrong' : undefined),
    ),
    telemetry: telemetrySettings(values, wrong),
    queue: queueSettings(values, { queues, blobs }),
    disabledFunctions: disabledFunctions(environment),
    // All of them, so that a reader can fix them in one go. Subjects that they concern are in `names` alone.
    problems: withReferences(unresolved, [
      ...problems,
      // A problem with the caches stops no key ring.
      ...caches.problems.map((problem) => ({
        jobs: ['purge', 'index', 'counts', 'clear', 'redis'] as const,
        ...problem,
      })),
      ...rings.problems,
      ...storage.problems,
    ]),
    // What was put right, guessed or is not followed: told once, and every run goes on.
    warnings: [
      ...warnings,
      ...never.map((setting): SettingProblem => ({ setting, message: 'never fires: no day of any year fits it' })),
      ...caches.warnings,
      ...rings.warnings,
    ],
  };
}

/** The app's own storage account: what is wrong with it stops no run, since the caches lie elsewhere. */
function readStorage(env: Environment, unresolved: ReadonlySet<string>) {
  const problems: SettingProblem[] = [];
  const at = (service: 'blob' | 'queue' | 'table') =>
    readOne(problems, { jobs: [], runsGoOn: true }, () => storageAddress(service, env))[0];
  const [tables, queues, blobs] = [at('table'), at('queue'), at('blob')];
  const told = new Map(problems.map((problem) => [`${problem.setting} ${problem.message}`, problem]));
  const wrong = problems.length > 0 || [...unresolved].some((name) => name.startsWith('AzureWebJobsStorage'));
  return { tables, queues, blobs, wrong, problems: [...told.values()] };
}

/** A setting that Azure did not resolve is not simply missing, nor is it of the wrong form. */
function withReferences(unresolved: ReadonlySet<string>, problems: SettingProblem[]): SettingProblem[] {
  const told = problems.map((problem) =>
    unresolved.has(problem.setting) ? { ...problem, message: unresolvedReference } : problem,
  );
  const others = [...unresolved].filter((name) => !problems.some(({ setting }) => setting === name));
  return [
    ...told,
    ...others.map((setting) => {
      if (setting.startsWith('AzureWebJobsStorage'))
        return { setting, message: unresolvedReference, jobs: [], runsGoOn: true as const };
      const jobs = jobsOf(setting);
      return { setting, message: unresolvedReference, ...(jobs && { jobs }) };
    }),
  ];
}

/** Passwords of certificates may well begin or end with what elsewhere is left out. */
function isPassword({ KEY_RINGS = '' }: Environment): (name: string) => boolean {
  const named = new Set([...KEY_RINGS.matchAll(/"passwordSetting"\s*:\s*"([^"]+)"/g)].map(([, name]) => name));
  return (name) => named.has(name);
}

/** The jobs that a wrong setting stops; undefined for all. A wrong schedule stops none: its timer runs on the default. */
function jobsOf(setting: string): JobName[] | undefined {
  if (setting.startsWith('SCHEDULE_') || setting === 'WEBSITE_TIME_ZONE') return [];
  if (setting in redisShape) return ['redis', 'clear'];
  if (setting in appShape) return ['app'];
  if (setting in sqlCacheShape) {
    if (setting.startsWith('PURGE_')) return ['purge', 'clear'];
    return setting.startsWith('EXPIRY_INDEX_') ? ['purge', 'index'] : ['purge', 'index', 'counts', 'clear'];
  }
  // A wrong one of these has its default, which for ALLOW_CLEAR forbids, and stops nothing: it is said at each run.
  const harmless = { ...queueShape, ...telemetryShape, ...findingShape };
  return setting === 'ALLOW_CLEAR' || setting in harmless ? [] : undefined;
}

/** The names of the rings that protect a cache's entries. One whose settings are wrong may be among them. */
export function ringsOf({ rings, names }: Pick<Settings, 'rings' | 'names'>, cache: string): string[] {
  const tied = rings.filter(({ caches }) => caches.includes(cache)).map(({ name }) => name);
  const wrong = names.rings.filter((each) => !rings.some(({ name }) => name === each));
  return tied.length === 0 ? [] : [...tied, ...wrong];
}
