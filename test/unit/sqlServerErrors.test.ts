/** What an error number of SQL Server means, and what there is to do: never to look it up. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { translateError } from '../../src/lib/sql/sqlserver/errors.ts';
import { deleteRange } from '../../src/lib/sql/sqlserver/statements.ts';

const context = { table: '[dbo].[TokenCache]', user: 'app', byPassword: true, host: 'db', secrets: [] };
const told = (number: number, message = 'failed', severity = 16, more: object = {}) =>
  translateError(Object.assign(new Error(message), { code: 'EREQUEST', number, class: severity }), 'delete', {
    ...context,
    ...more,
  });

describe('an error of SQL Server', () => {
  it.each([10936, 10930, 976, 983, 10928, 40613, 49918, 921, 8628, 42108, 6005, 18401, 952, 40675])(
    '%i passes by itself',
    (number) => {
      expect(told(number)).toMatchObject({ kind: 'transient', code: 'database_unavailable' });
    },
  );

  it.each([1205, 1222, 1203, 3960, 41302, 40550, 40552])('%i asks for fewer rows', (number) => {
    expect(told(number).kind).toBe('lock');
  });

  it('of a constraint names it, and the table that it is of', () => {
    const text =
      'The DELETE statement conflicted with the REFERENCE constraint "FK_Audit_Cache". The conflict occurred in database "x", table "dbo.Audit", column \'Id\'.';
    const error = told(547, text);
    expect(error).toMatchObject({ kind: 'rows', code: 'row_refused' });
    expect(error.advice).toContain('FK_Audit_Cache');
    expect(error.advice).toContain('dbo.Audit');
    expect(told(50_001)).toMatchObject({ kind: 'rows', advice: expect.stringContaining('trigger') });
  });

  it('of a login tells the user of its kind', () => {
    expect(told(18456).advice).toContain('CREATE USER [app] FOR LOGIN [app];');
    expect(told(18456, 'failed', 14, { byPassword: false }).advice).toContain('FROM EXTERNAL PROVIDER');
  });

  it('has an advice of its own, or that of its severity', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 11, max: 25 }), (number, severity) => {
        const { advice } = told(number, 'failed', severity);
        expect(advice).toMatch(/^[A-Z].{20,}/s);
        expect(advice).not.toMatch(/look .* up|undefined/i);
      }),
    );
  });
});

describe('the delete of a batch', () => {
  it.each([
    [true, false],
    [false, false],
    [true, true],
  ])('seeks by one upper bound of the expiry alone (after: %s, with live: %s)', (hasAfter, withLive) => {
    const where = /WHERE (.*)\nOPTION/s.exec(deleteRange('[t]', hasAfter, withLive))?.[1] ?? '';
    expect(where.match(/(?<!, )\bExpiresAtTime <=? /g)).toEqual(['ExpiresAtTime <= ']);
    expect(where).toContain(withLive ? '<= @cutoff' : '< SYSDATETIMEOFFSET()');
  });
});
