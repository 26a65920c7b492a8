/** POST /api/purge, built and behind the local host, on the real PostgreSQL and Azurite. */
import { describe, expect, it } from 'vitest';
import { useHttpApp } from '../support/httpApp.ts';
import { forgedPrincipal } from '../support/principal.ts';

const { app, database, table } = useHttpApp();

describe('POST /api/purge', () => {
  it('is a dry run unless told otherwise', async () => {
    for (const body of [{}, { dryRun: true }, { cache: 'default' }]) {
      const { status, json } = await app().call('POST', 'purge', { body });
      expect(status).toBe(200);
      expect(json).toMatchObject({
        job: 'purge',
        trigger: 'http',
        subject: 'default',
        dryRun: true,
        report: { dryRun: true, wouldDelete: { count: 1_000 } },
      });
    }
    expect(await table().ids()).toHaveLength(1_001);
  });

  it('deletes when told so, and leaves a record of who asked', async () => {
    const headers = {
      'x-forwarded-for': '1.2.3.4, 198.51.100.7:5123',
      'x-ms-client-principal': forgedPrincipal('TokenCache.Operator'),
    };
    const { status, json } = await app().call('POST', 'purge', { body: { dryRun: false }, headers });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      outcome: 'succeeded',
      report: { stopReason: 'drained', deleted: 1_000, expiredRemaining: { count: 0 } },
    });
    // Without Easy Auth a principal is a forgery: the key is all that is known.
    expect(json.requestedBy).toEqual({ by: 'function key', from: '198.51.100.7:5123' });
    expect((await app().call('GET', `runs/${json.runId}`)).json).toEqual(json);
    expect(await table().ids()).toEqual(['alive']);
  });

  it('limits the run as asked', async () => {
    const body = { dryRun: false, maxRows: 10, olderThan: 'PT1H', timeBudget: 'PT10S' };
    expect((await app().call('POST', 'purge', { body })).json).toMatchObject({
      report: { stopReason: 'rowLimit', deleted: 10 },
    });
  });

  it('runs once when posted twenty times at once; the others are told of that run', async () => {
    const unlock = await table().lock(['e1']);
    await database.query('create index by_expiry on public.tokencache (expiresattime)');
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => app().call('POST', 'purge', { body: { dryRun: false } })),
    );
    await unlock();
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(1);
    expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
    for (const { json } of answers.filter(({ status }) => status === 409))
      expect(json).toMatchObject({ code: 'run_in_progress', status: 409 });
    const again = await app().call('POST', 'purge', { body: { dryRun: false } });
    expect(again.json).toMatchObject({ report: { stopReason: 'drained' } });
    expect(await table().ids()).toEqual(['alive']);
  });

  it('tells a second caller of the run that holds the table, and never refuses a dry run', async () => {
    const cache = table().open();
    const held = await cache.tryLock('purge');
    expect(await app().call('POST', 'purge', { body: { dryRun: false } })).toMatchObject({
      status: 409,
      json: { code: 'run_in_progress' },
    });
    expect((await app().call('POST', 'purge', { body: {} })).status).toBe(200);
    expect((await app().call('GET', 'runs?job=purge&limit=2')).json).toMatchObject({
      runs: [
        { outcome: 'succeeded', dryRun: true },
        { outcome: 'skipped', dryRun: false, report: { stopReason: 'busy' } },
      ],
    });
    await held?.release();
    await cache.close();
  });

  it('keeps what a run had deleted before it failed', async () => {
    const older = Array.from({ length: 6_000 }, (_, index) => ({ id: `o${index}`, expiresInMs: -86_400_000 - index }));
    await table().insert(older);
    // This entry is the last to be deleted of all that has expired.
    await database.query(`create function refuse() returns trigger language plpgsql as
      $$ begin if old.id = 'e0' then raise exception 'no space' using errcode = 'disk_full'; end if; return old; end $$`);
    await database.query(
      'create trigger refuse before delete on public.tokencache for each row execute function refuse()',
    );
    const { status, json } = await app().call('POST', 'purge', { body: { dryRun: false } });
    const deleted = older.length + 1_001 - (await table().ids()).length;
    await database.query('drop function refuse cascade');
    expect([status, json.code]).toEqual([502, 'disk_full']);
    expect(deleted).toBeGreaterThan(0);
    expect((await app().call('GET', `runs/${json.runId}`)).json).toMatchObject({
      outcome: 'failed',
      report: { stopReason: 'failed', deleted },
      error: { code: 'disk_full' },
    });
  });

  it('answers a failed run with its code and what to do', async () => {
    await database.query('drop table public.tokencache');
    const { status, json, headers } = await app().call('POST', 'purge', { body: { dryRun: false } });
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect([status, json]).toMatchObject([
      502,
      { code: 'table_missing', advice: expect.stringContaining('TOKEN_CACHE_TABLE'), runId: expect.any(String) },
    ]);
    expect((await app().call('GET', `runs/${json.runId}`)).json).toMatchObject({
      outcome: 'failed',
      dryRun: false,
      error: { code: 'table_missing' },
    });
  });

  it('goes on when its client disconnects', async () => {
    const client = new AbortController();
    const request = fetch(`${app().url}/api/purge`, {
      method: 'POST',
      headers: { 'x-functions-key': app().functionKey, 'content-type': 'application/json' },
      body: JSON.stringify({ dryRun: false }),
      signal: client.signal,
    }).catch(() => 'gone');
    setTimeout(() => client.abort(), 20);
    await request;
    await expect.poll(() => table().ids(), { timeout: 20_000 }).toEqual(['alive']);
    await expect
      .poll(async () => (await app().call('GET', 'runs?job=purge&limit=1')).json, { timeout: 10_000 })
      .toMatchObject({ runs: [{ outcome: 'succeeded' }] });
  });
});
