/** Requests that are wrong, with their exact answers: none of them 500, none changes anything. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../support/childProcess.ts';
import { entriesAtStart, useHttpApp } from '../support/httpApp.ts';

const ring = {
  name: 'web',
  mode: 'observe',
  store: { kind: 'folder', path: join(root, 'test/fixtures/key-ring/plain/keys') },
  protector: { kind: 'none' },
};
const { app, table } = useHttpApp({ ALLOW_CLEAR: 'true', KEY_RINGS: JSON.stringify([ring]) });

describe('bad requests', () => {
  const json = { 'content-type': 'application/json' };
  const purge = (
    status: number,
    code: string | undefined,
    raw: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = json,
  ) => ['POST', 'purge', { raw, headers }, status, code] as const;
  const post = (path: string, body: unknown, status: number, code: string | undefined) =>
    ['POST', path, { raw: JSON.stringify(body), headers: json }, status, code] as const;
  const key = 'f6f91482-2799-4607-8a8e-43b36cc85079';
  const field = (body: object) => purge(400, 'request_invalid', JSON.stringify(body));
  const get = (path: string, status: number, code?: string) => ['GET', path, {}, status, code] as const;
  it.each([
    // Fields: types, ranges, unknown ones.
    field({ dryRun: 'false' }),
    field({ dryRun: 0 }),
    field({ dryRun: null }),
    field({ cache: 7 }),
    field({ cache: '' }),
    field({ cache: 'Default' }),
    field({ cache: '../default' }),
    field({ cache: "d'; drop table x; --" }),
    field({ cache: 'x'.repeat(41) }),
    field({ cache: ['default'] }),
    field({ olderThan: -1 }),
    field({ olderThan: '-PT1H' }),
    field({ olderThan: '1 hour' }),
    field({ olderThan: 'P1M' }),
    field({ olderThan: 'P99999D' }),
    field({ olderThan: '' }),
    field({ maxRows: 0 }),
    field({ maxRows: -5 }),
    field({ maxRows: 1.5 }),
    field({ maxRows: '10' }),
    field({ maxRows: 1e300 }),
    field({ timeBudget: 'PT151S' }),
    field({ timeBudget: 'PT0S' }),
    field({ timeBudget: 'P1D' }),
    field({ timeBudget: 60 }),
    field({ timeBudget: '-PT5S' }),
    field({ confirm: 'default' }),
    field({ DryRun: false }),
    field({ dryrun: false }),
    field({ force: true }),
    field({ dryRun: false, dryRunn: true }),
    purge(400, 'request_invalid', '{"__proto__": {"dryRun": false}}'),
    field({ constructor: {} }),
    field([]),
    purge(400, 'request_invalid', 'null'),
    purge(400, 'request_invalid', '"purge"'),
    purge(400, 'request_invalid', '42'),
    purge(400, 'request_invalid', 'true'),
    // Bodies.
    purge(400, 'json_invalid', ''),
    purge(400, 'json_invalid', '{'),
    purge(400, 'json_invalid', '{"dryRun": false,}'),
    purge(400, 'json_invalid', "{'dryRun': false}"),
    purge(400, 'json_invalid', 'NaN'),
    purge(400, 'json_invalid', '{}{}'),
    purge(400, 'json_invalid', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])),
    purge(400, 'json_invalid', '['.repeat(8_000)),
    purge(413, 'body_too_large', JSON.stringify({ cache: 'x'.repeat(17_000) })),
    purge(413, 'body_too_large', ' '.repeat(2_000_000)),
    // Content types.
    purge(415, 'content_type_unsupported', '{}', {}),
    purge(415, 'content_type_unsupported', '{}', { 'content-type': 'text/plain' }),
    purge(415, 'content_type_unsupported', 'dryRun=false', { 'content-type': 'application/x-www-form-urlencoded' }),
    purge(415, 'content_type_unsupported', '{}', { 'content-type': 'application/jsonp' }),
    purge(415, 'content_type_unsupported', '{}', { 'content-type': 'multipart/form-data; boundary=application/json' }),
    // Caches.
    purge(404, 'cache_unknown', '{"cache":"other"}'),
    // Clear: the confirmation above all.
    post('clear', { dryRun: false }, 400, 'confirmation_wrong'),
    post('clear', { dryRun: false, confirm: '' }, 400, 'confirmation_wrong'),
    post('clear', { dryRun: false, confirm: 'Default' }, 400, 'confirmation_wrong'),
    post('clear', { dryRun: false, confirm: 'default ' }, 400, 'confirmation_wrong'),
    post('clear', { dryRun: false, confirm: 'true' }, 400, 'confirmation_wrong'),
    post('clear', { confirm: 'other' }, 400, 'confirmation_wrong'),
    post('clear', { dryRun: false, confirm: true }, 400, 'request_invalid'),
    post('clear', { dryRun: false, confirm: ['default'] }, 400, 'request_invalid'),
    post('clear', { dryRun: 'no', confirm: 'default' }, 400, 'request_invalid'),
    post('clear', { dryRun: false, confirm: 'default', olderThan: 'PT1H' }, 400, 'request_invalid'),
    post('clear', { dryRun: false, confirm: 'default', timeBudget: 'PT151S' }, 400, 'request_invalid'),
    post('clear', { dryRun: false, confirm: 'default', force: true }, 400, 'request_invalid'),
    post('clear', { cache: 'other', dryRun: false, confirm: 'other' }, 404, 'cache_unknown'),
    post('clear?confirm=default', { dryRun: false }, 400, 'request_invalid'),
    post('clear', [], 400, 'request_invalid'),
    ['POST', 'clear', { raw: '{', headers: json }, 400, 'json_invalid'],
    ['POST', 'clear', { raw: '{}', headers: { 'content-type': 'text/plain' } }, 415, 'content_type_unsupported'],
    ['GET', 'clear', {}, 404, undefined],
    ['DELETE', 'clear', {}, 404, undefined],
    // Key rings. This one is observed only.
    post('key-ring/other/rotate', {}, 404, 'key_ring_unknown'),
    post('key-ring/Web/rotate', {}, 404, 'key_ring_unknown'),
    post('key-ring/web%2f..%2fweb/rotate', {}, 404, 'key_ring_unknown'),
    post('key-ring/web%00/rewrap', {}, 400, undefined),
    post('key-ring/other/revoke', { all: true }, 404, 'key_ring_unknown'),
    post('key-ring/web/rotate', { dryRun: false }, 409, 'key_ring_observed'),
    post('key-ring/web/rewrap', { dryRun: false }, 409, 'key_ring_observed'),
    post('key-ring/web/revoke', { dryRun: false, confirm: 'web', all: true }, 409, 'key_ring_observed'),
    post('key-ring/web/rotate', { confirm: 'web' }, 400, 'request_invalid'),
    post('key-ring/web/rotate', { dryRun: null }, 400, 'request_invalid'),
    post('key-ring/web/rewrap', { key }, 400, 'request_invalid'),
    post('key-ring/web/revoke', {}, 400, 'request_invalid'),
    post('key-ring/web/revoke', { key, all: true }, 400, 'request_invalid'),
    post('key-ring/web/revoke', { all: false }, 400, 'request_invalid'),
    post('key-ring/web/revoke', { key: 'default' }, 400, 'request_invalid'),
    post('key-ring/web/revoke', { key: `${key}0` }, 400, 'request_invalid'),
    post('key-ring/web/revoke', { key: '*' }, 400, 'request_invalid'),
    post('key-ring/web/revoke', { createdBefore: 'yesterday' }, 400, 'request_invalid'),
    post('key-ring/web/revoke', { createdBefore: '2026-04-21T00:00:00' }, 400, 'request_invalid'),
    post('key-ring/web/revoke', { createdBefore: 1_776_729_600 }, 400, 'request_invalid'),
    post('key-ring/web/revoke', { all: true, reason: '' }, 400, 'request_invalid'),
    post('key-ring/web/revoke', { all: true, reason: 'two\nlines' }, 400, 'request_invalid'),
    post('key-ring/web/revoke', { all: true, reason: 'x'.repeat(201) }, 400, 'request_invalid'),
    post('key-ring/web/revoke', { dryRun: false, all: true }, 400, 'confirmation_wrong'),
    post('key-ring/web/revoke', { dryRun: false, all: true, confirm: 'WEB' }, 400, 'confirmation_wrong'),
    post('key-ring/web/revoke', { all: true, confirm: 'other' }, 400, 'confirmation_wrong'),
    post('key-ring/web/revoke', { key }, 404, 'key_unknown'),
    post('key-ring/web/revoke', { createdBefore: '2999-01-01T00:00:00Z' }, 400, 'revocation_in_future'),
    post('key-ring/web/prune', {}, 404, undefined),
    post('key-ring/web', {}, 404, undefined),
    ['GET', 'key-ring/web/rotate', {}, 404, undefined],
    [
      'POST',
      'key-ring/web/revoke',
      { raw: '[]', headers: { 'content-type': 'text/json' } },
      415,
      'content_type_unsupported',
    ],
    // Methods: the host knows none but those declared.
    ['GET', 'purge', {}, 404, undefined],
    ['PUT', 'purge', { raw: '{}', headers: json }, 404, undefined],
    ['DELETE', 'purge', {}, 404, undefined],
    ['POST', 'status', { raw: '{}', headers: json }, 404, undefined],
    ['POST', 'health', { raw: '{}', headers: json }, 404, undefined],
    ['DELETE', 'runs', {}, 404, undefined],
    // Queries and paths.
    ['POST', 'purge?dryRun=false', { raw: '{}', headers: json }, 400, 'request_invalid'],
    get('status?x=1', 400, 'request_invalid'),
    get('runs?limit=0', 400, 'request_invalid'),
    get('runs?limit=101', 400, 'request_invalid'),
    get('runs?limit=abc', 400, 'request_invalid'),
    get('runs?job=rotate', 400, 'request_invalid'),
    get('runs?cache=A', 400, 'request_invalid'),
    get('runs?cache=nope', 404, 'cache_unknown'),
    get('runs?subject=default&cache=nope', 400, 'request_invalid'),
    get('runs?subject=default&cache=default', 400, 'request_invalid'),
    get('runs?cache=nope&job=purge', 404, 'cache_unknown'),
    get('runs?limit=1&limit=2', 400, 'request_invalid'),
    get('runs?sort=asc', 400, 'request_invalid'),
    get('runs/nonsense', 404, 'run_unknown'),
    get('runs/purge.default.00000000000deadbeef', 404, 'run_unknown'),
    get('runs/..%2f..%2fetc%2fpasswd', 404, 'run_unknown'),
    get("runs/'%20or%20'1'%20eq%20'1", 404, 'run_unknown'),
    get('runs/%00', 400),
    get('runs/%zz', 404, 'run_unknown'),
    get('runs/a/b', 404),
    get('nothing', 404),
    get('../admin/functions/purge', 403),
  ] as [
    'GET' | 'POST',
    string,
    { raw?: string | Uint8Array<ArrayBuffer>; headers?: Record<string, string> },
    number,
    string | undefined,
  ][])('%s %s %o gets %i %s', async (method, path, options, status, code) => {
    const answer = await app().call(method, path, options);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    if (code) {
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.json).toMatchObject({
        status,
        title: expect.any(String),
        detail: expect.any(String),
        advice: expect.any(String),
      });
    }
    expect(await table().ids()).toHaveLength(entriesAtStart);
  });
});
