/** Types, counts and cancelling over the wire, with mssql itself; and that the endpoint answers nothing that it does not know. */
import sql from 'mssql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConnectionString } from '../../src/lib/sql/sqlserver/connectionString.ts';
import { driverConfig } from '../../src/lib/sql/sqlserver/connections.ts';
import { fromInstant, toInstant } from '../../src/lib/sql/sqlserver/instant.ts';
import * as statements from '../../src/lib/sql/sqlserver/statements.ts';
import { appStatements } from '../support/sqlServer/appStatements.ts';
import { useScenario } from '../support/sqlServer/scenario.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);
useScenario(database, endpoint);
const table = '[dbo].[TokenCache]';

describe('over the wire', () => {
  let pool: sql.ConnectionPool;
  const connect = async (changes: Partial<sql.config> = {}) => {
    const connection = parseConnectionString(endpoint().connectionString('TrustServerCertificate=true'));
    const { login } = connection;
    if (login.kind !== 'sql') throw new Error('no SQL login');
    return new sql.ConnectionPool({
      ...driverConfig(connection),
      user: login.user,
      password: login.password.reveal(),
      ...changes,
      validateConnection: 'socket',
    }).connect();
  };
  beforeAll(async () => {
    pool = await connect();
  });
  // The scenario ends every session after each test.
  afterAll(() => pool.close());

  const insert = (id: string, value: Buffer, expiresAt: Date, sliding: number | null, absolute: Date | null) =>
    pool
      .request()
      .input('Id', sql.NVarChar(449), id)
      .input('Value', sql.VarBinary(sql.MAX), value)
      .input('ExpiresAtTime', sql.DateTimeOffset(7), expiresAt)
      .input('SlidingExpirationInSeconds', sql.BigInt, sliding)
      .input('AbsoluteExpiration', sql.DateTimeOffset(7), absolute)
      .query(appStatements.insertEntry(table));
  const read = async (id: string) => {
    const { recordset } = await pool.request().input('Id', sql.NVarChar(449), id).query(appStatements.readEntry(table));
    return recordset[0] as Record<string, unknown> | undefined;
  };

  it.each([
    ['nothing', 0],
    ['one byte', 1],
    ['7 KB', 7_000],
    ['5 MB', 5_000_000],
  ])('a value of %s comes back as it went', async (_, size) => {
    const value = Buffer.alloc(size, 'äbc');
    const id = 'x'.repeat(449);
    const { rowsAffected } = await insert(id, value, new Date('2026-03-04T05:06:07.089Z'), 1_200, null);
    expect(rowsAffected).toEqual([1]);
    const row = await read(id);
    expect(row).toMatchObject({ Id: id, SlidingExpirationInSeconds: '1200', AbsoluteExpiration: null });
    expect(Buffer.compare(row?.Value as Buffer, value)).toBe(0);
  });

  it.each([
    '2026-11-24T23:59:59.9999999Z',
    '2026-11-24T00:00:00.0000001Z',
    '1970-01-01T00:00:00.0000000Z',
    '0001-01-01T00:00:00.0000000Z',
    '9999-12-31T23:59:59.9999998Z',
  ])('the point in time %s keeps its seven digits', async (text) => {
    await insert('时\u{1F511}', Buffer.from('x'), fromInstant(text as never), null, fromInstant(text as never));
    const row = await read('时\u{1F511}');
    expect(toInstant(row?.ExpiresAtTime as Date)).toBe(text);
    expect(toInstant(row?.AbsoluteExpiration as Date)).toBe(text);
  });

  it('a statement without NOCOUNT reports the rows that it touched', async () => {
    const { rowsAffected } = await pool
      .request()
      .input('UtcNow', sql.DateTimeOffset(7), new Date())
      .query(appStatements.deleteExpired(table));
    expect(rowsAffected).toEqual([3_000]);
  });

  it('a text that is not in the table is error 102, as a batch and as a call', async () => {
    await expect(pool.request().query('SELECT 1 AS one')).rejects.toMatchObject({ number: 102 });
    await expect(pool.request().batch('DROP TABLE x')).rejects.toMatchObject({ number: 102 });
    await expect(pool.request().query(`${statements.clock(table, false)} `)).rejects.toMatchObject({ number: 102 });
  });

  it('a cancelled statement ends, and its connection serves the next', async () => {
    const single = await connect({ pool: { max: 1 } });
    endpoint().faults.on('clock', { kind: 'hang' });
    const request = single.request();
    const cancelled = expect(request.query(statements.clock(table, false))).rejects.toMatchObject({ code: 'ECANCEL' });
    await expect.poll(() => endpoint().faults.struck.at(-1)).toBe('clock');
    const { accepted } = endpoint();
    request.cancel();
    await cancelled;
    expect((await single.request().query(statements.clock(table, false))).recordset[0]?.now).toBeInstanceOf(Date);
    expect(endpoint().accepted).toBe(accepted);
    await single.close();
  });

  it('a cancel ends the twin as well: no lock is held any longer', async () => {
    const client = await database.connect();
    await client.query('begin; lock table dbo."TokenCache" in exclusive mode');
    const single = await connect({ pool: { max: 1 } });
    const request = single.request().input('UtcNow', sql.DateTimeOffset(7), new Date());
    const cancelled = expect(request.query(appStatements.deleteExpired(table))).rejects.toMatchObject({
      code: 'ECANCEL',
    });
    const waiting = () =>
      database.query("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'");
    await expect.poll(async () => (await waiting()).length).toBe(1);
    request.cancel();
    await cancelled;
    await expect.poll(async () => (await waiting()).length).toBe(0);
    await client.query('rollback');
    await single.close();
  });

  it('a token in the login itself is taken', async () => {
    endpoint().login.token = (token) => (token === 'a-token' ? undefined : { number: 18456, message: 'Login failed.' });
    const config = driverConfig(parseConnectionString(endpoint().connectionString('TrustServerCertificate=true')));
    const withToken = (token: string) =>
      new sql.ConnectionPool({
        ...config,
        validateConnection: 'socket',
        authentication: { type: 'azure-active-directory-access-token', options: { token } },
      }).connect();
    const opened = await withToken('a-token');
    expect((await opened.request().query(statements.clock(table, false))).recordset).toHaveLength(1);
    await opened.close();
    await expect(withToken('another')).rejects.toMatchObject({ code: 'ELOGIN' });
  });
});
