/** The hooks of azd as processes of their own: `az` and `azd` are small programs, the compiler and the database are real. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AzBicep, type AzPrograms, azPrograms } from '../support/azPrograms.ts';
import { bicepMissing, restoreBicep } from '../support/bicep.ts';
import { root, run } from '../support/childProcess.ts';
import { errorFault } from '../support/sqlServer/faults.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);
const group = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-data/providers';
const sqlId = `${group}/Microsoft.Sql/servers/sql-shared/databases/web`;
const redisId = `${group}/Microsoft.Cache/redisEnterprise/amr-shared`;
const subnetId = `${group}/Microsoft.Network/virtualNetworks/vnet/subnets/functions`;

let programs: AzPrograms | undefined;
afterEach(() => {
  programs?.remove();
  programs = undefined;
});

async function hook(name: string, answers: Record<string, unknown>, env: Record<string, string>, bicep?: AzBicep) {
  programs = azPrograms(answers, bicep);
  const finished = await run(`scripts/hooks/${name}.mjs`, [], { PATH: programs.path, ...env });
  return { ...finished, said: finished.stdout + finished.stderr, calls: programs.calls() };
}

describe.skipIf(bicepMissing() !== undefined)('preprovision', () => {
  let bicep: AzBicep;
  beforeAll(() => {
    bicep = { program: restoreBicep(), kept: mkdtempSync(join(tmpdir(), 'az-bicep-')) };
  }, 300_000);
  afterAll(() => rmSync(bicep.kept, { recursive: true }));

  const environment = {
    AZURE_ENV_NAME: 'web',
    AZURE_SUBSCRIPTION_ID: '00000000-0000-0000-0000-000000000000',
    AZURE_LOCATION: 'westeurope',
    AZURE_RESOURCE_GROUP: 'rg-token-cache',
  };
  const registered = ['ManagedIdentity', 'Storage', 'Web', 'insights', 'App', 'Network'];
  const wellAnswered = {
    'azd version': { azd: { version: '1.31.2' } },
    'azd env set': null,
    'az version': {},
    'az bicep version': 'Bicep CLI version 0.45.15',
    'az account show': { state: 'Enabled' },
    'az provider list': registered.map((name) => ({ namespace: `Microsoft.${name}`, state: 'Registered' })),
    'az functionapp list-flexconsumption-locations': ['West Europe', 'northeurope'],
    'az group show': { id: '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-token-cache' },
    'az resource show': {},
    [`az resource show --ids ${subnetId}`]: {
      properties: { delegations: [{ properties: { serviceName: 'Microsoft.App/environments' } }] },
    },
    'az rest': { value: [{ actions: ['*'], notActions: [] }] },
  };
  const timeLimitMs = 120_000;

  it(
    'finds nothing wrong where all is there, and sets nothing that is set',
    async () => {
      const attached = { AZURE_SQL_DATABASE_ID: sqlId, AZURE_REDIS_ID: redisId, AZURE_APP_SUBNET_ID: subnetId };
      const { code, said, calls } = await hook('preprovision', wellAnswered, { ...environment, ...attached }, bicep);
      expect({ code, said }).toMatchObject({ code: 0 });
      expect(calls).toContain(`az resource show --ids ${sqlId} --only-show-errors --output json`);
      expect(calls.filter((call) => call.startsWith('azd env set'))).toEqual(['azd env set AZURE_PRINT_ROLES_FOR []']);
      // Rights are asked for where they are to be given alone.
      expect(calls.filter((call) => call.startsWith('az rest')).join()).not.toContain('sql-shared');
    },
    timeLimitMs,
  );

  it(
    'says all at once what would fail later, each with what to do',
    async () => {
      const { code, said } = await hook(
        'preprovision',
        {
          ...wellAnswered,
          'azd version': { azd: { version: '1.24.9' } },
          'az bicep version': 'Bicep CLI version 0.30.23',
          'az provider list': [{ namespace: 'Microsoft.Web', state: 'NotRegistered' }],
          'az functionapp list-flexconsumption-locations': ['eastus'],
          'az group show': 'error:(ResourceGroupNotFound) not found',
          [`az resource show --ids ${sqlId}`]: 'error:(ResourceNotFound) The Resource was not found.',
          [`az resource show --ids ${redisId}`]: 'error:(AuthorizationFailed) The client has no authorization.',
          [`az resource show --ids ${subnetId}`]: { properties: { delegations: [] } },
        },
        {
          ...environment,
          AZURE_SQL_DATABASE_ID: sqlId,
          AZURE_REDIS_ID: redisId,
          AZURE_APP_SUBNET_ID: subnetId,
          AZURE_WORKSPACE_ID: 'log-shared',
          AZURE_ALLOWED_ADDRESSES: '203.0.113.7',
        },
        bicep,
      );
      expect(code).toBe(1);
      for (const what of [
        'azd 1.25.0 or later',
        'Bicep 0.36.1 or later',
        'az provider register --namespace Microsoft.Web',
        'westeurope has no Flex Consumption',
        'az group create --name rg-token-cache',
        `This is not there: ${sqlId}`,
        'delegated to Microsoft.App/environments',
        'not an id of a workspace: log-shared',
        '203.0.113.7 is not a CIDR range',
      ])
        expect(said).toContain(what);
      // What could not be asked is neither right nor wrong.
      expect(said).toContain(`! Whether ${redisId} is there could not be asked`);
    },
    timeLimitMs,
  );

  it(
    'has the rights printed that may not be given',
    async () => {
      const { code, calls } = await hook(
        'preprovision',
        {
          ...wellAnswered,
          [`az rest --method get --url https://management.azure.com${redisId}`]: {
            value: [{ actions: ['*'], notActions: ['Microsoft.Authorization/*/write'] }],
          },
        },
        { ...environment, AZURE_REDIS_ID: redisId },
        bicep,
      );
      expect(code).toBe(0);
      expect(calls).toContain(`azd env set AZURE_PRINT_ROLES_FOR ["${redisId}"]`);
    },
    timeLimitMs,
  );

  it(
    'has them printed too where the deployment may not be made beside the resource',
    async () => {
      const inGroup = `az rest --method get --url https://management.azure.com${group.replace('/providers', '')}/providers`;
      const { calls } = await hook(
        'preprovision',
        {
          ...wellAnswered,
          [inGroup]: { value: [{ actions: ['*/read', 'Microsoft.Authorization/roleAssignments/*'] }] },
        },
        { ...environment, AZURE_REDIS_ID: redisId },
        bicep,
      );
      expect(calls).toContain(`azd env set AZURE_PRINT_ROLES_FOR ["${redisId}"]`);
    },
    timeLimitMs,
  );

  it(
    'refuses a key that wraps nothing, a subnet elsewhere, what may not be joined, and another tenant',
    async () => {
      const zoneId = `${group}/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net`;
      const keyId = `${group}/Microsoft.KeyVault/vaults/kv/keys/ring`;
      const store = `${group.replace('rg-data', 'rg (daten) ü')}/Microsoft.Storage/storageAccounts/st/blobServices/default/containers/rings`;
      const { code, said, calls } = await hook(
        'preprovision',
        {
          ...wellAnswered,
          [`az resource show --ids ${keyId}`]: { properties: { kty: 'EC', attributes: { exp: 1_700_000_000 } } },
          [`az resource show --ids ${keyId.replace('/keys/ring', '')} `]: {
            properties: { enableRbacAuthorization: false },
          },
          [`az resource show --ids ${subnetId.replace('/subnets/functions', '')} `]: { location: 'northeurope' },
          [`az resource show --ids ${redisId}`]: "error:ERROR: Subscription 'x' not found. Check the spelling.",
          [`az rest --method get --url https://management.azure.com${zoneId}`]: { value: [{ actions: ['*/read'] }] },
        },
        {
          ...environment,
          AZURE_REDIS_ID: redisId,
          AZURE_KEY_RING_STORE_ID: store,
          AZURE_KEY_RING_VAULT_KEY_ID: keyId,
          AZURE_APP_SUBNET_ID: subnetId,
          AZURE_ENDPOINT_SUBNET_ID: subnetId,
          AZURE_PRIVATE_DNS_ZONE_IDS: zoneId,
        },
        bicep,
      );
      expect(code).toBe(1);
      for (const what of [
        `RSA key, and this is EC: ${keyId}`,
        'az keyvault set-policy --name kv --key-permissions get wrapKey unwrapKey',
        `expired on 2023-11-14: ${keyId}`,
        'must be in the region of the app, westeurope, and is in northeurope',
        `You may not join ${zoneId}`,
        `az sees no subscription for ${redisId}`,
      ])
        expect(said).toContain(what);
      expect(calls.filter((call) => call.startsWith('az rest')).join()).toContain('rg%20(daten)%20%C3%BC');
    },
    timeLimitMs,
  );

  it(
    'refuses what the app would not reach or be let into, a subnet of somebody else, and one version of a key',
    async () => {
      const oldRedis = `${group}/Microsoft.Cache/Redis/old`;
      const sql = sqlId.replace(/\/databases\/.*/, '');
      const environmentOf = (more: object) => ({ ...environment, AZURE_SQL_DATABASE_ID: sqlId, ...more });
      const answers = {
        ...wellAnswered,
        [`az resource show --ids ${sql} `]: { properties: { publicNetworkAccess: 'Disabled' } },
        [`az resource show --ids ${oldRedis}`]: { properties: { redisConfiguration: { 'aad-enabled': 'False' } } },
        [`az resource show --ids ${subnetId} `]: {
          properties: { delegations: [{ properties: { serviceName: 'Microsoft.DBforPostgreSQL/flexibleServers' } }] },
        },
      };
      const keyId = `${group}/Microsoft.KeyVault/vaults/kv/keys/ring/versions/0123456789abcdef0123456789abcdef`;
      const store = `${group}/Microsoft.Storage/storageAccounts/st/blobServices/default/containers/rings`;
      const ring = { AZURE_KEY_RING_STORE_ID: store, AZURE_KEY_RING_VAULT_KEY_ID: keyId };
      const more = { AZURE_REDIS_ID: oldRedis, ...ring };
      const without = await hook('preprovision', answers, environmentOf(more), bicep);
      expect(without.code).toBe(1);
      for (const what of [
        `${sql} has no public address, and the app no subnet`,
        `az redis update --ids ${oldRedis} --set redisConfiguration.aad-enabled=true`,
        `without a version, so that it can be rotated: ${keyId}`,
      ])
        expect(without.said).toContain(what);
      const within = await hook('preprovision', answers, environmentOf({ AZURE_APP_SUBNET_ID: subnetId }), bicep);
      expect(within.said).not.toContain('no public address');
      expect(within.said).toContain('delegated to Microsoft.DBforPostgreSQL/flexibleServers');
      expect(within.said).not.toContain('subnet update');
      const used = { properties: { delegations: [], ipConfigurations: [], privateEndpoints: [{ id: 'x' }] } };
      const shared = { ...answers, [`az resource show --ids ${subnetId} `]: used };
      const beside = await hook('preprovision', shared, environmentOf({ AZURE_APP_SUBNET_ID: subnetId }), bicep);
      expect(beside.said).toContain('this one is in use');
    },
    timeLimitMs,
  );

  it(
    'refuses an estate in which nothing is attached',
    async () => {
      const { code, said } = await hook('preprovision', wellAnswered, environment, bicep);
      expect(code).toBe(1);
      expect(said).toContain('Nothing is attached');
    },
    timeLimitMs,
  );

  it('asks for the login before all else', async () => {
    const answers = { ...wellAnswered, 'az account show': 'error:Please run az login' };
    const { code, said, calls } = await hook('preprovision', answers, environment);
    expect(code).toBe(1);
    expect(said).toContain('az login');
    expect(calls.some((call) => call.startsWith('az provider'))).toBe(false);
  });
});

