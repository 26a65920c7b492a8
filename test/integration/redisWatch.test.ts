/** The watch of a single Redis: what it reads, what it finds, and that it disturbs nothing. On real servers. */
import { afterEach, describe, expect, it } from 'vitest';
import { blockEventLoop } from '../support/busyLoop.ts';
import { writeEntries } from '../support/redisEntries.ts';
import { type RedisServer, redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { defaultPolicy, findingOf, nodeOf, testWatch, turnedClock } from '../support/redisWatch.ts';
import { delayed, startTcpProxy } from '../support/tcpProxy.ts';

const options = 'abortConnect=False';
const watchOf = (server: RedisServer, extra = options, ...rest: [Parameters<typeof testWatch>[1]?]) =>
  testWatch(`${server.node},${extra}`, ...rest);

describe.skipIf(!redisFound)('the watch of a single Redis', () => {
  afterEach(stopAllRedisServers);

  it('reads what INFO says, and the round trips of PING', async () => {
    const server = await startRedis({
      args: ['--maxmemory', '50mb', '--maxmemory-policy', 'volatile-lru', '--appendonly', 'yes'],
    });
    await writeEntries(server.client, { count: 30, ttlSeconds: 3_600 });
    const report = await watchOf(server).look();
    expect(report).toMatchObject({ deployment: 'single', database: 0, level: 'ok', findings: [] });
    expect(nodeOf(report)).toMatchObject({
      node: server.node,
      role: 'primary',
      memory: { maxBytes: 52_428_800, maxFrom: 'server', policy: 'volatile-lru' },
      counters: { evicted: 0, expired: 0, rejectedConnections: 0 },
      sinceLastLook: null,
      clients: { limit: 10_000, blocked: 0 },
      databases: [{ database: 0, keys: 30, keysWithoutTtl: 0 }],
      keySample: { keys: 30, complete: true, userShare: 1, groups: [{ kind: 'user tokens', keys: 30, withoutTtl: 0 }] },
      persistence: { kind: 'aof', lastSaveOk: true },
      replication: { replicas: 0 },
    });
    const { memory, pingMilliseconds } = nodeOf(report);
    expect(memory.utilization).toBeCloseTo((memory.usedBytes ?? 0) / 52_428_800);
    expect(pingMilliseconds?.count).toBe(20);
    expect(pingMilliseconds?.p95).toBeGreaterThanOrEqual(pingMilliseconds?.p50 ?? Number.NaN);
    expect(pingMilliseconds?.max).toBeGreaterThanOrEqual(pingMilliseconds?.p95 ?? Number.NaN);
  });

  describe('whose PINGs take long', () => {
    const look = async (port: number) => {
      const exported: number[] = [];
      // Slow is not silent: on a busy machine the opening of a slow connection may take seconds.
      const watch = testWatch(`127.0.0.1:${port},${options},connectTimeout=60000`, {
        policy: { ...defaultPolicy, timeoutMs: 60_000, pings: 10 },
        onPing: (_, ms) => exported.push(ms),
      });
      const report = await watch.look();
      const { pingMilliseconds: ping } = nodeOf(report);
      return { finding: findingOf(report, 'slowPing'), ping, exported };
    };

    it('because the event loop of this process is blocked, is not blamed', async () => {
      const server = await startRedis();
      const free = blockEventLoop(120);
      const { finding, ping, exported } = await look(server.port).finally(free);
      expect(ping?.p95).toBeGreaterThan(100);
      expect(ping?.eventLoopDelay).toBeGreaterThan(100);
      expect(finding?.level).toBe('info');
      expect(finding?.what).toMatch(/event loop of this process was late .* not judged/);
      expect(exported).toEqual([]);
    });

    it('on an idle event loop, is blamed', async () => {
      const server = await startRedis();
      const proxy = await startTcpProxy(server.port, delayed(300));
      const { finding, exported } = await look(proxy.port);
      expect(finding).toMatchObject({ level: 'critical' });
      expect(finding?.what).not.toContain('not judged');
      expect(Math.min(...exported)).toBeGreaterThan(290);
      await proxy.close();
    });

    it('for longer than the event loop is blocked, is blamed for the rest', async () => {
      const server = await startRedis();
      const proxy = await startTcpProxy(server.port, delayed(400));
      const free = blockEventLoop(40);
      const { finding, ping } = await look(proxy.port).finally(free);
      expect(finding).toMatchObject({ level: 'critical' });
      expect(finding?.what).toContain('without that they took up to');
      expect(ping?.p95WithoutDelay).toBeLessThan(ping?.p95 ?? 0);
      await proxy.close();
    });
  });

  describe('filled beyond its memory', () => {
    const evictedBy = async ({ client }: RedisServer) =>
      Number(/evicted_keys:(\d+)/.exec(await client.info('stats'))?.[1]);
    const filled = async (policy: string, ttlSeconds?: number) => {
      const server = await startRedis({ args: ['--maxmemory', '4mb', '--maxmemory-policy', policy] });
      await writeEntries(server.client, { count: 200, ...(ttlSeconds && { ttlSeconds }) });
      const watch = watchOf(server);
      const before = await watch.look();
      const { refused } = await writeEntries(server.client, { count: 4_000, ...(ttlSeconds && { ttlSeconds }) });
      return { before, refused, server, evictedFirst: await evictedBy(server), after: await watch.look() };
    };

    it.each([
      'volatile-lru',
      'volatile-ttl',
      'volatile-lfu',
      'volatile-random',
      'allkeys-lru',
      'allkeys-lfu',
      'allkeys-random',
    ])('under %s, counts the evictions and the users whom they sign out', async (policy) => {
      const { before, after, server, evictedFirst } = await filled(policy, 3_600);
      expect(findingOf(before, 'redis-evictions')).toBeUndefined();
      expect(findingOf(after, 'refusedWrites')).toBeUndefined();
      const { counts, kind } = nodeOf(after).sinceLastLook ?? {};
      const evicted = counts?.evicted ?? 0;
      expect(kind).toBe('same');
      expect(evicted).toBeGreaterThan(100);
      // At its limit, the server evicts some more for the memory of each connection.
      expect(evicted).toBeGreaterThanOrEqual(evictedFirst);
      expect(evicted).toBeLessThanOrEqual(await evictedBy(server));
      expect(nodeOf(after).sinceLastLook?.perSecond.evicted).toBeGreaterThan(0);
      expect(findingOf(after, 'redis-evictions')).toMatchObject({ level: 'critical', node: server.node });
      expect(findingOf(after, 'redis-evictions')?.what).toContain(`${evicted.toLocaleString('en-US')} entries evicted`);
      expect(findingOf(after, 'redis-evictions')?.what).toMatch(/about [\d,]+ users must sign in again/);
      expect(findingOf(after, 'redis-memory-critical')).toBeDefined();
      const right = ['volatile-lru', 'volatile-ttl', 'volatile-lfu'].includes(policy);
      expect(findingOf(after, 'evictionPolicy')?.level).toBe(right ? undefined : 'warning');
    });

    it('under noeviction, says that writes fail', async () => {
      const { after, refused } = await filled('noeviction', 3_600);
      expect(refused).toBeGreaterThan(0);
      expect(nodeOf(after).sinceLastLook?.counts.evicted).toBe(0);
      expect(nodeOf(after).sinceLastLook?.counts.refusedWrites).toBe(refused);
      expect(findingOf(after, 'refusedWrites')).toMatchObject({ level: 'critical' });
      expect(findingOf(after, 'evictionPolicy')?.what).toContain('every write fails');
      expect(findingOf(after, 'redis-memory-critical')).toBeDefined();
    });

    it('under volatile-lru with entries that never expire, says that nothing may be evicted', async () => {
      const { after, refused } = await filled('volatile-lru');
      expect(refused).toBeGreaterThan(0);
      expect(findingOf(after, 'evictionPolicy')?.what).toContain('have no expiry');
      expect(findingOf(after, 'keysWithoutTtl')).toMatchObject({ level: 'critical' });
    });

    it('names evictions before the first look, without calling them new', async () => {
      const { server } = await filled('volatile-lru', 3_600);
      const report = await watchOf(server).look();
      expect(findingOf(report, 'redis-evictions')).toMatchObject({ level: 'info' });
    });
  });

  it('keeps a level until the memory has come back by 10 points', async () => {
    const server = await startRedis({
      args: ['--maxmemory', '1gb', '--maxmemory-policy', 'volatile-lru', '--appendonly', 'yes'],
    });
    await writeEntries(server.client, { count: 2_000, ttlSeconds: 3_600 });
    const watch = watchOf(server);
    const at = async (percent: number) => {
      const used = Number(/used_memory:(\d+)/.exec(await server.client.info('memory'))?.[1]);
      await server.client.config('SET', 'maxmemory', Math.round(used / (percent / 100)));
      const { findings } = await watch.look();
      return findings.find(({ check }) => check.startsWith('redis-memory-'));
    };
    expect((await at(70))?.level).toBeUndefined();
    const entered = await at(92);
    expect(entered).toMatchObject({ check: 'redis-memory-critical', level: 'critical' });
    const held = await at(83);
    expect(held).toMatchObject({ level: 'critical', since: entered?.since });
    expect(await at(78)).toMatchObject({ check: 'redis-memory-high', level: 'warning' });
    expect((await at(68))?.level).toBe('warning');
    expect((await at(60))?.level).toBeUndefined();
    expect((await at(70))?.level).toBeUndefined();
  });

  it('tells which keys have no expiry, by prefix, and never a whole key', async () => {
    const server = await startRedis();
    const { keys } = await writeEntries(server.client, { count: 40, instanceName: 'TokenCache_' });
    await writeEntries(server.client, { count: 20, ttlSeconds: 600, instanceName: 'TokenCache_' });
    for (let index = 0; index < 15; index += 1) await server.client.set(`session:${keys[index]}`, 'x');
    await server.client.set('alice@contoso.com', 'x');
    await server.client.set('bob', 'x');
    const report = await watchOf(server, options, { instanceName: 'TokenCache_' }).look();
    expect(nodeOf(report).keySample?.groups).toEqual([
      { prefix: 'TokenCache_', kind: 'user tokens', keys: 60, withoutTtl: 40 },
      { prefix: 'session:TokenCache_', kind: 'user tokens', keys: 15, withoutTtl: 15 },
      { prefix: '(mixed)', kind: 'other', keys: 2, withoutTtl: 2 },
    ]);
    expect(findingOf(report, 'keysWithoutTtl')?.what).toMatch(/^57 of 77 keys .*40 user tokens under `TokenCache_`/);
    const told = JSON.stringify(report);
    for (const secret of [...keys, 'alice', 'bob']) expect(told).not.toContain(secret);
  });

  it('finds a Data Protection key ring in the database of the cache, and in no other', async () => {
    const server = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] });
    await server.client.rpush('DataProtection-Keys', '<key/>');
    await writeEntries(server.client, { count: 10, ttlSeconds: 600 });
    expect(findingOf(await watchOf(server).look(), 'keyRingInCache')?.level).toBe('critical');
    expect(findingOf(await watchOf(server).look(), 'keysWithoutTtl')).toBeUndefined();
    await server.client.select(3);
    await writeEntries(server.client, { count: 10, ttlSeconds: 600 });
    const other = await watchOf(server, `${options},defaultDatabase=3`).look();
    expect(other.database).toBe(3);
    expect(findingOf(other, 'keyRingInCache')).toBeUndefined();
  });

  it('sees a restart between two looks: no negative rate, and what was lost', async () => {
    const server = await startRedis();
    await writeEntries(server.client, { count: 50, ttlSeconds: 600 });
    for (let index = 0; index < 500; index += 1) await server.client.get('nothing');
    const watch = watchOf(server);
    await watch.look();
    await server.restart();
    await writeEntries(server.client, { count: 5, ttlSeconds: 600 });
    const report = await watch.look();
    expect(nodeOf(report).sinceLastLook?.kind).toBe('restarted');
    for (const count of Object.values(nodeOf(report).sinceLastLook?.counts ?? {}))
      expect(count).toBeGreaterThanOrEqual(0);
    expect(findingOf(report, 'restarted')).toMatchObject({ level: 'critical' });
    expect(findingOf(report, 'restarted')?.what).toContain('held 50 keys, and holds 5');
    expect(findingOf(await watch.look(), 'restarted')).toBeUndefined();
  });

  it('says in how many days the memory is full, by the trend of its records', async () => {
    const server = await startRedis({
      args: ['--maxmemory', '20mb', '--maxmemory-policy', 'volatile-lru', '--appendonly', 'yes'],
    });
    const clock = turnedClock();
    const watch = watchOf(server, options, { clock });
    for (let hour = 0; hour < 6; hour += 1) {
      await writeEntries(server.client, { count: 200, ttlSeconds: 100_000 });
      const report = await watch.look();
      if (hour < 3) expect(nodeOf(report).memory.untilFull).toBeNull();
      clock.turn(3_600_000);
    }
    const report = await watch.look();
    expect(nodeOf(report).memory.bytesPerDay).toBeGreaterThan(0);
    expect(findingOf(report, 'timeUntilFull')).toMatchObject({ level: expect.stringMatching(/warning|critical/) });
  });

  it('counts rejected connections, and tells a full server as such', async () => {
    const server = await startRedis({ args: ['--maxclients', '3'] });
    const watch = watchOf(server);
    expect(findingOf(await watch.look(), 'rejectedConnections')).toBeUndefined();
    const others = [server.client.duplicate(), server.client.duplicate(), server.client.duplicate()];
    for (const other of others) other.on('error', () => undefined);
    await expect.poll(() => server.client.info('stats')).toMatch(/rejected_connections:[1-9]/);
    const full = await watch.look();
    expect(findingOf(full, 'redis-unreachable')).toMatchObject({ step: 'connectionLimit', level: 'critical' });
    for (const other of others) other.disconnect();
    await expect.poll(() => server.client.info('clients')).toContain('connected_clients:1\r');
    expect(findingOf(await watch.look(), 'rejectedConnections')?.level).toBe('critical');
  });

  it('measures the hit ratio since the last look, its own look-ups left out', async () => {
    const server = await startRedis();
    const { keys } = await writeEntries(server.client, { count: 50, ttlSeconds: 600 });
    const watch = watchOf(server);
    await watch.look();
    await watch.look();
    for (let index = 0; index < 120; index += 1) await server.client.hget(`missing${index}`, 'data');
    for (const key of keys.slice(0, 40)) await server.client.hget(key, 'data');
    const report = await watch.look();
    expect(nodeOf(report).sinceLastLook?.counts).toMatchObject({ hits: 40, misses: 120 });
    expect(findingOf(report, 'hitRatio')).toMatchObject({ level: 'warning' });
  });

  it.each([
    [['--save', '', '--appendonly', 'no'], 'none'],
    [['--save', '3600 1'], 'rdb'],
    [['--appendonly', 'yes'], 'aof'],
  ])('tells from %j that persistence is %s', async (args, kind) => {
    const server = await startRedis({ args });
    const report = await watchOf(server).look();
    expect(nodeOf(report).persistence.kind).toBe(kind);
    expect(findingOf(report, 'persistence')?.level).toBe(kind === 'none' ? 'warning' : undefined);
  });

  it('gets on without CONFIG', async () => {
    const server = await startRedis({ args: ['--rename-command', 'CONFIG', '', '--maxmemory', '50mb'] });
    const report = await watchOf(server).look();
    expect(nodeOf(report)).toMatchObject({ memory: { maxBytes: 52_428_800 }, persistence: { kind: 'unknown' } });
    expect(findingOf(report, 'persistence')).toBeUndefined();
    expect(findingOf(report, 'commandRefused')).toBeUndefined();
  });

  it('reports options that it does not follow', async () => {
    const server = await startRedis();
    const report = await watchOf(server, `${options},proxy=Twemproxy`).look();
    expect(findingOf(report, 'connectionOptions')?.what).toContain('`proxy` is not followed');
    expect(findingOf(await watchOf(server, 'syncTimeout=5000').look(), 'abortConnect')?.level).toBe('warning');
  });

  it('disturbs nothing: a handful of commands, one connection, nothing written', async () => {
    const server = await startRedis({ args: ['--maxmemory', '200mb'] });
    await writeEntries(server.client, { count: 5_000, ttlSeconds: 3_600, size: 10 });
    const changes = async () => /rdb_changes_since_last_save:\d+/.exec(await server.client.info('persistence'))?.[0];
    const received = async () =>
      Number(/total_connections_received:(\d+)/.exec(await server.client.info('stats'))?.[1]);
    const before = { changes: await changes(), received: await received() };
    await server.client.config('RESETSTAT');
    const report = await watchOf(server).look();
    const stats = await server.client.info('commandstats');
    const calls = Object.fromEntries(
      [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].map(([, name, count]) => [name, Number(count)]),
    );
    expect(Object.keys(calls).sort()).toEqual([
      'config|get',
      'config|resetstat',
      'info',
      'ping',
      'pttl',
      'scan',
      'type',
    ]);
    expect(calls).toMatchObject({ info: 1, 'config|get': 1, ping: 20, type: 1 });
    expect(calls.scan).toBeLessThanOrEqual(defaultPolicy.sample.calls);
    expect(calls.pttl).toBe(nodeOf(report).keySample?.keys);
    expect(await received()).toBe(1);
    expect(await changes()).toBe(before.changes);
    await expect.poll(() => server.client.info('clients')).toContain('connected_clients:1\r');
    expect(await server.client.dbsize()).toBe(5_000);
  });

  it('spreads its sample over the whole table, within its bounds', async () => {
    const server = await startRedis({ args: ['--maxmemory', '500mb'] });
    await writeEntries(server.client, { count: 20_000, ttlSeconds: 3_600, size: 1 });
    const sample = { calls: 10, keysPerCall: 20, timeMs: 5_000 };
    const looked = nodeOf(await watchOf(server, options, { policy: { ...defaultPolicy, sample } }).look());
    expect(looked.keySample).toMatchObject({ complete: false });
    expect(looked.keySample?.keys).toBeGreaterThan(50);
    expect(looked.keySample?.keys).toBeLessThan(1_000);
    const none = { ...defaultPolicy, sample: { ...sample, calls: 0 } };
    expect(nodeOf(await watchOf(server, options, { policy: none }).look()).keySample).toBeNull();
  });

  it('keeps no reading in a dry run', async () => {
    const server = await startRedis();
    const watch = watchOf(server);
    expect(await watch.look({ dryRun: true })).toMatchObject({ dryRun: true });
    expect(watch.state).toBeUndefined();
    await watch.look();
    expect(Object.keys(watch.state?.nodes ?? {})).toEqual([server.node]);
  });

  it('begins anew where the kept state is of another version', async () => {
    const server = await startRedis();
    const state = { read: async () => ({ nodes: { [server.node]: 'odd' } }), write: async () => undefined };
    expect(nodeOf(await watchOf(server, options, { state }).look()).sinceLastLook).toBeNull();
  });

  it('looks all the same where the record store fails, and says so', async () => {
    const server = await startRedis();
    const broken = () => Promise.reject(new Error('the store said secret-1'));
    for (const state of [
      { read: broken, write: async () => undefined },
      { read: async () => undefined, write: broken },
    ]) {
      const report = await watchOf(server, options, { state }).look();
      expect(nodeOf(report).up).toBe(true);
      expect(findingOf(report, 'recordStore')?.level).toBe('warning');
      expect(JSON.stringify(report)).not.toContain('secret-1');
    }
  });
});
