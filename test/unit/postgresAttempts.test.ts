/** What is told where none of several hosts of PostgreSQL can be worked on. */
import { expect, it } from 'vitest';
import { NotPrimary, tellsMore } from '../../src/lib/sql/postgres/attempts.ts';
import { translateError } from '../../src/lib/sql/postgres/errors.ts';

const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const withoutTls = new Error('The server does not support SSL connections');

it.each([
  ['that a host is away, before that the other is a standby without TLS', [away, withoutTls, new NotPrimary()], away],
  ['the same in the other order', [withoutTls, new NotPrimary(), away], away],
  ['that all are standbys', [withoutTls, new NotPrimary(), withoutTls, new NotPrimary()], new NotPrimary()],
  ['why the second way failed too', [withoutTls, away], away],
  ['that TLS is refused, where nothing else was said', [withoutTls], withoutTls],
])('tells %s', (_, failures: Error[], told) => {
  expect(failures.reduce<unknown>((kept, each) => (tellsMore(each, kept) ? each : kept), undefined)).toEqual(told);
});

it('names the host that does not resolve, not the first', () => {
  const error = Object.assign(new Error('getaddrinfo ENOTFOUND db2.contoso.com'), { code: 'ENOTFOUND' });
  const context = { table: 't', user: 'u', host: 'db1', secrets: [] };
  expect(translateError(error, 'connect', context).advice).toContain('The name db2.contoso.com does not resolve');
});
