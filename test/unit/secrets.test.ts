import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { openTable } from '../../src/lib/app/cacheTables.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

/** A secret that no other place has. */
const canary = () => `c4nary${randomUUID()}`;
const instrumentationKey = '11111111-aaaa-2222-bbbb-333333333333';
const secretText = new RegExp(`c4nary|${instrumentationKey}`, 'i');

const entra = 'Authentication=Active Directory Service Principal;Tenant ID=t';
const key = `?sslcert=${file('client.pem', 'certificate')}&sslkey=${file('client.key', canary())}`;
/** Connection strings by kind, with the secret in every spelling. */
const strings = {
  sqlserver: [
    `Server=s;User ID=u;Password=${canary()}`,
    `Data Source=s;uid=u;PWD="${canary()};${canary()}"`,
    `Server=s;User ID=u;Password=${canary()};${entra}`,
  ],
  postgres: [
    `Host=h;Username=u;Password=${canary()}`,
    `Server=h;Uid=u;pwd="${canary()}"`,
    `postgres://u:${canary()}@h/d`,
    `postgresql://u@h/d?password=${canary()}`,
    `postgres://u:${canary()}@h/d${key}`,
    `postgres://u@h/d?sslpassword=${canary()}&passwd=${canary()}&options=-c%20geqo%3Doff`,
  ],
  redis: [
    `h:6380,password=${canary()},ssl=True`,
    `h,PASSWORD=${canary()},User=u`,
    `redis://u:${canary()}@h`,
    `rediss://:${canary()}@h/1?password=${canary()}`,
  ],
};
const account = `AccountName=a;AccountKey=${canary().replaceAll('-', '')}AA`;
const stores = {
  RING_REDIS: `h:6380,password=${canary()},ssl=True`,
  RING_URL: `rediss://u:${canary()}@h`,
  RING_ACCOUNT: `DefaultEndpointsProtocol=https;${account};EndpointSuffix=core.windows.net`,
  RING_SIGNED: `BlobEndpoint=https://a.blob.core.windows.net;SharedAccessSignature=sv=1&sig=${canary()}`,
};
const blobs = [
  { url: `https://a.blob.core.windows.net/keys/ring.xml?sv=1&sig=${canary()}` },
  { url: `https://u:${canary()}@a.blob.core.windows.net/keys/ring.xml?code=${canary()}` },
  ...['RING_ACCOUNT', 'RING_SIGNED'].map((setting) => ({
    connectionStringSetting: setting,
    container: 'k',
    blob: 'b',
  })),
].map((place) => ({ kind: 'blob', ...place }));
const redisStores = ['RING_REDIS', 'RING_URL'].map((setting) => ({ kind: 'redis', connectionStringSetting: setting }));

