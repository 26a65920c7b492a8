import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.ts';
import { describeProblem, stops } from '../../src/lib/settings/problems.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';

const connectionString = 'Host=localhost;Username=u;Password=secret-1;Database=db';
const valid = { TOKEN_CACHE_CONNECTION_STRING: connectionString };

describe('the settings', () => {
  it('have a default each but for the connection string', () => {
    const settings = readSettings(valid, 'table');
    expect(settings.problems).toEqual([]);
    expect(settings).toMatchObject({
      sqlCaches: [{ name: 'default', kind: 'postgres', table: { schema: 'public', table: 'tokencache' } }],
      redisCaches: [],
      schedules: {
        purge: '0 */30 * * * *',
        index: '0 17 3 * * *',
        counts: '0 */5 * * * *',
        redis: '0 */5 * * * *',
        keyRing: '0 41 4 * * *',
      },
      rings: [],
      purge: {
        graceMs: 60_000,
        batchTargetMs: 200,
        pauseRatio: 1,
        timeBudgetMs: 300_000,
        loadLimits: { percent: 80, lockWaits: 5 },
        index: { name: undefined, offlineRowLimit: 1_000_000 },
      },
      purgeRowLimit: undefined,
      statementTimeoutMs: 30_000,
      recordStore: { kind: 'none' },
    });
  });

  it.each([
    ['Server=tcp:s.database.windows.net;Database=d;Authentication=Active Directory Default', 'sqlserver'],
    ['Host=h;Database=d;Username=u', 'postgres'],
    ['postgresql://u@h/d', 'postgres'],
    ['cache.redis.cache.windows.net:6380,password=x,ssl=True,abortConnect=False', 'redis'],
    ['rediss://h:6380', 'redis'],
  ])('recognise the engine of %s', (text, kind) => {
    const { sqlCaches, redisCaches } = readSettings({ TOKEN_CACHE_CONNECTION_STRING: text }, 'table');
    expect([...sqlCaches, ...redisCaches]).toMatchObject([{ kind }]);
  });

  it('name several caches, each with the setting that holds its connection string', () => {
    const settings = readSettings(
      {
        TOKEN_CACHES: JSON.stringify([
          { name: 'web', connectionStringSetting: 'WEB_CACHE' },
          { name: 'api', engine: 'sqlserver', connectionStringSetting: 'API_CACHE', table: '[my schema].[cache]' },
        ]),
        WEB_CACHE: connectionString,
        API_CACHE: 'Server=s;User ID=u;Password=p',
      },
      'table',
    );
    expect(settings.problems).toEqual([]);
    expect(settings.sqlCaches.map(({ name, kind, table }) => [name, kind, table])).toEqual([
      ['web', 'postgres', { schema: 'public', table: 'tokencache' }],
      ['api', 'sqlserver', { schema: 'my schema', table: 'cache' }],
    ]);
  });

  it('report everything that is wrong at once, by name and without a value', () => {
    const { problems, sqlCaches, names } = readSettings(
      {
        TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Password=secret-1;SSL Mode=secret-2',
        SCHEDULE_PURGE: 'every now and then',
        PURGE_GRACE: '-PT5M',
        PURGE_PAUSE_RATIO: 'secret-3',
        PURGE_LOAD_LIMIT: '101',
        EXPIRY_INDEX_ALLOW_OFFLINE: 'maybe',
        STATEMENT_TIMEOUT: '30',
        RECORD_STORE: 'cloud',
      },
      'table',
    );
    expect(sqlCaches).toEqual([]);
    expect(names.sqlCaches).toEqual(['default']);
    expect(problems.map(({ setting }) => setting).sort()).toEqual([
      'EXPIRY_INDEX_ALLOW_OFFLINE',
      'PURGE_GRACE',
      'PURGE_LOAD_LIMIT',
      'PURGE_PAUSE_RATIO',
      'RECORD_STORE',
      'SCHEDULE_PURGE',
      'STATEMENT_TIMEOUT',
      'TOKEN_CACHE_CONNECTION_STRING',
    ]);
    const text = problems.map(describeProblem).join('\n');
    expect(text).not.toMatch(/secret-\d|every now/);
    expect(text).toContain('PURGE_GRACE must be an ISO 8601 duration from PT0S to P30D');
  });

  it('stop only the jobs that need them', () => {
    const { problems } = readSettings(
      { ...valid, PURGE_GRACE: 'x', EXPIRY_INDEX_NAME: 'y'.repeat(99), SCHEDULE_COUNTS: 'x' },
      'table',
    );
    const stopped = (['purge', 'index', 'counts'] as const).filter((job) =>
      problems.some((problem) => stops(problem, job, 'default')),
    );
    expect(stopped).toEqual(['purge', 'index']);
  });

  it('of Redis stop the watch alone', () => {
    const { problems, redisCaches } = readSettings(
      {
        TOKEN_CACHE_CONNECTION_STRING: 'localhost:6379',
        TOKEN_CACHE_MAX_MEMORY: 'much',
        TOKEN_CACHE_RESOURCE_ID: '/subscriptions/s',
        REDIS_TIMEOUT: 'x',
        REDIS_CA_FILE: '/no/such/file',
        REDIS_AUTHENTICATION: 'none',
        SCHEDULE_REDIS: 'often',
      },
      'table',
    );
    expect(redisCaches.map(({ name }) => name)).toEqual(['default']);
    expect(problems.map(({ setting }) => setting).sort()).toEqual([
      'REDIS_AUTHENTICATION',
      'REDIS_CA_FILE',
      'REDIS_TIMEOUT',
      'SCHEDULE_REDIS',
      'TOKEN_CACHE_MAX_MEMORY',
      'TOKEN_CACHE_RESOURCE_ID',
    ]);
    const stopping = problems.filter((problem) => stops(problem, 'redis', 'default'));
    expect(stopping.map(({ setting }) => setting)).not.toContain('SCHEDULE_REDIS');
    expect(problems.filter((problem) => stops(problem, 'purge', 'default'))).toEqual([]);
  });

  it('of a Redis cache name its memory and its resource', () => {
    const resourceId = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Cache/redisEnterprise/r';
    const list = (connectionStringSetting: string) =>
      JSON.stringify([{ name: 'web', connectionStringSetting, maxMemory: '6gb', resourceId }]);
    const managed = {
      WEB: 'web.westeurope.redis.azure.net:10000',
      OTHER: 'localhost:6379,ssl=maybe',
      PLAIN: 'localhost',
    };
    expect(readSettings({ TOKEN_CACHES: list('WEB'), ...managed }, 'table')).toMatchObject({
      problems: [],
      redisCaches: [{ kind: 'redis', maxMemoryBytes: 6 * 1024 ** 3, resourceId }],
    });
    expect(readSettings({ TOKEN_CACHES: list('OTHER'), ...managed }, 'table')).toMatchObject({
      problems: [{ setting: 'OTHER', cache: 'web' }],
      names: { sqlCaches: [], redisCaches: ['web'] },
    });
    expect(readSettings({ TOKEN_CACHES: list('PLAIN'), ...managed }, 'table')).toMatchObject({
      problems: [],
      redis: { metricsEndpoint: 'https://management.azure.com' },
    });
  });

  it('of a web app name its workspace, here or in another setting, and its role', () => {
    const workspace = '5f0e9f5c-3b8a-4a52-9a53-0d6b6b4b7e11';
    const read = (app: object, env: Record<string, string> = {}) =>
      readSettings(
        {
          TOKEN_CACHES: JSON.stringify([{ name: 'web', connectionStringSetting: 'WEB', app }]),
          WEB: 'localhost',
          ...env,
        },
        'table',
      );
    const app = { kind: 'webApp', name: 'web', workspace, role: 'portal' };
    expect(read({ workspace, role: 'portal' })).toMatchObject({ problems: [], webApps: [app] });
    expect(read({ workspaceSetting: 'LOGS', role: 'portal' }, { LOGS: workspace })).toMatchObject({
      problems: [],
      webApps: [app],
    });
    expect(
      readSettings({ ...valid, TOKEN_CACHE_APP_WORKSPACE: workspace, TOKEN_CACHE_APP_ROLE: 'portal' }, 'table'),
    ).toMatchObject({ problems: [], webApps: [{ ...app, name: 'default' }] });
    expect(readSettings(valid, 'table').webApps).toEqual([]);
  });

  it('of a web app stop the look at it alone', () => {
    const wrong = [
      { ...valid, TOKEN_CACHE_APP_ROLE: 'portal' },
      { ...valid, TOKEN_CACHE_APP_WORKSPACE: 'log-shared', TOKEN_CACHE_APP_ROLE: 'portal' },
      { ...valid, TOKEN_CACHE_APP_WORKSPACE: '5f0e9f5c-3b8a-4a52-9a53-0d6b6b4b7e11' },
      { ...valid, APP_WINDOW: 'an hour' },
      { ...valid, APP_LOGS_ENDPOINT: 'http://api.loganalytics.io' },
    ];
    for (const env of wrong) {
      const { problems, sqlCaches } = readSettings(env, 'table');
      expect(problems).toHaveLength(1);
      expect(problems.map((problem) => stops(problem, 'app', 'default'))).toEqual([true]);
      expect(problems.map((problem) => stops(problem, 'purge', 'default'))).toEqual([false]);
      expect(sqlCaches).toHaveLength(1);
    }
  });

  it('leave the rightly configured caches usable', () => {
    const { sqlCaches, names, problems } = readSettings(
      {
        TOKEN_CACHES: JSON.stringify([
          { name: 'good', connectionStringSetting: 'GOOD' },
          { name: 'unset', connectionStringSetting: 'UNSET' },
          { name: 'odd', connectionStringSetting: 'ODD' },
          { name: 'table', connectionStringSetting: 'GOOD', table: 'a b' },
          { name: 'Bad Name', connectionStringSetting: 'GOOD' },
          { name: 'good', connectionStringSetting: 'GOOD' },
          { name: 'extra', connectionStringSetting: 'GOOD', colour: 'red' },
        ]),
        GOOD: connectionString,
        ODD: 'what is this',
      },
      'table',
    );
    expect(sqlCaches.map(({ name }) => name)).toEqual(['good']);
    expect(names.sqlCaches).toEqual(['good', 'unset', 'odd', 'table', 'extra']);
    expect(problems.map(({ setting, cache }) => [setting, cache])).toEqual([
      ['TOKEN_CACHES[4].name', undefined],
      ['TOKEN_CACHES[5].name', 'good'],
      ['TOKEN_CACHES[6]', 'extra'],
      ['UNSET', 'unset'],
      ['ODD', 'odd'],
      ['TOKEN_CACHES', 'table'],
    ]);
    expect(problems.filter((problem) => stops(problem, 'purge', 'other'))).toEqual([]);
  });

  it.each(['', '{}', '[]', 'nonsense', '[1]', '[null]'])('refuse TOKEN_CACHES=%s', (text) => {
    const { problems } = readSettings({ TOKEN_CACHES: text }, 'table');
    expect(problems.length).toBeGreaterThan(0);
  });

  it('say that there is no cache', () => {
    expect(readSettings({}, 'table').problems.map(({ setting }) => setting)).toEqual(['TOKEN_CACHE_CONNECTION_STRING']);
  });

  it.each([
    [{ RECORD_STORE: 'none' }, { kind: 'none' }],
    [{ RECORD_STORE: 'file:/var/records' }, { kind: 'file', folder: '/var/records' }],
    [
      { RECORD_STORE: 'file', XDG_STATE_HOME: '/state' },
      { kind: 'file', folder: '/state/token-cache-maintenance' },
    ],
    [
      { AzureWebJobsStorage: 'UseDevelopmentStorage=true' },
      { kind: 'table', address: { connectionString: new Secret('UseDevelopmentStorage=true') } },
    ],
    [
      { AzureWebJobsStorage__accountName: 'acc', AzureWebJobsStorage__clientId: 'id' },
      {
        kind: 'table',
        address: {
          endpoint: 'https://acc.table.core.windows.net',
          identity: { kind: 'managedIdentity', clientId: 'id' },
        },
      },
    ],
    [{ RECORD_STORE: 'none', AzureWebJobsStorage: 'UseDevelopmentStorage=true' }, { kind: 'none' }],
    [{}, { kind: 'none' }],
  ])('keep records as %o says', (changes, store) => {
    expect(readSettings({ ...valid, ...changes }, 'table').recordStore).toEqual(store);
  });
});