describe('postprovision', () => {
  const roles = [`id-web-${Math.random()}`, `web-${Math.random()}`] as const;
  const ids = ['11111111-2222-3333-4444-5555555555aa', '66666666-7777-8888-9999-0000000000bb'] as const;
  const cacheOf = (connectionString: string, createTable = true) => ({
    server: `${group}/Microsoft.DBforPostgreSQL/flexibleServers/psql-test`,
    cache: {
      name: 'portal',
      engine: 'postgres',
      connectionStringSetting: 'PORTAL_CONNECTION_STRING',
      table: 'public.tokencache',
      index: 'observe',
    },
    connectionString,
    createTable,
    login: '',
  });
  const outputs = (databases: object[]) => ({
    IDENTITY_NAME: roles[0],
    IDENTITY_CLIENT_ID: ids[1],
    IDENTITY_PRINCIPAL_ID: ids[0],
    CONSUMERS: JSON.stringify([{ name: roles[1], principalId: ids[1], clientId: ids[0] }]),
    DATABASES: JSON.stringify(databases),
    GRANT_COMMANDS: JSON.stringify(['az role assignment create --role x']),
    WARNINGS: JSON.stringify(['Nobody hears of an alert: set AZURE_ALERT_EMAIL.']),
    GRANT_PAUSE_MS: '1',
  });

  beforeAll(async () => {
    await database.query(`
      create table principals (rolname text primary key, objectid text not null);
      create function pgaadauth_create_principal_with_oid(name text, object_id text, type text, admin bool, mfa bool)
        returns text language plpgsql as $$ begin
          execute format('create role %I', name); insert into principals values (name, object_id); return 'Created'; end $$;
      create function pgaadauth_list_principals(admins bool) returns setof principals language sql as 'select * from principals'`);
  });
  afterAll(async () => {
    for (const role of roles) await database.query(`drop owned by "${role}"; drop role "${role}"`);
  });

  it('makes users and rights in the database that was made, and ends with what else there is to do', async () => {
    const { code, said, calls } = await hook(
      'postprovision',
      { 'azd env set': null },
      { ...outputs([cacheOf(database.url)]), GRANTS_MISSING: 'portal' },
    );
    expect({ code, said }).toMatchObject({ code: 0 });
    expect(await database.query('select rolname, objectid from principals order by objectid')).toEqual([
      { rolname: roles[0], objectid: ids[0] },
      { rolname: roles[1], objectid: ids[1] },
    ]);
    expect(
      await database.query("select has_table_privilege($1, 'public.tokencache', 'DELETE') as ok", [roles[0]]),
    ).toEqual([{ ok: true }]);
    expect(said).toContain('az role assignment create --role x');
    expect(said).toContain('! Nobody hears of an alert');
    expect(calls).toEqual(['azd env set GRANTS_MISSING']);
  });

  it('gives the rights on the table of a key ring', async () => {
    await database.query('create table "DataProtectionKeys" (id serial primary key, friendly_name text, xml text)');
    const ring = {
      name: 'web',
      mode: 'observe',
      store: { kind: 'postgres', connectionStringSetting: 'WEB_KEY_RING_STORE', table: 'DataProtectionKeys' },
    };
    const { cache: _, ...place } = cacheOf(database.url, false);
    const { said } = await hook('postprovision', { 'azd env set': null }, outputs([{ ...place, ring }]));
    expect(said).toContain('✓ The database of key ring web has its users and rights.');
    const may = (role: string, right: string) =>
      database.query(`select has_table_privilege($1, '"DataProtectionKeys"', $2) as ok`, [role, right]);
    expect(await may(roles[0], 'SELECT')).toEqual([{ ok: true }]);
    expect(await may(roles[0], 'INSERT')).toEqual([{ ok: false }]);
    expect(await may(roles[1], 'INSERT')).toEqual([{ ok: true }]);
  });

  it('opens the firewall of a server that was made here for its address, and closes it again', async () => {
    const text = "Cannot open server. Client with IP address '203.0.113.9' is not allowed to access the server.";
    endpoint().faults.on('login', errorFault(40615, text), { times: 1 });
    const made = {
      ...cacheOf(endpoint().connectionString('TrustServerCertificate=true')),
      server: `${group}/Microsoft.Sql/servers/sql-made`,
      cache: {
        name: 'web',
        engine: 'sqlserver',
        connectionStringSetting: 'WEB_CONNECTION_STRING',
        table: 'dbo.TokenCache',
        index: 'manage',
      },
    };
    await database.query('create schema dbo');
    const { said, calls } = await hook(
      'postprovision',
      { 'azd env set': null, 'az sql server firewall-rule': null },
      outputs([made]),
    );
    const rule = '--resource-group rg-data --server sql-made --name token-cache-grant';
    expect(calls.map((call) => call.replace(/ --only-show-errors.*/, ''))).toEqual([
      `az sql server firewall-rule create ${rule} --start-ip-address 203.0.113.9 --end-ip-address 203.0.113.9`,
      `az sql server firewall-rule delete ${rule}`,
    ]);
    expect(said).toContain('✓ The database of web has its users and rights.');
    const sid = "encode(sid, 'hex')";
    expect(
      await database.query(`select name, ${sid} as sid from sys.database_principals where name = $1`, [roles[0]]),
    ).toEqual([{ name: roles[0], sid: '666666667777888899990000000000bb' }]);
  });

  it('prints what to run and where, and the statements, where the database cannot be reached', async () => {
    const unreachable = cacheOf('Host=127.0.0.1;Port=1;Database=portal;Username=admin;Password=p', false);
    const { code, said, calls } = await hook('postprovision', { 'azd env set': null }, outputs([unreachable]));
    expect(code).toBe(0);
    expect(said).toContain('the Entra administrator of /subscriptions/');
    expect(said).toMatch(/npm run token-cache -- grant --app id-web-\S+=11111111-2222-3333-4444-5555555555aa/);
    expect(said).toContain("TOKEN_CACHES='[{");
    expect(said).toContain('GRANT SELECT, DELETE ON "public"."tokencache"');
    expect(calls).toEqual(['azd env set GRANTS_MISSING portal']);
  });
});

