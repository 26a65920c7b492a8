import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as postgres from '../../src/lib/sql/postgres/tableName.ts';
import * as sqlServer from '../../src/lib/sql/sqlserver/tableName.ts';

const anyName = fc
  .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
  .filter((name) => !name.includes('\0') && Buffer.byteLength(name) <= 63);

describe.each([
  ['SQL Server', sqlServer],
  ['PostgreSQL', postgres],
])('table names of %s', (_, { parseTableName, quoteTable }) => {
  it('are read back as they were delimited, whatever characters they have', () => {
    fc.assert(
      fc.property(anyName, anyName, (schema, table) => {
        expect(parseTableName(quoteTable({ schema, table }))).toEqual({ schema, table });
      }),
    );
  });

  it.each(['', '.', 'a.', '.b', 'a.b.c', 'a b', '"a', '[a', 'a;b c', '"a"b', 'a\0b', `${'x'.repeat(200)}`])(
    'refuse %j',
    (text) => {
      expect(() => parseTableName(text)).toThrowError(expect.objectContaining({ code: 'table_name_invalid' }));
    },
  );
});

describe('table names', () => {
  it('of SQL Server may be bare, in brackets or in quotes', () => {
    expect(sqlServer.parseTableName('dbo.TokenCache')).toEqual({ schema: 'dbo', table: 'TokenCache' });
    expect(sqlServer.parseTableName('TokenCache')).toEqual({ schema: 'dbo', table: 'TokenCache' });
    expect(sqlServer.parseTableName('[my schema].[we"ird]] na\'me]')).toEqual({
      schema: 'my schema',
      table: 'we"ird] na\'me',
    });
    expect(sqlServer.parseTableName('"a.b" . [c.d]')).toEqual({ schema: 'a.b', table: 'c.d' });
  });

  it('of PostgreSQL fold to lower case where they are bare', () => {
    expect(postgres.parseTableName('Public.TokenCache')).toEqual({ schema: 'public', table: 'tokencache' });
    expect(postgres.parseTableName('TokenCache')).toEqual({ schema: 'public', table: 'tokencache' });
    expect(postgres.parseTableName('"My Schema"."we""ird]] na\'me"')).toEqual({
      schema: 'My Schema',
      table: 'we"ird]] na\'me',
    });
  });

  it('of SQL Server go into brackets, a closing one doubled', () => {
    expect(sqlServer.quoteTable({ schema: 'dbo', table: 'a"b' })).toBe('[dbo].[a"b]');
    expect(sqlServer.quoteTable({ schema: 'dbo', table: 'a]"b' })).toBe('[dbo].[a]]"b]');
  });
});
