/** Who may call the HTTP functions: keys, and app roles where Easy Auth is on. */
import { describe, expect, it } from 'vitest';
import { startFunctionsApp } from '../support/functionsApp.ts';
import { useHttpApp } from '../support/httpApp.ts';
import { forgedPrincipal } from '../support/principal.ts';

const { app, database } = useHttpApp();

describe('keys and roles', () => {
  const guarded = [
    ['POST', 'purge'],
    ['POST', 'clear'],
    ['POST', 'key-ring/web/rotate'],
    ['POST', 'key-ring/web/rewrap'],
    ['POST', 'key-ring/web/revoke'],
    ['GET', 'status'],
    ['GET', 'runs'],
    ['GET', 'runs/x'],
    ['GET', 'openapi.json'],
  ] as const;
  it.each(guarded)('%s %s needs the function key', async (method, path) => {
    for (const key of [null, '', 'wrong', `${app().functionKey}x`]) {
      const options = { key, ...(method === 'POST' && { body: {} }) };
      expect((await app().call(method, path, options)).status).toBe(401);
    }
  });

  it('takes the key from the address too, and keeps it out of records and logs', async () => {
    const { status, json } = await app().call('POST', `purge?code=${app().functionKey}`, { body: {}, key: null });
    expect(status).toBe(200);
    expect(JSON.stringify(json) + app().log()).not.toContain(app().functionKey);
  });

  it('go by the app roles where Easy Auth is on', async () => {
    const secured = await startFunctionsApp({
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      WEBSITE_AUTH_ENABLED: 'True',
      RECORD_STORE: 'none',
      ALLOW_CLEAR: 'true',
    });
    const as = (role: string | undefined) =>
      role === undefined ? {} : { headers: { 'x-ms-client-principal': forgedPrincipal(role) } };
    for (const [role, looks, changes] of [
      [undefined, 403, 403],
      ['Other', 403, 403],
      ['TokenCache.Reader', 200, 403],
      ['TokenCache.Operator', 200, 200],
    ] as const) {
      expect((await secured.call('GET', 'status', as(role))).status, `${role} looks`).toBe(looks);
      expect((await secured.call('POST', 'purge', { body: {}, ...as(role) })).status, `${role} changes`).toBe(changes);
      expect((await secured.call('POST', 'clear', { body: {}, ...as(role) })).status, `${role} clears`).toBe(changes);
      const ring = await secured.call('POST', 'key-ring/web/rotate', { body: {}, ...as(role) });
      expect(ring.status, `${role} rotates`).toBe(changes === 200 ? 404 : 403);
    }
    const { json } = await secured.call('POST', 'purge', { body: {}, ...as('TokenCache.Operator') });
    expect(json.requestedBy).toMatchObject({ by: 'mallory@example.com' });
    expect((await secured.call('GET', 'health', { key: null })).status).toBe(200);
    await secured.stop();
  });
});
