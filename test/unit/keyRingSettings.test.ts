import { describe, expect, it } from 'vitest';
import { describeProblem, stops, stopsRing } from '../../src/lib/settings/problems.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';

const folder = { kind: 'folder', path: '/keys' };
const base = { name: 'web', store: folder, protector: { kind: 'none' } };
const day = 86_400_000;
const read = (rings: unknown, env: Record<string, string> = {}) =>
  readSettings({ KEY_RINGS: JSON.stringify(rings), ...env }, 'table');
const messages = (rings: unknown, env?: Record<string, string>) =>
  read(rings, env).problems.map(describeProblem).join('\n');

describe('the settings of key rings', () => {
  it('observe by default, with a lifetime of 90 days and a lead of 14', () => {
    expect(read([base])).toMatchObject({
      problems: [],
      schedules: { keyRing: '0 41 4 * * *' },
      rings: [
        {
          name: 'web',
          store: folder,
          protector: { kind: 'none' },
          caches: [],
          policy: {
            mode: 'observe',
            lifetimeMs: 90 * day,
            leadMs: 14 * day,
            rewrapAfterMs: 7 * day,
            prune: false,
            pruneAfterMs: 365 * day,
          },
        },
      ],
    });
  });

  it('need no cache beside them, and are not stopped by a wrong one', () => {
    expect(read([base]).names).toEqual({ sqlCaches: [], redisCaches: [], rings: ['web'] });
    const { problems, rings } = read([base], { TOKEN_CACHE_CONNECTION_STRING: 'nonsense here' });
    expect(rings).toHaveLength(1);
    expect(problems).toHaveLength(1);
    expect(problems.some((problem) => stopsRing(problem, 'web'))).toBe(false);
  });

  it.each([
    [{ lead: 'P4D' }, /KEY_RINGS\[0\]\.lead must be at least P5D: apps publish a key of their own/],
    [{ lead: 'P90D' }, /lead must be at least P3D less than the lifetime/],
    [{ lifetime: 'P6D' }, /lifetime must be at least P7D: \.NET refuses/],
    [{ lifetime: 'P7D', lead: 'P5D' }, /lead must be at least P3D less than the lifetime/],
    [{ lifetime: 'P10D' }, /lead must be at least P3D less than the lifetime/],
    [{ lead: 'two weeks' }, /lead must be an ISO 8601 duration/],
    [{ mode: 'maybe' }, /mode must be observe or manage/],
    [{ store: { kind: 'ftp' } }, /store\.kind must have the kind blob, folder, redis, sqlserver or postgres/],
    [{ store: { kind: 'blob' } }, /must give a blob as url, or as/],
    [
      { store: { kind: 'blob', url: 'https://x.blob.core.windows.net/keys?sig=x' } },
      /must end in the name of the blob/,
    ],
    [{ store: { kind: 'redis', connectionStringSetting: 'RING' } }, /RING is not set/],
    [{ store: { kind: 'sqlserver', connectionStringSetting: 'RING' } }, /RING is not set/],
    [{ store: { kind: 'postgres', connectionStringSetting: 'RING', table: 'a.b.c' } }, /RING is not set/],
    [{ protector: { kind: 'keyVault', keyId: 'http://v/keys/k' } }, /keyId must be the identifier of a Key Vault key/],
    [{ protector: { kind: 'certificate', certificates: [] } }, /must name at least one certificate/],
    [{ protector: { kind: 'certificate', certificates: [{ path: 'a', passwordSetting: 'PW' }] } }, /PW is not set/],
    [{ caches: ['other'] }, /must name caches of the settings alone/],
    [{ colour: 'red' }, /has a field that is not known/],
    [{ prune: 'yes' }, /prune must be true or false/],
    [{ rewrapAfter: 'soon' }, /rewrapAfter must be never, or an ISO 8601 duration/],
  ])('refuse %j with the reason', (change, expected) => {
    const { problems, rings } = read([{ ...base, ...change }]);
    expect(problems.map(describeProblem).join('\n')).toMatch(expected);
    expect(rings).toEqual([]);
    expect(problems.some((problem) => stopsRing(problem, 'web'))).toBe(true);
    expect(problems.some((problem) => stopsRing(problem, 'other') || stops(problem, 'purge', 'web'))).toBe(false);
  });

  it('take the limits themselves', () => {
    expect(messages([{ ...base, lifetime: 'P8D', lead: 'P5D' }])).toBe('');
    expect(messages([{ ...base, rewrapAfter: 'never' }])).toBe('');
  });

  it('want more lead where the timer runs less often', () => {
    const env = { SCHEDULE_KEY_RING: '0 0 4 * * 1' };
    expect(messages([{ ...base, lead: 'P9D' }], env)).toMatch(
      /lead must be at least P10D: the timer of SCHEDULE_KEY_RING may let P7D pass/,
    );
    expect(messages([{ ...base, lead: 'P10D' }], env)).toBe('');
  });

  it.each(['{}', '[]', 'nonsense', '[1]', '[null]'])('refuse KEY_RINGS=%s', (text) => {
    expect(readSettings({ KEY_RINGS: text }, 'table').problems.length).toBeGreaterThan(0);
  });

  it('leave the rings that are right usable, and say no secret', () => {
    const rings = [base, { ...base, name: 'api', lead: 'P1D' }, { ...base }, { ...base, name: 'Bad Name' }];
    const { problems, rings: usable } = read(rings, { RING: 'host,password=secret-1' });
    expect(usable.map(({ name }) => name)).toEqual([]);
    expect(problems.map(({ ring }) => ring)).toEqual(['web', undefined, 'api']);
    expect(problems.map(describeProblem).join()).not.toContain('secret-1');
    expect(read([base, { ...base, name: 'api', lead: 'P1D' }]).rings.map(({ name }) => name)).toEqual(['web']);
  });

  it('find their secrets by the name of a setting', () => {
    const store = { kind: 'redis', connectionStringSetting: 'RING' };
    expect(read([{ ...base, store }], { RING: 'h:6380,password=p,ssl=True' }).rings[0]?.store).toMatchObject({
      kind: 'redis',
      connection: { endpoints: [{ host: 'h', port: 6380 }], tls: true },
      key: 'DataProtection-Keys',
    });
    expect(messages([{ ...base, store }], { RING: 'h:6380,password=secret-1,ssl=perhaps' })).toMatch(
      /^RING cannot be used: The Redis connection string cannot be used: `ssl` must be true, false.*.* \(ring web\)\.$/,
    );
    const blob = { kind: 'blob', connectionStringSetting: 'RING', container: 'keys', blob: 'keys.xml' };
    expect(read([{ ...base, store: blob }], { RING: 'x' }).rings[0]?.store).toMatchObject({
      kind: 'blob',
      container: 'keys',
      blob: 'keys.xml',
    });
  });

  it('name a table of Entity Framework letter by letter, in the schema of the engine unless they say another', () => {
    const [postgres, sqlServer] = ['Host=h;Username=u;Password=p', 'Server=h;User ID=u;Password=secret-1'];
    const storeOf = (kind: string, RING: string, table?: string) =>
      read([{ ...base, store: { kind, connectionStringSetting: 'RING', table } }], { RING }).rings[0]?.store;
    expect(storeOf('postgres', postgres)).toMatchObject({
      kind: 'postgres',
      connection: { host: 'h' },
      table: { schema: 'public', table: 'DataProtectionKeys' },
    });
    expect(storeOf('postgres', postgres, 'Auth."My Keys"')).toMatchObject({
      table: { schema: 'Auth', table: 'My Keys' },
    });
    expect(storeOf('sqlserver', sqlServer)).toMatchObject({
      kind: 'sqlserver',
      table: { schema: 'dbo', table: 'DataProtectionKeys' },
    });
    const store = { kind: 'sqlserver', connectionStringSetting: 'RING', table: 'a.b.c' };
    expect(messages([{ ...base, store }], { RING: sqlServer })).toMatch(/^KEY_RINGS cannot be used: .*\(ring web\)\.$/);
    expect(messages([{ ...base, store }], { RING: `${sqlServer};Encrypt=perhaps` })).not.toContain('secret-1');
  });

  it.each([
    [
      'https://a.blob.core.windows.net/keys/ring.xml',
      { container: 'keys', blob: 'ring.xml', address: { endpoint: 'https://a.blob.core.windows.net' } },
    ],
    ['https://a.blob.core.windows.net/keys/a%20b/ring.xml?sv=1&sig=x', { container: 'keys', blob: 'a b/ring.xml' }],
  ])('split the URL of a blob: %s', (url, expected) => {
    const { rings } = read([{ ...base, store: { kind: 'blob', url } }]);
    expect(rings[0]?.store).toMatchObject(expected);
  });
});
