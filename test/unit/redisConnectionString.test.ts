import { describe, expect, it } from 'vitest';
import { parseConnectionString } from '../../src/lib/redis/connectionString.ts';
import { endpointName } from '../../src/lib/redis/redisConnection.ts';

const azure = 'contoso.redis.cache.windows.net';

describe('a Redis connection string', () => {
  it('is read as StackExchange.Redis writes it', () => {
    const text = `${azure}:6380,b.example:7000,[::1]:7001,PASSWORD=abc+/=,User=app,SSL=True,abortConnect=False,defaultDatabase=3,connectTimeout=9000,sslHost=c.example,syncTimeout=1000,name=web`;
    const { password, ...connection } = parseConnectionString(text);
    expect(password?.reveal()).toBe('abc+/=');
    expect(connection).toEqual({
      endpoints: [
        { host: azure, port: 6380 },
        { host: 'b.example', port: 7000 },
        { host: '::1', port: 7001 },
      ],
      user: 'app',
      token: undefined,
      ca: undefined,
      tls: true,
      tlsHost: 'c.example',
      sharedHost: undefined,
      database: 3,
      connectTimeoutMs: 9_000,
      abortConnect: false,
      remarks: [],
    });
  });

  it.each([
    ['localhost', 6379, false],
    ['localhost,ssl=true', 6380, true],
    ['localhost,ssl=yes', 6380, true],
    [`${azure}:6380`, 6380, true],
    [`${azure}:6380,ssl=false`, 6380, false],
    [azure, 6379, false],
    ['contoso.westeurope.redis.azure.net', 6380, true],
    ['contoso.westeurope.redis.azure.net:10000', 10_000, true],
    ['example.com:10000', 10_000, false],
  ])('has the defaults of the client: %s', (text, port, tls) => {
    const connection = parseConnectionString(text);
    expect([connection.endpoints[0]?.port, connection.tls]).toEqual([port, tls]);
  });

  it('of Sentinels names the primary, and has their port', () => {
    const connection = parseConnectionString('s1,s2:26380,serviceName=main,password=p,defaultDatabase=1');
    expect(connection).toMatchObject({ serviceName: 'main', database: 1, remarks: [] });
    expect(connection.endpoints).toEqual([
      { host: 's1', port: 26_379 },
      { host: 's2', port: 26_380 },
    ]);
  });

  it('names the host that all endpoints share, for the certificates of cluster nodes', () => {
    expect(parseConnectionString(`${azure}:6380`).sharedHost).toBe(azure);
    expect(parseConnectionString(`${azure}:6380,${azure}:6381`).sharedHost).toBe(azure);
    expect(parseConnectionString('a.example,b.example').sharedHost).toBeUndefined();
    expect(parseConnectionString('10.0.0.1:6380').sharedHost).toBeUndefined();
    expect(parseConnectionString('rediss://a.example').sharedHost).toBe('a.example');
  });

  it.each([
    ['localhost', true],
    ['localhost,abortConnect=true', true],
    ['localhost,AbortConnect=false', false],
    [azure, false],
    [`${azure},abortConnect=True`, true],
    ['redis://localhost', undefined],
  ])('says whether the app gives up at its start: %s', (text, abortConnect) => {
    expect(parseConnectionString(text).abortConnect).toBe(abortConnect);
  });

  it.each([
    ['localhost,proxy=envoyproxy', ['`proxy` is not followed']],
    ['localhost,$CONFIG=', ['a command is mapped (`$…`), which is not followed']],
    ['localhost,tunnel=http:proxy:80,keepAlive=5', ['`tunnel` is not followed']],
    ['localhost,proxy=None', []],
    ['rediss://h/0?family=4', ['a parameter of the URL is not known']],
  ])('reports what it does not follow: %s', (text, remarks) => {
    expect(parseConnectionString(text).remarks).toEqual(remarks);
  });

  it.each([
    ['localhost,sycnTimeout=5', /perhaps `syncTimeout` is meant/],
    [
      'localhost,password=p,otherHalf=x',
      /after `password` is not a keyword .* \(a password cannot hold a comma here\)/,
    ],
    ['localhost,Host=h', /`Host` is a keyword of Npgsql/],
    ['localhost,ssl=', /`ssl` must be true, false/],
  ])('refuses what the client refuses: %s', (text, reason) => {
    expect(() => parseConnectionString(text)).toThrow(reason);
  });

  it('never tells what may be a password', () => {
    const texts = [
      ...['localhost,password=half,secret-1', 'redis://:pa%ss-secret-1@h', 'localhost,ssl=secret-1'],
      ...['localhost,secret-1=,ssl=false', 'localhost,secret-1=x', 'secret-1 x:7', 'localhost,secret-1+/'],
    ];
    for (const text of texts)
      expect(() => parseConnectionString(text)).toThrow(
        expect.objectContaining({
          code: 'connection_string_invalid',
          message: expect.not.stringContaining('secret-1'),
        }),
      );
  });

  it.each([
    ['redis://h', { endpoints: [{ host: 'h', port: 6379 }], tls: false, database: 0 }],
    ['rediss://user:p%40ss@h:7000/2', { endpoints: [{ host: 'h', port: 7000 }], tls: true, database: 2, user: 'user' }],
    ['REDISS://:secret@[::1]:7000?db=5', { endpoints: [{ host: '::1', port: 7000 }], database: 5 }],
  ])('may be a URL: %s', (text, expected) => {
    expect(parseConnectionString(text)).toMatchObject(expected);
  });

  it('may have a password in its URL', () => {
    expect(parseConnectionString('rediss://user:p%40ss@h').password?.reveal()).toBe('p@ss');
    expect(parseConnectionString('rediss://h').password).toBeUndefined();
  });

  it.each([
    [azure, 'auto', true],
    [`${azure},password=p`, 'auto', false],
    [`${azure},password=p`, 'entra', true],
    [azure, 'password', false],
    ['localhost', 'auto', false],
    ['localhost', 'entra', true],
  ] as const)('of %s with REDIS_AUTHENTICATION %s needs a token: %s', (text, authentication, needs) => {
    expect(parseConnectionString(text, { authentication }).token !== undefined).toBe(needs);
  });

  it.each([
    '',
    'ssl=true',
    'host:port:x,ssl=true',
    'host:99999',
    'host,defaultDatabase=two',
    'redis://',
    'redis://h/name',
    'http://h',
    'host name',
  ])('cannot be %j', (text) => {
    expect(() => parseConnectionString(text)).toThrow(expect.objectContaining({ code: 'connection_string_invalid' }));
  });
});

describe('the name of an endpoint', () => {
  it.each([
    ['Cache.Example', 'cache.example:6379'],
    ['127.0.0.1', '127.0.0.1:6379'],
    ['0:0:0:0:0:0:0:1', '[::1]:6379'],
    ['2001:0DB8::000a', '[2001:db8::a]:6379'],
    ['fe80::1%eth0', '[fe80::1%eth0]:6379'],
  ])('is the same for each spelling of a host: %s', (host, name) => {
    expect(endpointName({ host, port: 6379 })).toBe(name);
  });
});
