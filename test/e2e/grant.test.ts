/**
 * `token-cache grant` as an administrator uses it, on a real PostgreSQL and on the TDS endpoint. Azure's functions for Entra
 * logins are stand-ins that make a plain role: they prove nothing of Entra, and know no label that could be moved.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { quoteIdentifier } from '../../src/lib/sql/postgres/tableName.ts';
import { run } from '../support/childProcess.ts';
import { startManagedIdentity } from '../support/managedIdentity.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { createRingTable } from '../support/tableRing.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);
const ids = ['11111111-2222-3333-4444-5555555555aa', '66666666-7777-8888-9999-0000000000bb'] as const;
const grant = (env: Record<string, string>, ...args: string[]) => run('bin/token-cache.js', ['grant', ...args], env);

describe('token-cache grant on PostgreSQL', () => {
  const app = `id-token-cache "${Math.random()}"`;
  const web = `web=${Math.random()}`;
  const settings = () => ({
    TOKEN_CACHE_CONNECTION_STRING: database.url,
    TOKEN_CACHE_TABLE: '"cache space"."Entries"',
  });
  const rights = async (role: string) => {
    const [row] = await database.query<Record<string, boolean>>(
      `select ${['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'].map((right) => `has_table_privilege($1, '"cache space"."Entries"', '${right}') as ${right}`)}`,
      [role],
    );
    return Object.keys(row ?? {}).filter((right) => row?.[right]);
  };

  beforeAll(async () => {
    await database.query(`
      create table principals (rolname text primary key, objectid text not null);
      create function pgaadauth_create_principal_with_oid(name text, object_id text, type text, admin bool, mfa bool)
        returns text language plpgsql as $$ begin
          if type <> 'service' or admin or mfa then raise 'too much'; end if;
          execute format('create role %I', name); insert into principals values (name, object_id); return 'Created'; end $$;
      create function pgaadauth_list_principals(admins bool) returns setof principals language sql as 'select * from principals'`);
  });
  afterAll(async () => {
    for (const { rolname } of await database.query<{ rolname: string }>('select rolname from principals')) {
      await database.query(`drop owned by ${quoteIdentifier(rolname)}`);
      await database.query(`drop role ${quoteIdentifier(rolname)}`);
    }
    await database.query(
      'drop function pgaadauth_list_principals, pgaadauth_create_principal_with_oid; drop table principals',
    );
  });

  it('makes the role, the table with its index, and gives the least rights; twice, to the same end', async () => {
    for (let time = 1; time <= 2; time += 1) {
      const { code, stdout, stderr } = await grant(
        settings(),
        '--create-table',
        `--app=${app}=${ids[0]}`,
        `--consumer=${web}=${ids[1].toUpperCase()}`,
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`for the object id ${ids[0]}`);
      expect(await rights(app)).toEqual(['select', 'delete']);
      expect(await rights(web)).toEqual(['select', 'insert', 'update', 'delete']);
    }
    expect(await database.query('select count(*)::int as roles from principals')).toEqual([{ roles: 2 }]);
    const indexes = await database.query(
      `select indexdef from pg_indexes where schemaname = 'cache space' and indexdef like '%(expiresattime)'`,
    );
    expect(indexes).toHaveLength(1);
  });

  it('takes the role that an identity has already, whatever it is called', async () => {
    const { code, stdout } = await grant(settings(), `--app=another name=${ids[0]}`);
    expect(code).toBe(0);
    expect(stdout).toContain(`GRANT SELECT, DELETE ON "cache space"."Entries" TO ${quoteIdentifier(app)};`);
  });

  it('gives no rights to a role that stands for another identity', async () => {
    const other = ids[0].replace('aa', 'cc');
    const { code, stderr } = await grant(settings(), `--consumer=${web}=${other}`);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^grant \w+ refused \(user_name_taken\)\. /);
    expect(stderr).toContain(ids[1]);
    // With --replace the label moves, which this server does not know: its own answer says that it was asked.
    expect((await grant(settings(), '--replace', `--consumer=${web}=${other}`)).stderr).toContain(
      'security label provider "pgaadauth" is not loaded',
    );
  });

  it('says that the table is missing, and makes nothing', async () => {
    const missing = { ...settings(), TOKEN_CACHE_TABLE: 'nowhere.entries' };
    const { code, stderr } = await grant(missing, `--app=someone else=${ids[1].replace('bb', 'dd')}`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/table_missing[\s\S]*--create-table/);
    expect(await database.query("select 1 from principals where rolname = 'someone else'")).toEqual([]);
  });

  it('prints statements that do the same where they are pasted', async () => {
    const name = `printed '\\" ${Math.random()}`;
    const id = ids[1].replace('bb', 'ee');
    const { code, stdout } = await grant(settings(), '--print', '--create-table', `--app=${name}=${id}`);
    expect(code).toBe(0);
    for (let time = 1; time <= 2; time += 1) await database.query(stdout);
    expect(await rights(name)).toEqual(['select', 'delete']);
  });
});

describe('token-cache grant of a key ring in a table on PostgreSQL', () => {
  const app = `id-ring-${process.pid}`;
  const web = `web-ring-${process.pid}`;
  const table = '"ring space"."DataProtectionKeys"';
  const settings = (mode: string) => ({
    KEY_RINGS: JSON.stringify([
      {
        name: 'web',
        mode,
        store: { kind: 'postgres', connectionStringSetting: 'RING', table: '"ring space".DataProtectionKeys' },
        protector: { kind: 'none' },
      },
    ]),
    RING: database.url,
    RECORD_STORE: 'none',
  });
  const grantees = [`--app=${app}=${ids[0]}`, `--consumer=${web}=${ids[1]}`];
  const rights = async (role: string, on = table) => {
    const [row] = await database.query<{ rights: string[] }>(
      `select array_agg(privilege_type::text order by privilege_type) as rights from information_schema.role_table_grants
       where grantee = $1 and format('%I.%I', table_schema, table_name) = $2`,
      [role, on],
    );
    return row?.rights ?? [];
  };

  beforeEach(async () => {
    await database.query(
      `create schema "ring space"; create role "${app}" login password 'ring-secret-1'; create role "${web}"`,
    );
    await database.query(createRingTable(table));
  });
  afterEach(() =>
    database.query(`drop schema "ring space" cascade; drop owned by "${app}", "${web}"; drop role "${app}", "${web}"`),
  );

  it('gives what a managed ring needs, copies included, twice to the same end; and takes it back where it is observed', async () => {
    for (let time = 1; time <= 2; time += 1) {
      const { code, stderr } = await grant(settings('manage'), ...grantees);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(await rights(app)).toEqual(['DELETE', 'INSERT', 'SELECT', 'UPDATE']);
      expect(await rights(app, '"ring space"."DataProtectionKeys_backup"')).toEqual(['INSERT']);
      expect(await rights(web)).toEqual(['SELECT']);
    }
    const login = Object.assign(new URL(database.url), { username: app, password: 'ring-secret-1' }).href;
    const ring = (...args: string[]) =>
      run('bin/token-cache.js', ['key-ring', ...args], { ...settings('manage'), RING: login });
    expect(await ring('rotate')).toMatchObject({ code: 0 });
    expect(await ring('revoke', '--all', '--reason=test', '--confirm=web', '--ring=web')).toMatchObject({ code: 0 });
    expect(await database.query('select 1 from "ring space"."DataProtectionKeys_backup"')).not.toHaveLength(0);

    expect((await grant(settings('observe'), ...grantees)).code).toBe(0);
    expect(await rights(app)).toEqual(['SELECT']);
    expect(await rights(web)).toEqual(['INSERT', 'SELECT']);
  });

  it('lets whoever adds keys count on a serial column, as older models have it', async () => {
    await database.query(
      `drop table ${table}; create table ${table} ("Id" serial primary key, "FriendlyName" text, "Xml" text)`,
    );
    expect((await grant(settings('observe'), ...grantees)).code).toBe(0);
    await database.query(`set role "${web}"; insert into ${table} ("Xml") values ('<key/>'); reset role`);
    const counts = await database.query(
      `select has_sequence_privilege($1, pg_get_serial_sequence('${table}', 'Id'), 'USAGE') as ok`,
      [app],
    );
    expect(counts).toEqual([{ ok: false }]);
  });

  it('prints the same, for somebody else to paste', async () => {
    const { code, stdout } = await grant(settings('manage'), '--print', ...grantees);
    expect(code).toBe(0);
    const [, pasted = ''] = stdout.split(/(?=^-- Key ring web, in the database "(?!postgres"))/m);
    for (let time = 1; time <= 2; time += 1) await database.query(pasted);
    expect(await rights(app)).toEqual(['DELETE', 'INSERT', 'SELECT', 'UPDATE']);
    expect(await rights(app, '"ring space"."DataProtectionKeys_backup"')).toEqual(['INSERT']);
    expect(await rights(web)).toEqual(['SELECT']);
  });

  it('leaves the table of the ring to the app that keeps its ring there', async () => {
    await database.query(`drop table ${table}`);
    const { code, stderr } = await grant(settings('manage'), '--create-table', ...grantees);
    expect(code).toBe(1);
    expect(stderr).toMatch(/table_missing[\s\S]*dotnet ef database update/);
  });

  it('knows the rings by their names', async () => {
    const { code, stderr } = await grant(settings('manage'), '--ring=nope', ...grantees);
    expect(code).toBe(2);
    expect(stderr).toContain('No key ring in a table is named nope. There is: web.');
  });
});

describe('token-cache grant on Azure SQL', () => {
  const settings = () => ({
    TOKEN_CACHE_CONNECTION_STRING: endpoint().connectionString('TrustServerCertificate=true'),
    TOKEN_CACHE_TABLE: 'dbo.[Token Cache]',
  });
  const rights = (name: string) =>
    database
      .query<{ rights: string }>('select distinct rights from sys.database_permissions where grantee = $1 order by 1', [
        name,
      ])
      .then((rows) => rows.map((row) => row.rights));
  const users = () => database.query("select name, encode(sid, 'hex') as sid from sys.database_principals order by 1");
  const sids = ['111111112222333344445555555555aa', '666666667777888899990000000000bb'];

  beforeEach(async () => {
    await database.query('create schema if not exists dbo; drop table if exists dbo."Token Cache"');
    await database.query('truncate sys.database_principals, sys.database_permissions');
  });
  afterEach(() => endpoint().kill());

  it('makes the user by its client id as SID, and gives the least rights; twice, to the same end', async () => {
    for (let time = 1; time <= 2; time += 1) {
      const { code, stdout, stderr } = await grant(
        settings(),
        '--create-table',
        `--app=id]x=${ids[0]}`,
        `--consumer=we'b=${ids[1]}`,
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain("GRANT SELECT, INSERT, UPDATE, DELETE ON [dbo].[Token Cache] TO [we'b];");
      expect(await users()).toEqual([
        { name: 'id]x', sid: sids[0] },
        { name: "we'b", sid: sids[1] },
      ]);
      expect(await rights('id]x')).toEqual(['ALTER', 'SELECT, DELETE', 'VIEW DATABASE STATE']);
      expect(await rights("we'b")).toEqual(['SELECT, INSERT, UPDATE, DELETE']);
    }
  });

  it('takes ALTER away again where the app observes the index', async () => {
    await grant(settings(), '--create-table', `--app=app=${ids[0]}`);
    expect((await grant(settings(), '--index=observe', `--app=app=${ids[0]}`)).code).toBe(0);
    expect(await rights('app')).toEqual(['SELECT, DELETE', 'VIEW DATABASE STATE']);
  });

  it('replaces the user of an app that was made again, and no web app without being told to', async () => {
    await grant(settings(), '--create-table', `--app=app=${ids[0]}`, `--consumer=web=${ids[0].replace('aa', 'ff')}`);
    expect((await grant(settings(), `--app=app=${ids[1]}`)).stdout).toContain('is dropped with its rights');
    const refused = await grant(settings(), `--consumer=web=${ids[0]}`);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/user_name_taken[\s\S]*--replace/);
    expect((await grant(settings(), '--replace', `--consumer=web=${ids[0]}`)).code).toBe(0);
    expect(await users()).toEqual([
      { name: 'app', sid: sids[1] },
      { name: 'web', sid: sids[0] },
    ]);
  });

  it('gives what a key ring in a table needs, by its mode', async () => {
    const ring = (mode: string) => ({
      KEY_RINGS: JSON.stringify([
        {
          name: 'web',
          mode,
          store: { kind: 'sqlserver', connectionStringSetting: 'RING' },
          protector: { kind: 'none' },
        },
      ]),
      RING: settings().TOKEN_CACHE_CONNECTION_STRING,
    });
    await database.query(createRingTable('dbo."DataProtectionKeys"'));
    const grantees = [`--app=app=${ids[0]}`, `--consumer=web=${ids[1]}`];
    for (let time = 1; time <= 2; time += 1)
      expect(await grant(ring('manage'), ...grantees)).toMatchObject({ code: 0, stderr: '' });
    expect(await rights('app')).toEqual(['INSERT', 'SELECT, INSERT, UPDATE, DELETE']);
    expect(await rights('web')).toEqual(['SELECT']);
    expect((await grant(ring('observe'), ...grantees)).code).toBe(0);
    expect(await rights('app')).toEqual(['INSERT', 'SELECT']);
    expect(await rights('web')).toEqual(['SELECT', 'SELECT, INSERT']);
    await database.query('drop table dbo."DataProtectionKeys", dbo."DataProtectionKeys_backup"');
  });

  it('touches no user that is not of Entra', async () => {
    await database.query("insert into sys.database_principals values ('app', 'S', null)");
    const { code, stderr } = await grant(settings(), '--create-table', `--app=app=${ids[0]}`);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^grant \w+ refused \(user_name_taken\)\. /);
    expect(await users()).toEqual([{ name: 'app', sid: null }]);
  });

  it.each([
    [[], 'Say who gets rights'],
    [['--app', `app=${ids[0]}x`], 'Write it as NAME=ID'],
    [['--app', ids[0]], 'Write it as NAME=ID'],
    [['--app', `=${ids[0]}`], 'The name must have'],
    [['--cache', 'nope', '--app', `app=${ids[0]}`], 'No SQL cache is named nope. There is: default.'],
    [['--index', 'no', '--app', `app=${ids[0]}`], 'manage or observe'],
  ])('exits with 2 on %j', async (args, message) => {
    const { code, stderr } = await grant(settings(), ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('prints without asking a server, whoever the connection string logs in', async () => {
    const nobody = {
      TOKEN_CACHE_CONNECTION_STRING: 'Server=sql.invalid;Database=web;Authentication=Active Directory Default',
    };
    const { code, stdout } = await grant(nobody, '--print', `--consumer=web=${ids[1]}`);
    expect(code).toBe(0);
    expect(stdout).toContain('in the database "web"');
    expect(stdout).toContain('GRANT SELECT, INSERT, UPDATE, DELETE ON [dbo].[TokenCache] TO [web];');
  });
});

describe('token-cache grant without a password', () => {
  // The stand-in is asked as the last of those whom Active Directory Default asks; on a workstation that is the Azure CLI.
  it('logs in to Azure SQL as whoever is there, and not as the app that the connection string names', async () => {
    const identity = await startManagedIdentity();
    const refuse = endpoint().login.token;
    const tokens: string[] = [];
    endpoint().login.token = (token) => void tokens.push(token);
    await database.query('create schema if not exists dbo; truncate sys.database_principals, sys.database_permissions');
    const { code, stderr } = await grant(
      {
        ...identity.settings,
        TOKEN_CACHE_CONNECTION_STRING: `Server=tcp:127.0.0.1,${endpoint().port};Database=cache;Authentication=Active Directory Managed Identity;User ID=${ids[1]};TrustServerCertificate=true`,
        TOKEN_CACHE_TABLE: 'dbo.Granted',
      },
      '--create-table',
      `--app=app=${ids[0]}`,
    );
    endpoint().login.token = refuse;
    await identity.stop();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(new Set(tokens)).toEqual(new Set([identity.token]));
    for (const request of identity.requests) expect(request.get('client_id')).toBeNull();
  });

  it('asks for the name of the administrator on PostgreSQL, where the token has none, and shows nothing of the token', async () => {
    const identity = await startManagedIdentity();
    const settings = { ...identity.settings, TOKEN_CACHE_CONNECTION_STRING: 'Host=127.0.0.1;Port=1;Database=portal' };
    const { code, stdout, stderr } = await grant(settings, `--app=app=${ids[0]}`);
    await identity.stop();
    expect(code).toBe(1);
    expect(stderr).toMatch(/login_failed[\s\S]*--login NAME/);
    expect(stdout + stderr).not.toContain(identity.token);
  });
});
