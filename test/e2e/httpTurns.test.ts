/** Whatever is asked at once over HTTP: so much is worked on, the rest waits or is told when to come again. */
import { describe, expect, it } from 'vitest';
import { atOnce, waiting } from '../../src/functions/http/turns.ts';
import { useHttpApp } from '../support/httpApp.ts';

const { app, database } = useHttpApp({ ALLOW_CLEAR: 'true' });

describe('dry runs at once', () => {
  it('are a few; the others wait, and what is too much is refused with the time to come again', async () => {
    const lock = await database.connect();
    await lock.query('begin; lock table public.tokencache in access exclusive mode');
    const held = async () => {
      const [row] = await database.query<{ runs: number }>(
        "select count(*)::int as runs from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
      return row?.runs;
    };
    const purge = () => app().call('POST', 'purge', { body: {} });
    const first = Array.from({ length: atOnce.run }, purge);
    await expect.poll(held).toBe(atOnce.run);
    const others = Array.from({ length: waiting + 10 }, purge);
    expect(await Promise.race(others)).toMatchObject({
      status: 429,
      json: { code: 'too_many_requests', advice: expect.stringContaining('respond-async') },
    });
    expect(await held()).toBe(atOnce.run);
    // What stands can be seen meanwhile.
    for (const path of ['status', 'runs', 'health']) expect((await app().call('GET', path)).status).toBeLessThan(429);

    await lock.query('rollback');
    for (const { status } of await Promise.all(first)) expect(status).toBe(200);
    const answers = await Promise.all(others);
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(10);
    for (const { status, headers } of answers)
      expect(status === 200 || (status === 429 && Number(headers.get('retry-after')) > 0)).toBe(true);
    expect(app().peakMemory() ?? 0).toBeLessThan(200e6);
  });
});

describe('memory', () => {
  const bytes = 200e6;
  const seed = () =>
    database.query(
      `insert into public.tokencache (id, value, expiresattime)
       select 'more' || n, decode(repeat(md5(n::text), 128), 'hex'), now() + (n - 6000) * interval '1 s' from generate_series(1, 20000) as n`,
    );
  const inTime = ({ status, headers }: { status: number; headers: Headers }) =>
    status < 300 || (status === 429 && Number(headers.get('retry-after')) > 0);

  it.each([
    ['200 diagnoses at once', [['GET', 'diagnose']]],
    [
      'a mix of 200 requests',
      [
        ['GET', 'diagnose'],
        ['POST', 'purge'],
        ['GET', 'status'],
        ['GET', 'runs'],
        ['GET', 'health'],
        ['POST', 'clear'],
        ['GET', 'openapi.json'],
      ],
    ],
  ])('is bounded: %s', async (_, routes) => {
    await seed();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_unused, index) => {
        const [method = 'GET', path = 'health'] = routes[index % routes.length] ?? [];
        return app().call(method, path, method === 'POST' ? { body: {} } : {});
      }),
    );
    // Health tells what it finds by its status.
    expect(answers.filter((answer) => !inTime(answer) && answer.status !== 503).map(({ text }) => text)).toEqual([]);
    expect(answers.some(({ status }) => status === 200)).toBe(true);
    expect(app().peakMemory() ?? 0).toBeLessThan(bytes);
  });
});
