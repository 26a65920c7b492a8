import { Cron } from 'croner';
import { z } from 'zod';
import { formatDuration, parseDuration } from '../durations.ts';
import type { KeyRingPolicy } from '../keyRing/policy.ts';
import type { CacheSettings, Environment } from './cacheSettings.ts';
import { name, schedule } from './fields.ts';
import type { JobName, SettingProblem } from './problems.ts';

/** The settings of key rings that stand by themselves; docs/settings.md explains each. */
export const keyRingShape = {
  SCHEDULE_KEY_RING: schedule.default('0 41 4 * * *'),
};

/** A wrong schedule stops no job: its timer runs on the default. */
export function jobsOfKeyRingSetting(): JobName[] {
  return [];
}

export type RingStoreSettings =
  | { kind: 'folder'; path: string }
  | { kind: 'blob'; url: string }
  | { kind: 'blob'; connectionString: string; container: string; blob: string }
  | { kind: 'redis'; connectionString: string; key: string };

export type RingProtectorSettings =
  | { kind: 'none' }
  | { kind: 'keyVault'; keyId: string }
  | {
      kind: 'certificate';
      certificates: { path: string; keyPath: string | undefined; password: string | undefined }[];
    };

export interface KeyRingSettings {
  name: string;
  store: RingStoreSettings;
  protector: RingProtectorSettings;
  policy: KeyRingPolicy;
  /** Names of the caches whose entries the ring protects. */
  caches: string[];
}

export interface KeyRingReading {
  rings: KeyRingSettings[];
  problems: SettingProblem[];
}

const settingName = z.string().min(1, 'must name a setting');
const text = z.string().min(1, 'must not be empty');
const days = (count: number) => count * 86_400_000;

/** From the KeyManagementOptions: NewKeyLifetime is 90 days, and refused below a week. */
const leastLifetimeMs = days(7);
const leastLeadMs = days(5);
/** Apps mint when the default expires within their refresh (24 h) and the propagation time (2 days). */
const appsMintMs = days(3);

const duration = z.string().transform((value, context) => {
  const ms = parseDuration(value);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: 'must be an ISO 8601 duration, such as P14D' });
  return z.NEVER;
});

const store = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('folder'), path: text }),
    z.strictObject({
      kind: z.literal('blob'),
      url: z.url({ protocol: /^https?$/, error: 'must be the URL of the blob' }).optional(),
      connectionStringSetting: settingName.optional(),
      container: text.optional(),
      blob: text.optional(),
    }),
    z.strictObject({
      kind: z.literal('redis'),
      connectionStringSetting: settingName,
      key: text.default('DataProtection-Keys'),
    }),
  ],
  { error: 'must have the kind blob, folder or redis' },
);

const protector = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({
      kind: z.literal('keyVault'),
      keyId: z
        .string()
        .regex(
          /^https:\/\/[^/?#]+\/keys\/[0-9A-Za-z-]+(\/[0-9A-Za-z]+)?$/,
          'must be the identifier of a Key Vault key: https://VAULT/keys/NAME',
        ),
    }),
    z.strictObject({
      kind: z.literal('certificate'),
      certificates: z
        .array(z.strictObject({ path: text, keyPath: text.optional(), passwordSetting: settingName.optional() }))
        .min(1, 'must name at least one certificate'),
    }),
  ],
  { error: 'must have the kind keyVault, certificate or none' },
);

const entrySchema = z.strictObject({
  name,
  mode: z.enum(['observe', 'manage'], { error: 'must be observe or manage' }).default('observe'),
  store,
  protector,
  lifetime: duration.prefault('P90D'),
  lead: duration.prefault('P14D'),
  rewrapAfter: z.union([z.literal('never').transform(() => undefined), duration]).prefault('P7D'),
  prune: z.boolean({ error: 'must be true or false' }).default(false),
  pruneAfter: duration.prefault('P365D'),
  caches: z.array(name).default([]),
});
type Entry = z.infer<typeof entrySchema>;

/** The rings of KEY_RINGS. Never throws: what is wrong stands in `problems`, and the other rings can be used. */
export function readKeyRings(env: Environment, timer: string, caches: readonly CacheSettings[]): KeyRingReading {
  const setting = 'KEY_RINGS';
  if (!env.KEY_RINGS?.trim()) return { rings: [], problems: [] };
  const list = parseList(env.KEY_RINGS);
  if (!list) {
    const message =
      'must be a JSON list of rings: [{ "name": …, "mode": "observe", "store": { … }, "protector": { … } }]';
    return { rings: [], problems: [{ setting, message, jobs: ['keyRing'] }] };
  }
  const rings: KeyRingSettings[] = [];
  const problems: SettingProblem[] = [];
  for (const [index, item] of list.entries()) {
    const parsed = entrySchema.safeParse(item);
    const label = name.safeParse((item as { name?: unknown } | null)?.name);
    // A ring whose name cannot be used stops no other.
    const concern = label.success ? { ring: label.data } : {};
    const report = (at: string, message: string) =>
      problems.push({
        setting: `${setting}[${index}]${at}`,
        message,
        jobs: label.success ? ['keyRing'] : [],
        ...concern,
      });
    if (!parsed.success) {
      for (const { path, message } of parsed.error.issues)
        report(path.map((part) => `.${String(part)}`).join(''), message);
      continue;
    }
    if (rings.some((ring) => ring.name === parsed.data.name)) {
      report('.name', `must be unique; ${parsed.data.name} is there twice`);
      continue;
    }
    for (const [at, message] of checkBounds(parsed.data, timer, caches)) report(at, message);
    const completed = complete(parsed.data, env);
    if ('missing' in completed) problems.push({ ...completed.missing, jobs: ['keyRing'], ...concern });
    else rings.push(completed);
  }
  const broken = new Set(problems.map(({ ring }) => ring));
  return { rings: rings.filter((ring) => !broken.has(ring.name)), problems };
}