describe('schedules', () => {
  const cache = { TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Username=u;Password=p' };
  const read = (env: Record<string, string>) => readSettings({ ...cache, ...env }, 'table');

  it.each(['0 0/30 * * * *', '0 5/5 * * * *', '0 0 3 1-7 * MON', '*/5 * * * *'])(
    'are those of the host: %s',
    (text) => {
      const { schedules, problems, warnings } = read({ SCHEDULE_PURGE: text });
      expect([schedules.purge, problems, warnings]).toEqual([text, [], []]);
    },
  );

  it.each(['0 0 3 ? * FRI', '0 0 4 * * 1#1', '0 0 3 L * *', '0 0 3 * * 7', '*/5 * * *', '00:05:00'])(
    'that the host refuses are wrong, and the timer runs on its default: %s',
    (text) => {
      const { schedules, problems } = read({ SCHEDULE_PURGE: text });
      expect(schedules.purge).toBe('0 */30 * * * *');
      expect(problems).toMatchObject([
        { setting: 'SCHEDULE_PURGE', jobs: [], message: expect.stringContaining('the host would refuse') },
      ]);
    },
  );

  it('that never fire are told', () => {
    const { schedules, warnings } = read({ SCHEDULE_INDEX: '0 0 3 30 2 *' });
    expect(schedules.index).toBe('0 0 3 30 2 *');
    expect(warnings).toMatchObject([{ setting: 'SCHEDULE_INDEX', message: expect.stringContaining('never fires') }]);
  });

  it.each(['W. Europe Standard Time', 'Europe/Berlin'])('go by the clock of the time zone: %s', (WEBSITE_TIME_ZONE) => {
    expect(read({ WEBSITE_TIME_ZONE }).schedules.index).toBe('0 17 3 * * *;Europe/Berlin');
  });

  it('go by UTC where there is no such time zone, which is told', () => {
    const { schedules, problems } = read({ WEBSITE_TIME_ZONE: 'Middle Earth' });
    expect(schedules.index).toBe('0 17 3 * * *');
    expect(problems).toMatchObject([{ setting: 'WEBSITE_TIME_ZONE', jobs: [] }]);
  });
});

describe('what a portal or a shell leaves around a value', () => {
  it.each(['60\n', ' PT60S ', '"PT60S"', "'PT60S'\r\n"])('is left out, with a warning: %j', (value) => {
    const meant = value.includes('PT60S') ? 'PT60S' : value.trim();
    const name = meant === 'PT60S' ? 'PURGE_GRACE' : 'PURGE_LOCK_WAIT_LIMIT';
    const { problems, warnings } = readSettings(
      { TOKEN_CACHE_CONNECTION_STRING: '"Host=h;Username=u;Password=p"\n', [name]: value },
      'table',
    );
    expect(problems).toEqual([]);
    expect(warnings.map(({ setting }) => setting).toSorted()).toEqual(
      [name, 'TOKEN_CACHE_CONNECTION_STRING'].toSorted(),
    );
  });

  it('stays where quotes mean something', () => {
    const { sqlCaches, warnings } = readSettings(
      { TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Username=u;Password=p', TOKEN_CACHE_TABLE: '"Sessions"' },
      'table',
    );
    expect([sqlCaches[0]?.table.table, warnings]).toEqual(['Sessions', []]);
  });
});

describe('a reference to Key Vault that Azure did not resolve', () => {
  const reference = '@Microsoft.KeyVault(SecretUri=https://contoso-kv.vault.azure.net/secrets/x/)';
  it.each([
    'TOKEN_CACHE_CONNECTION_STRING',
    'PURGE_GRACE',
    'APPLICATIONINSIGHTS_CONNECTION_STRING',
    'TOKEN_CACHE_TABLE',
    'KEY_RINGS',
    'TOKEN_CACHES',
  ])('is recognised in %s, and says what to check', (setting) => {
    const { problems } = readSettings(
      { TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Username=u;Password=p', [setting]: reference },
      'table',
    );
    const told = problems.filter((problem) => problem.setting === setting);
    expect(told).toMatchObject([
      { message: expect.stringMatching(/identity.*Key Vault Secrets User.*network.*version/) },
    ]);
  });
});

describe('the engine of a cache', () => {
  const read = (text: string) => readSettings({ TOKEN_CACHE_CONNECTION_STRING: text }, 'table');

  it.each([
    ['Server=h;Database=d;Port=5432;User Id=u;Password=p;', 'postgres'],
    ['Server=h;Database=d;User Id=u;Password=p;Encrypt=True', 'sqlserver'],
    ['Server=x.postgres.database.azure.com;Database=d;User Id=u;Password=p', 'postgres'],
    ['Data Source=h;User Id=u;Password=p', 'sqlserver'],
    ['Server=tcp:h,1433;Database=d;User Id=u;Password=p', 'sqlserver'],
    ['Server=h\\SQLEXPRESS;Database=d;User Id=u;Password=p', 'sqlserver'],
    ['Server=h,1433;Database=d;User Id=u;Password=p', 'sqlserver'],
    ['h:6380,ssl=True', 'redis'],
    ['h', 'redis'],
  ])('is that whose client takes the string whole: %s', (text, kind) => {
    const { sqlCaches, redisCaches, warnings } = read(text);
    expect([[...sqlCaches, ...redisCaches].map((cache) => cache.kind), warnings]).toEqual([[kind], []]);
  });

  it('is said to be guessed where both would take it', () => {
    const { sqlCaches, warnings } = read('Server=h;Database=d;User Id=u;Password=p');
    expect(sqlCaches[0]?.kind).toBe('sqlserver');
    expect(warnings).toMatchObject([{ message: expect.stringContaining('by Npgsql and by Microsoft.Data.SqlClient') }]);
  });
});