describe('postdeploy', () => {
  let server: Server | undefined;
  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
    server = undefined;
  });

  /** An app that becomes healthy at the given question for its health. */
  async function appHealthyAt(question: number) {
    const asked: string[] = [];
    let health = 0;
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers['x-functions-key'] ?? ''}`.trim());
      if (request.url?.startsWith('/admin/')) return void response.writeHead(202).end();
      health += 1;
      if (health === 1) return void response.writeHead(404).end();
      const status = health >= question ? 'ok' : 'failing';
      response
        .writeHead(status === 'ok' ? 200 : 503, { 'content-type': 'application/json' })
        .end(JSON.stringify({ status }));
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return { asked, uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }
  const environment = (uri: string) => ({
    SERVICE_MAINTENANCE_NAME: 'func-test',
    SERVICE_MAINTENANCE_URI: uri,
    AZURE_RESOURCE_GROUP: 'rg-token-cache',
    AZURE_SUBSCRIPTION_ID: 'sub',
    HEALTH_PAUSE_MS: '5',
  });
  const keys = { 'az functionapp keys list': { masterKey: 'master-secret' } };

  it('runs each job once, waits for health, and says where the page is and what is next', async () => {
    const { asked, uri } = await appHealthyAt(4);
    const { code, said } = await hook('postdeploy', keys, environment(uri));
    expect({ code, said }).toMatchObject({ code: 0 });
    expect(asked.filter((each) => each.startsWith('POST'))).toEqual(
      [
        'ensureExpiryIndex',
        'recordCacheCounts',
        'purgeExpiredEntries',
        'watchRedis',
        'watchApps',
        'rotateKeyRing',
        'judgeFindings',
      ].map((timer) => `POST /admin/functions/${timer} master-secret`),
    );
    expect(said).toContain(`Status page: ${uri}/api/status`);
    expect(said).toContain("Next: switch off the web apps' own purge");
    expect(said).not.toContain('master-secret');
  });

  it('fails where the app stays unhealthy, and names what is missing as the next step', async () => {
    const { uri } = await appHealthyAt(1_000_000);
    const env = { ...environment(uri), HEALTH_TRIES: '4', GRANTS_MISSING: 'web, key ring portal' };
    const { code, said } = await hook('postdeploy', keys, env);
    expect(code).toBe(1);
    expect(said).toContain('/api/health is failing');
    expect(said).toContain('Next: give the database of web, key ring portal its users');
  });

  it('says of a private app that it must be asked from its network', async () => {
    const env = { ...environment('http://127.0.0.1:9'), APP_IS_PRIVATE: 'true' };
    const { code, said, calls } = await hook('postdeploy', keys, env);
    expect(code).toBe(0);
    expect(said).toContain('ask from its network');
    expect(calls).toEqual([]);
  });
});

describe('azure.yaml', () => {
  const text = readFileSync(join(root, 'azure.yaml'), 'utf8');

  it.each(['preprovision', 'postprovision', 'postdeploy'])(
    'runs %s on every system, seen by whoever deploys',
    (name) => {
      for (const shell of ['posix: { shell: sh', 'windows: { shell: pwsh'])
        expect(text).toContain(`${shell}, run: node scripts/hooks/${name}.mjs, interactive: true }`);
      expect(existsSync(join(root, `scripts/hooks/${name}.mjs`))).toBe(true);
    },
  );

  it('attaches, unless it is told otherwise', () => {
    expect(text).toContain('\n  module: existing\n');
  });
});

describe('the presets', () => {
  const document = readFileSync(join(root, 'docs/deployed.md'), 'utf8');

  it.each([
    ['existing', 0],
    ['tryout', 1],
    ['production', 2],
  ] as const)('%s costs what the table adds up to', (preset, column) => {
    const table = document.slice(document.indexOf('| what | USD a month | `existing`'));
    const cells = table
      .split('\n')
      .flatMap((line) => (/^\| [^-w*]/.test(line) ? [line.split('|')[column + 3]?.trim()] : []));
    const sum = cells.slice(0, 12).reduce((total, cell) => total + (Number(cell) || 0), 0);
    const comment = readFileSync(join(root, `infra/${preset}.bicepparam`), 'utf8').replaceAll('\n// ', ' ');
    const [, total, resources = ''] = /Costs some (\d+) USD a month[^:]*: (.*?)[;(]/.exec(comment) ?? [];
    const said = Number(total);
    // By resource: the amount that ends each of them.
    const each = resources.split(',').map((resource) => Number(/(\d+)\s*$/.exec(resource)?.[1]));
    const inTable = cells.map(Number).filter((amount) => amount > 0);
    expect(each.sort((a, b) => a - b)).toEqual(inTable.sort((a, b) => a - b));
    expect(Math.abs(said - sum)).toBeLessThanOrEqual(sum * 0.02);
    expect(table).toMatch(new RegExp(`\\*\\*together\\*\\*.*\\*\\*${said}\\*\\*`));
  });
});