function parseList(json: string): unknown[] | undefined {
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) && list.length > 0 ? list : undefined;
  } catch {
    return undefined;
  }
}

/** The bounds that hold between settings, with the reason for each. */
function checkBounds(entry: Entry, timer: string, caches: readonly CacheSettings[]): [string, string][] {
  const found: [string, string][] = [];
  const interval = longestIntervalMs(timer);
  if (entry.lifetime < leastLifetimeMs)
    found.push(['.lifetime', 'must be at least P7D: .NET refuses shorter lifetimes']);
  if (entry.lead < leastLeadMs) {
    found.push([
      '.lead',
      'must be at least P5D: apps publish a key of their own when the default has 3 days left, and need a day to read ours',
    ]);
  } else if (entry.lead < appsMintMs + interval) {
    found.push([
      '.lead',
      `must be at least ${formatDuration(appsMintMs + interval)}: the timer of SCHEDULE_KEY_RING may let ${formatDuration(interval)} pass, and apps publish a key of their own when the default has 3 days left`,
    ]);
  }
  if (entry.lead >= entry.lifetime)
    found.push(['.lead', 'must be less than the lifetime: a key would be due before its predecessor is used']);
  if (entry.prune && entry.pruneAfter < days(1)) found.push(['.pruneAfter', 'must be at least P1D']);
  for (const cache of entry.caches.filter((wanted) => !caches.some((known) => known.name === wanted))) {
    found.push(['.caches', `names ${cache}, which is no cache of the settings`]);
  }
  return found;
}

/** The longest time between two runs of an NCRONTAB schedule, over its next fifty. */
function longestIntervalMs(expression: string): number {
  const runs = new Cron(expression, { paused: true, mode: '6-part', timezone: 'UTC' }).nextRuns(50);
  return runs
    .slice(1)
    .reduce((longest, run, index) => Math.max(longest, run.getTime() - (runs[index]?.getTime() ?? 0)), 0);
}

function complete(entry: Entry, env: Environment): KeyRingSettings | { missing: { setting: string; message: string } } {
  const missing = (setting: string, what: string) => ({
    missing: { setting, message: `is not set. It must hold ${what}` },
  });
  const { store: place } = entry;
  let storeSettings: RingStoreSettings;
  if (place.kind === 'folder') storeSettings = place;
  else if (place.kind === 'blob' && place.url) storeSettings = { kind: 'blob', url: place.url };
  else {
    const setting = place.connectionStringSetting;
    if (!setting || (place.kind === 'blob' && !(place.container && place.blob))) {
      return {
        missing: {
          setting: 'KEY_RINGS',
          message: 'must give a blob as url, or as connectionStringSetting, container and blob',
        },
      };
    }
    const connectionString = env[setting]?.trim();
    if (!connectionString) return missing(setting, 'the connection string of the ring');
    storeSettings =
      place.kind === 'redis'
        ? { kind: 'redis', connectionString, key: place.key }
        : { kind: 'blob', connectionString, container: place.container ?? '', blob: place.blob ?? '' };
  }
  const { protector: guard } = entry;
  let protectorSettings: RingProtectorSettings;
  if (guard.kind === 'certificate') {
    const unset = guard.certificates.find(
      ({ passwordSetting }) => passwordSetting && env[passwordSetting] === undefined,
    );
    if (unset?.passwordSetting) return missing(unset.passwordSetting, 'the password of a certificate');
    const certificates = guard.certificates.map(({ path, keyPath, passwordSetting }) => ({
      path,
      keyPath,
      password: passwordSetting ? env[passwordSetting] : undefined,
    }));
    protectorSettings = { kind: 'certificate', certificates };
  } else protectorSettings = guard;
  return {
    name: entry.name,
    store: storeSettings,
    protector: protectorSettings,
    caches: entry.caches,
    policy: {
      mode: entry.mode,
      lifetimeMs: entry.lifetime,
      leadMs: entry.lead,
      rewrapAfterMs: entry.rewrapAfter,
      prune: entry.prune,
      pruneAfterMs: entry.pruneAfter,
    },
  };
}