const caches = Object.entries(strings).flatMap(([engine, texts]) =>
  texts.map((text, index) => ({
    name: `${engine}-${index}`,
    engine,
    text,
    setting: `${engine}_${index}`.toUpperCase(),
  })),
);
const env = {
  ...Object.fromEntries(caches.map(({ setting, text }) => [setting, text])),
  ...stores,
  TOKEN_CACHES: JSON.stringify(
    caches.map(({ name, engine, setting }) => ({ name, engine, connectionStringSetting: setting })),
  ),
  KEY_RINGS: JSON.stringify(
    [...blobs, ...redisStores].map((store, index) => ({
      name: `ring-${index}`,
      store,
      protector: { kind: 'certificate', certificates: [{ path: '/c.pfx', passwordSetting: 'RING_PASSWORD' }] },
    })),
  ),
  RING_PASSWORD: canary(),
  AzureWebJobsStorage: `DefaultEndpointsProtocol=https;${account}`,
  APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${instrumentationKey};IngestionEndpoint=https://i.example/`,
  OTEL_EXPORTER_OTLP_ENDPOINT: `https://u:${canary()}@collector:4318`,
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=${canary()}`,
};

/** All that anybody could print of a value, and every text that hangs on it, whatever hides it from a printer. */
function shown(value: unknown): string {
  const deep = { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true, maxStringLength: null } as const;
  const lines = [JSON.stringify(value), inspect(value, deep), inspect(value, { ...deep, customInspect: false })];
  const seen = new Set<unknown>();
  const walk = (part: unknown): void => {
    if (typeof part === 'string') lines.push(part);
    if (typeof part !== 'object' || part === null || seen.has(part)) return;
    seen.add(part);
    lines.push(`${part}`, `${JSON.stringify(part)}`);
    for (const name of Reflect.ownKeys(part)) {
      lines.push(String(name));
      walk(Reflect.get(part, name));
    }
  };
  walk(value);
  return lines.join('\n');
}

/** The secrets within, told apart by what they reveal. */
function secretsIn(value: unknown): string[] {
  if (value instanceof Secret) return [value.reveal()];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(secretsIn) : [];
}

describe('a secret', () => {
  it('shows itself to nobody who does not ask', () => {
    const secret = new Secret('c4nary');
    expect(shown({ secret })).not.toMatch(secretText);
    expect(shown(secret)).toContain('***');
    expect(secret.reveal()).toBe('c4nary');
  });
});

describe('what the settings read', () => {
  const settings = readSettings(env, 'table');
  const { sqlCaches, redisCaches, rings, ...rest } = settings;
  const subjects = [...sqlCaches, ...redisCaches, ...rings];

  it('is every kind of subject, each with its secrets', () => {
    expect(settings.problems).toEqual([]);
    expect(new Set(subjects.map(({ kind }) => kind))).toEqual(new Set(['sqlserver', 'postgres', 'redis', 'keyRing']));
    const withoutAny = subjects.filter((subject) => !secretsIn(subject).some((text) => secretText.test(text)));
    // One whose password stands under names that nobody reads.
    expect(withoutAny.map(({ name }) => name)).toEqual(['postgres-5']);
    expect(secretsIn(rest).filter((text) => secretText.test(text))).toHaveLength(4);
  });

  it.each(subjects.map((subject) => [subject.name, subject] as const))('shows no secret of %s', (_, subject) => {
    expect(shown(subject)).not.toMatch(secretText);
  });

  it('shows no secret as a whole', () => {
    expect(shown(settings)).not.toMatch(secretText);
  });

  it.each(sqlCaches.map((cache) => [cache.name, cache] as const))('shows none of the table of %s', async (_, cache) => {
    const table = await openTable(cache, 1_000, systemClock);
    expect(shown(table)).not.toMatch(secretText);
    await table.close();
  });

  it('shows none in what is wrong with it', () => {
    const broken = ['', '=', ';', ',ssl=perhaps', ';Encrypt=perhaps;SSL Mode=perhaps', '%zz'];
    const names = caches.flatMap(({ text, engine }) =>
      broken.map((end, index) => ({ engine, text: index % 2 === 0 ? `${text}${end}` : text.replace(/=/, end) })),
    );
    const { problems } = readSettings(
      {
        ...Object.fromEntries(names.map(({ text }, index) => [`S${index}`, text])),
        TOKEN_CACHES: JSON.stringify(
          names.map(({ engine }, index) => ({ name: `c${index}`, engine, connectionStringSetting: `S${index}` })),
        ),
        KEY_RINGS: env.KEY_RINGS.replaceAll('"keys', '"').replaceAll('https:', 'ftp:'),
        APPLICATIONINSIGHTS_CONNECTION_STRING: `${instrumentationKey};c4nary`,
      },
      'table',
    );
    expect(problems.length).toBeGreaterThan(20);
    expect(shown(problems)).not.toMatch(secretText);
  });

  it.each([
    [
      'the field that names a setting',
      { TOKEN_CACHES: [{ name: 'w', connectionStringSetting: 'Server=s;Password=c4nary' }] },
    ],
    ['a setting of a ring in Redis', { store: { kind: 'redis', connectionStringSetting: 'h,password=c4nary' } }],
    [
      'the setting of a password',
      { protector: { kind: 'certificate', certificates: [{ path: '/x.pfx', passwordSetting: 'p/w=c4nary' }] } },
    ],
    ['a blob without a host', { store: { kind: 'blob', url: 'http://acct:port/k/r?sv=1&sig=c4nary' } }],
    ['the address of a vault', { protector: { kind: 'keyVault', keyId: 'https://u:c4nary@v.vault.azure.net/keys/a' } }],
    ['the name of a field of a cache', { TOKEN_CACHES: [{ name: 'w', connectionStringSetting: 'A', 'c4nary=x': 1 }] }],
    ['the name of a field of a ring', { 'Password=c4nary': true }],
    ['the name of a cache of a ring', { caches: ['c4nary'] }],
    ['the folder of a ring', { store: { kind: 'folder', path: 'Server=h;Password=c4nary' } }],
    ['the path of a blob', { store: { kind: 'blob', url: 'https://a.blob.core.windows.net/k/r%3Fsig=c4nary' } }],
    ['the address of the runbook', { env: { RUNBOOK_URL: 'https://u:c4nary@host/docs' } }],
    ['the name of a check', { env: { FINDING_LEVELS: 'smb://u:c4nary@h=off' } }],
    ['another language', { TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Username=u;Database=d Passwort=c4nary' }],
    ['the name of a table', { env: { TOKEN_CACHE_TABLE: 'Host=h;Password=c4nary' } }],
    ['the address of Azure Monitor', { env: { REDIS_METRICS_ENDPOINT: 'https://u:c4nary@management.azure.com' } }],
    ['the query of that address', { env: { REDIS_METRICS_ENDPOINT: 'https://management.azure.com/?sig=c4nary' } }],
    ['a schedule', { env: { SCHEDULE_PURGE: 'Password=c4nary' } }],
    ['a time zone', { env: { WEBSITE_TIME_ZONE: 'Password=c4nary' } }],
    ['the storage account', { env: { AzureWebJobsStorage: 'Host=h;Password=c4nary' } }],
    ['the address of the storage account', { env: { AzureWebJobsStorage__tableServiceUri: 'Password=c4nary' } }],
    ['an engine', { env: { TOKEN_CACHE_ENGINE: 'Password=c4nary' } }],
    ['Redis without its keyword', { TOKEN_CACHE_CONNECTION_STRING: 'h:6380,c4nary=,ssl=True' }],
    ['Redis before its hosts', { TOKEN_CACHE_CONNECTION_STRING: 'c4nary+/=,h:6380,ssl=True' }],
    ['a keyword of PostgreSQL', { TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Username=u;Password=a;c4nary=b' }],
    ['a keyword of SQL Server', { TOKEN_CACHE_CONNECTION_STRING: 'Data Source=h;User ID=u;Password=a;c4nary=b' }],
    ["libpq's own form", { TOKEN_CACHE_CONNECTION_STRING: 'host=h port=5432 user=u password=c4nary' }],
    ['another separator', { TOKEN_CACHE_CONNECTION_STRING: 'Host=h,Username=u,Password=c4nary' }],
    ['a URI as the host', { TOKEN_CACHE_CONNECTION_STRING: 'Host=postgres://u:c4nary@h/d;Username=u' }],
    ['a missing separator', { TOKEN_CACHE_CONNECTION_STRING: 'Server=h Password=c4nary;User ID=u;Password=x' }],
    ['a login before the server', { TOKEN_CACHE_CONNECTION_STRING: 'Server=u:c4nary@h;User ID=u;Password=x' }],
  ])('shows none that was typed into %s, and says that it is wrong', (_, typed) => {
    const { TOKEN_CACHES, TOKEN_CACHE_CONNECTION_STRING, env: others, ...ring } = typed as Record<string, unknown>;
    const store = { kind: 'folder', path: '/keys' };
    const { problems, ...read } = readSettings(
      {
        ...(TOKEN_CACHES !== undefined && { TOKEN_CACHES: JSON.stringify(TOKEN_CACHES) }),
        ...(others !== undefined && { TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Username=u;Password=p', ...others }),
        ...(typeof TOKEN_CACHE_CONNECTION_STRING === 'string' && { TOKEN_CACHE_CONNECTION_STRING }),
        KEY_RINGS: JSON.stringify([{ name: 'r', store, protector: { kind: 'none' }, ...ring }]),
      },
      'table',
    );
    expect(problems.length).toBeGreaterThan(0);
    expect(shown({ problems, read })).not.toMatch(secretText);
  });

  it('reads an address with a stray % as it stands', () => {
    const store = { kind: 'blob', url: 'https://a.blob.core.windows.net/keys/100%.xml' };
    const KEY_RINGS = JSON.stringify([{ name: 'r', store, protector: { kind: 'none' } }]);
    expect(readSettings({ KEY_RINGS }, 'table').rings).toMatchObject([{ store: { blob: '100%.xml' } }]);
  });
});
