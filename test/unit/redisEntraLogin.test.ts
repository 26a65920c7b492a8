import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { entraLogin } from '../../src/lib/redis/entraLogin.ts';

const tokenOf = (claims: object, mark = '') =>
  ['e30', Buffer.from(JSON.stringify(claims)).toString('base64url'), `signature${mark}`].join('.');

describe('a login by Entra', () => {
  let now = 0;
  let fetched = 0;
  let failing = false;
  const clock = { ...systemClock, now: () => new Date(now) };
  const fetch = async () => {
    fetched += 1;
    if (failing) throw new Error('the identity endpoint said secret-1');
    return { token: tokenOf({ oid: 'object-id' }, String(fetched)), expiresOnTimestamp: now + 3_600_000 };
  };
  beforeEach(() => {
    [now, fetched, failing] = [1_000_000, 0, false];
  });

  it('takes the token as the password, and the object id in it as the user', async () => {
    const login = entraLogin(fetch, clock, undefined);
    const { user, password } = await login();
    expect([user, password?.reveal()]).toEqual(['object-id', tokenOf({ oid: 'object-id' }, '1')]);
    expect((await entraLogin(fetch, clock, 'given')()).user).toBe('given');
  });

  it('keeps its token, and renews it 5 minutes before it expires', async () => {
    const login = entraLogin(fetch, clock, undefined);
    await login();
    now += 54 * 60_000;
    await login();
    expect(fetched).toBe(1);
    now += 2 * 60_000;
    expect((await login()).password?.reveal()).toContain('signature2');
    expect(fetched).toBe(2);
  });

  it('asks once for all that need a token at the same time', async () => {
    const login = entraLogin(fetch, clock, undefined);
    await Promise.all([login(), login(), login()]);
    expect(fetched).toBe(1);
  });

  it('goes on with a token that is still valid where the renewal fails, and then says so', async () => {
    const login = entraLogin(fetch, clock, undefined);
    await login();
    failing = true;
    now += 58 * 60_000;
    expect((await login()).password?.reveal()).toContain('signature1');
    now += 3 * 60_000;
    await expect(login()).rejects.toMatchObject({
      step: 'authentication',
      message: expect.not.stringContaining('secret-1'),
    });
  });

  it.each(['', 'no token', tokenOf({ sub: 'x' }), 'a.%%%.c'])(
    'refuses the token %j, which names no object id',
    async (token) => {
      const odd = async () => ({ token, expiresOnTimestamp: now + 3_600_000 });
      await expect(entraLogin(odd, clock, undefined)()).rejects.toMatchObject({ step: 'authentication' });
    },
  );
});
