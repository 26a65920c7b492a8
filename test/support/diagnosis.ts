import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { DiagnosisRequest } from '../../src/lib/app/diagnosisMaintenance.ts';
import { Maintenance } from '../../src/lib/app/maintenance.ts';
import { type DiagnosisReport, diagnosis } from '../../src/lib/checks/diagnosisReport.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { ringStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { CertificateProtector } from '../../src/lib/keyRing/protectors/certificate.ts';
import { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { headerOf } from '../../src/lib/payloadHeader.ts';
import { noRecordStore, type RecordStore } from '../../src/lib/runs/recordStore.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { loadPfx, selfSigned } from './certificates.ts';
import { jobDeps } from './testRing.ts';

/** Setups for the diagnosis, and what it says of them. */

export interface Diagnosed {
  report: DiagnosisReport;
  /** `check: cause` of all that is to blame, in order of their names. */
  blamed: string[];
  /** `check: cause` of all that could not be looked at. */
  unknown: string[];
}

export interface DiagnoseOptions extends DiagnosisRequest {
  records?: RecordStore;
  clock?: Clock;
}

/** It begins with a capital, a figure, or the name of a server or table. */
const wholeSentence = /^(?:[^a-z]|[\w-]+[.:]\w).*[.;]$/s;

/** What is said of a cache names the keywords, options and tools of its own engine alone. */
const wordsOf = {
  sqlserver:
    /SQL Server|SqlServerCache|sql-cache|Encrypt=|\b(Max Pool Size|TrustServerCertificate|HostNameInCertificate)\b|VIEW (DATABASE|SERVER) STATE|\bsys\.|DBCC/,
  postgres: /PostgreSQL|PostgresCache|SSL Mode|Maximum Pool Size|Root Certificate=|\bpg_|VACUUM|Npgsql/,
  redis: /Redis|\b(ssl=|sslHost|abortConnect|maxmemory|InstanceName)\b|REDIS_/,
};
const engineOf = (text: string): keyof typeof wordsOf | undefined =>
  text === ''
    ? undefined
    : /^postgres|^Host=/i.test(text)
      ? 'postgres'
      : /^(Server|Data Source)=/i.test(text)
        ? 'sqlserver'
        : 'redis';

/** Runs the diagnosis as the command line does, from settings. */
export async function diagnose(
  env: Record<string, string>,
  { records = noRecordStore, clock = systemClock, ...request }: DiagnoseOptions = {},
): Promise<Diagnosed> {
  const maintenance = new Maintenance(readSettings(env, 'file'), () => undefined, records, clock);
  const { report, error } = await maintenance.diagnosis.diagnose('test', request);
  if (!report) throw new Error(`${error?.code}: ${error?.message}`);
  expect(diagnosis.parse(report)).toEqual(report);
  for (const { check, what, advice } of report.checks)
    for (const text of [what, advice ?? what]) expect(text, check).toMatch(wholeSentence);
  const engine = engineOf(env.TOKEN_CACHE_CONNECTION_STRING ?? '');
  for (const { check, subject, what, advice } of report.checks.filter(({ subject }) => /^cache\b/i.test(subject)))
    for (const [other, theirs] of Object.entries(wordsOf))
      if (engine && other !== engine) expect(`${what} ${advice}`, `${check} of ${subject}`).not.toMatch(theirs);
  const named = (statuses: string[]) =>
    report.checks
      .filter(({ status }) => statuses.includes(status))
      .map(({ check, cause }) => `${check}: ${cause}`)
      .sort();
  return { report, blamed: named(['warning', 'critical']), unknown: named(['unknown']) };
}

export const tenant = randomUUID();
export const client = randomUUID();
export const dayMs = 86_400_000;

export interface CacheEntry {
  key: string;
  value: Buffer;
  /** From now on; negative for an expired one. */
  expiresInMs: number;
  slidingSeconds: number | null;
}

export const userKey = (tid = tenant) => `${randomUUID()}.${tid}`;
export const appKey = (clientId = client) => `${clientId}_${randomUUID()}_AppTokenCache`;

/** As an app writes it with a sliding expiration of 14 days, touched a while ago. */
export function entry(changes: Partial<CacheEntry> = {}): CacheEntry {
  return { key: userKey(), value: plainValue(), expiresInMs: 13 * dayMs, slidingSeconds: 14 * 86_400, ...changes };
}

export const entries = (count: number, changes: () => Partial<CacheEntry> = () => ({})) =>
  Array.from({ length: count }, () => entry(changes()));

export interface PlainOptions {
  tokens?: number;
  resources?: number;
  clientId?: string;
  /** Characters of each token. */
  size?: number;
}

/** MSAL's unified cache schema. Its secrets are the test's own. */
export function plainValue({ tokens = 1, resources = 1, clientId = client, size = 1_500 }: PlainOptions = {}): Buffer {
  const accessTokens = Array.from({ length: tokens }, (_, at) => [
    `account-login.windows.net-accesstoken-${clientId}-${tenant}-scope${at}`,
    {
      client_id: clientId,
      credential_type: 'AccessToken',
      secret: `secret-${randomBytes(Math.ceil(size / 2)).toString('hex')}`,
      target: `https://resource${at % resources}.example/scope${at} https://resource${at % resources}.example/other`,
    },
  ]);
  return Buffer.from(
    JSON.stringify({
      AccessToken: Object.fromEntries(accessTokens),
      RefreshToken: { 'account-refreshtoken': { client_id: clientId, secret: 'secret-refresh-token' } },
      IdToken: {},
      Account: {},
      AppMetadata: {},
    }),
  );
}

/** A Data Protection payload under the key, as far as its first 20 bytes tell. */
export function encryptedValue(keyId: string): Buffer {
  return Buffer.concat([Buffer.from(headerOf(keyId), 'hex'), randomBytes(1_500)]);
}

export interface TestRing {
  /** For KEY_RINGS. */
  settings: Record<string, unknown>;
  /** For the environment. */
  env: Record<string, string>;
  folder: string;
  keyId: string;
  store: FolderStore;
  pfx: { path: string; password: string };
  remove(): Promise<void>;
}

/** A ring in a folder with one key of this tool's, protected by a certificate of its own. */
export async function certificateRing(
  name: string,
  caches: string[] = [],
  validity: { from?: number; to?: number } = {},
): Promise<TestRing> {
  const parent = await mkdtemp(join(tmpdir(), 'diagnosis-ring-'));
  const folder = join(parent, 'keys');
  const path = join(parent, 'certificate.pfx');
  await writeFile(path, selfSigned(name, validity).pfx);
  const store = new FolderStore(folder);
  const protector = new CertificateProtector([await loadPfx({ path })]);
  const deps = jobDeps({ store, clock: systemClock, protector });
  await rotateKeyRing(deps);
  const { defaultKey } = await ringStatus(deps);
  if (!defaultKey) throw new Error('the ring has no default key');
  return {
    settings: {
      name,
      mode: 'manage',
      store: { kind: 'folder', path: folder },
      protector: { kind: 'certificate', certificates: [{ path, passwordSetting: 'RING_PASSWORD' }] },
      caches,
    },
    env: { RING_PASSWORD: 'fixture' },
    folder,
    keyId: defaultKey,
    store,
    pfx: { path, password: 'fixture' },
    remove: () => rm(parent, { recursive: true, force: true }),
  };
}

/** The environment with these rings. */
export function withRings(env: Record<string, string>, ...rings: TestRing[]): Record<string, string> {
  return Object.assign({}, env, ...rings.map((ring) => ring.env), {
    KEY_RINGS: JSON.stringify(rings.map(({ settings }) => settings)),
  });
}
