/** Rings in a table of Entity Framework: rows that .NET passes over, missing rights, names, writers at the same moment, lost answers. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pruneKeyRing } from '../../src/lib/keyRing/jobs/prune.ts';
import { revokeKeys } from '../../src/lib/keyRing/jobs/revoke.ts';
import { ringStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { Patience } from '../../src/lib/keyRing/patience.ts';
import type { TableStore } from '../../src/lib/keyRing/stores/table.ts';
import { day, idFrom, plainKey } from '../support/ringBuilder.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { createRingTable, postgresTableRing, sqlServerTableRing } from '../support/tableRing.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import { jobDeps, turnableClock } from '../support/testRing.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);
const now = Date.now();
const clock = turnableClock(now);
const [expired, aged] = [300, 80].map((days, at) => plainKey({ id: idFrom(at + 1), creation: now - days * day })) as [
  string,
  string,
];

const engines = [
  {
    engine: 'PostgreSQL',
    schema: 'public',
    open: () => postgresTableRing(database.url),
    copies: '"public"."DataProtectionKeys_backup"',
  },
  {
    engine: 'what speaks like SQL Server',
    schema: 'dbo',
    open: () => sqlServerTableRing(endpoint().connectionString('TrustServerCertificate=true')),
    copies: '"dbo"."DataProtectionKeys_backup"',
  },
] as const;

const stores: TableStore[] = [];
const kept = <S extends TableStore>(store: S): S => {
  stores.push(store);
  return store;
};
beforeEach(() => clock.set(now));
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});

describe.each(engines)('a ring in a table on $engine', ({ schema, open, copies }) => {
  const table = `"${schema}"."DataProtectionKeys"`;
  beforeEach(async () => {
    await database.query(`create schema if not exists ${schema}; drop table if exists ${copies}, ${table}`);
    await database.query(createRingTable(table));
  });
  afterEach(() => database.query(`drop table if exists ${copies}, ${table}`));

  const insert = async (...rows: [name: string | null, xml: string | null][]) => {
    for (const row of rows) await database.query(`insert into ${table} ("FriendlyName", "Xml") values ($1, $2)`, row);
  };
  const rows = (of = table) =>
    database.query<{ Id: number; FriendlyName: string | null; Xml: string | null; CopiedAt?: string }>(
      `select * from ${of} order by "Id"`,
    );
  const manage = (store = kept(open())) => jobDeps({ store, clock, policy: { pruneAfterMs: 30 * day } });

  it('has no element in a row whose Xml is null or empty, and leaves the row as it is', async () => {
    await insert([null, null], ['empty', ''], [null, aged]);
    const before = await rows();
    expect(await rotateKeyRing(manage())).toMatchObject({ outcome: 'published' });
    const after = await rows();
    expect(after.slice(0, 3)).toEqual(before);
    expect(after[3]?.FriendlyName).toMatch(/^key-[0-9a-f-]{36}$/);
    expect((await ringStatus(manage())).keys).toHaveLength(2);
  });

  it.each([
    ['one key twice', [aged, aged]],
    ['a row that is not XML', [aged, '<key']],
    ['a row with a byte order mark', [`\uFEFF${aged}`]],
  ])('is not written to where apps throw: %s', async (_, xml) => {
    await insert(...xml.map((each): [string, string] => ['key', each]));
    await expect(rotateKeyRing(manage())).rejects.toMatchObject({ code: 'key_ring_damaged' });
    expect(await rows()).toHaveLength(xml.length);
  });

  it('keeps each row as it was before a key is removed, in a table that apps do not read', async () => {
    await insert(['key-1', expired], [null, aged], ['none', null]);
    const before = await rows();
    expect(await pruneKeyRing(manage(), {})).toMatchObject({ outcome: 'pruned', keys: [idFrom(1)] });
    expect((await rows()).map(({ Xml }) => Xml)).toEqual([aged, null]);
    const copied = await rows(copies);
    expect(copied.map(({ CopiedAt: _, ...row }) => row)).toEqual(before);
    expect(copied[0]?.CopiedAt).toMatch(/^\d{8}T\d{9}Z$/);
  });

  it('revokes with a copy before it, and with a second one at the second time', async () => {
    await insert(['key-2', aged]);
    const revoke = (key: string) => revokeKeys(manage(), 'web', { target: { key }, reason: 'test', confirm: 'web' });
    expect(await revoke(idFrom(2))).toMatchObject({ outcome: 'revoked' });
    const successor = (await ringStatus(manage())).defaultKey ?? '';
    clock.turn(1000);
    await revoke(successor);
    const times = (await rows(copies)).map(({ CopiedAt }) => CopiedAt);
    expect(new Set(times).size).toBe(2);
    expect((await rows()).filter(({ FriendlyName }) => FriendlyName?.startsWith('revocation-'))).toHaveLength(2);
  });

  it('waits for an app that has not committed yet, and then counts what it wrote', async () => {
    await insert(['key-2', aged]);
    const store = kept(open());
    const ring = await store.read();
    const app = await database.connect();
    await app.query(`begin; insert into ${table} ("FriendlyName", "Xml") values ('key-1', '${expired}')`);
    const write = () => store.write(ring, { add: [], replace: [], remove: ring.elements });
    await expect(write()).rejects.toMatchObject({ code: 'key_ring_unavailable', transient: true });
    await app.query('commit');
    expect(await write()).toBe('conflict');
    expect(await rows()).toHaveLength(2);
  });

  it('is another one where a row was changed in place', async () => {
    await insert(['key-2', aged]);
    const store = kept(open());
    const ring = await store.read();
    await database.query(`update ${table} set "Xml" = $1`, [expired]);
    expect(await store.write(ring, { add: [], replace: [], remove: ring.elements })).toBe('conflict');
    expect(await rows()).toHaveLength(1);
  });
});

describe('a ring on what speaks like SQL Server', () => {
  const table = 'dbo."DataProtectionKeys"';
  beforeEach(() => database.query(`create schema if not exists dbo; ${createRingTable(table)}`));
  afterEach(async () => {
    endpoint().faults.clear();
    await database.query(`drop table if exists dbo."DataProtectionKeys_backup", ${table}`);
  });
  const open = () => kept(sqlServerTableRing(endpoint().connectionString('TrustServerCertificate=true')));

  it.each(['before', 'after'] as const)('publishes one key where the line breaks %s the commit', async (when) => {
    endpoint().faults.on('commit', { kind: 'reset', when });
    expect(await rotateKeyRing(jobDeps({ store: open(), clock }))).toMatchObject({ outcome: 'published' });
    expect(endpoint().faults.struck).toContain('commit');
    expect(await database.query(`select 1 from ${table}`)).toHaveLength(1);
  });

  it.each(['lockRing', 'insertElement'])('publishes one key after a deadlock at %s', async (statement) => {
    const deadlock = { number: 1205, message: 'Transaction was deadlocked, and has been chosen as the victim.' };
    endpoint().faults.on(statement, { kind: 'error', error: deadlock });
    expect(await rotateKeyRing(jobDeps({ store: open(), clock }))).toMatchObject({ outcome: 'published' });
    expect(await database.query(`select 1 from ${table}`)).toHaveLength(1);
  });

  it.each([
    [208, 'table_missing', 'dotnet ef database update'],
    [207, 'column_missing', 'Id, FriendlyName and Xml'],
    [229, 'key_ring_forbidden', 'GRANT SELECT, INSERT, UPDATE, DELETE ON [dbo].[DataProtectionKeys]'],
  ])('says what to do about error %i', async (number, code, advice) => {
    endpoint().faults.on('ringRows', { kind: 'error', error: { number, message: 'No.' } });
    await expect(open().read()).rejects.toMatchObject({ code, advice: expect.stringContaining(advice) });
  });
});

describe('a ring on PostgreSQL', () => {
  const role = `ring_${process.pid}`;
  const loginAs = (rights: string) =>
    database.query(
      `create role ${role} login password 'role-secret-1'; grant ${rights} on "DataProtectionKeys" to ${role}`,
    );
  const asRole = () =>
    kept(postgresTableRing(Object.assign(new URL(database.url), { username: role, password: 'role-secret-1' }).href));
  afterEach(() =>
    database.query(
      `drop table if exists "DataProtectionKeys", "DataProtectionKeys_backup", data_protection_keys, dataprotectionkeys;
       do $$ begin if exists (select from pg_roles where rolname = '${role}') then
         drop owned by ${role}; drop role ${role}; end if; end $$`,
    ),
  );

  it('has the names of a naming convention', async () => {
    await database.query(
      'create table data_protection_keys (id int generated always as identity primary key, friendly_name text, xml text)',
    );
    const deps = jobDeps({ store: kept(postgresTableRing(database.url, 'data_protection_keys')), clock });
    expect(await rotateKeyRing(deps)).toMatchObject({ outcome: 'published' });
    expect(await database.query('select friendly_name, xml from data_protection_keys')).toHaveLength(1);
  });

  it('says where no table of that name is, and names one that differs by its case alone', async () => {
    const read = () => kept(postgresTableRing(database.url)).read();
    await expect(read()).rejects.toMatchObject({
      code: 'table_missing',
      advice: expect.stringContaining('dotnet ef database update'),
    });
    await database.query(createRingTable('dataprotectionkeys'));
    await expect(read()).rejects.toMatchObject({
      code: 'table_missing',
      message: expect.stringContaining('there is "public"."dataprotectionkeys"'),
    });
  });

  it('says which column is missing', async () => {
    await database.query('create table "DataProtectionKeys" ("Id" int, "Xml" text)');
    await expect(kept(postgresTableRing(database.url)).read()).rejects.toMatchObject({
      code: 'column_missing',
      message: expect.stringContaining('FriendlyName'),
    });
  });

  it('can be looked at with SELECT alone, and says which rights a write needs', async () => {
    await database.query(createRingTable('"DataProtectionKeys"'));
    await loginAs('select');
    const deps = jobDeps({ store: asRole(), clock });
    expect(await ringStatus(deps)).toMatchObject({ keys: [] });
    await expect(rotateKeyRing(deps)).rejects.toMatchObject({
      code: 'key_ring_forbidden',
      advice: expect.stringContaining(
        `GRANT SELECT, INSERT, UPDATE, DELETE ON "public"."DataProtectionKeys" TO "${role}"`,
      ),
    });
  });

  it('is rotated without a place for copies, and refuses what needs a copy, until somebody makes it', async () => {
    await database.query(createRingTable('"DataProtectionKeys"'));
    await loginAs('select, insert, update, delete');
    const deps = jobDeps({ store: asRole(), clock });
    const { keys } = await rotateKeyRing(deps);
    const request = { target: { key: keys[0]?.id ?? '' }, reason: 'test', confirm: 'web' };
    const refused = await revokeKeys(deps, 'web', request).catch((error) => error);
    expect(refused).toMatchObject({ code: 'key_ring_forbidden', message: expect.stringContaining('_backup') });
    expect(await database.query('select 1 from "DataProtectionKeys"')).toHaveLength(1);
    const [, create = ''] = /insert: (.*)$/s.exec(refused.advice) ?? [];
    await database.query(`${create} grant insert on "DataProtectionKeys_backup" to ${role}`);
    expect(await revokeKeys(deps, 'web', request)).toMatchObject({ outcome: 'revoked' });
  });

  it('waits for a server that is away no longer than it should', async () => {
    await database.query(createRingTable('"DataProtectionKeys"'));
    const blocker = await database.connect();
    await blocker.query('begin; lock table "DataProtectionKeys"');
    const store = kept(postgresTableRing(database.url, undefined, new Patience({ eachMs: 200, allMs: 300 })));
    await expect(store.read()).rejects.toMatchObject({ code: 'key_ring_unavailable' });
    await expect(store.read()).rejects.toMatchObject({ transient: false });
    await blocker.query('rollback');
  });
});
