/** Clearing a Redis cache, on real servers: what goes, what stays whatever its name, and how a run ends early. */
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/freePort.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { MaintenanceError } from '../../src/lib/errors.ts';
import { clearRedisCache, type RedisClearContext } from '../../src/lib/redis/clear.ts';
import type { RedisClearPlan } from '../../src/lib/redis/clearReport.ts';
import { clear, clearContext as contextOf, clearPolicy as policy } from '../support/redisClear.ts';
import { startCluster } from '../support/redisCluster.ts';
import { writeEntries } from '../support/redisEntries.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';

describe.skipIf(!redisFound)('a clear of a Redis cache', () => {
  afterEach(stopAllRedisServers);

  it('is a plan unless confirmed, and then says how many entries there are', async () => {
    const { client, node } = await startRedis();
    await writeEntries(client, { count: 500, instanceName: 'web:' });
    await writeEntries(client, { count: 50, instanceName: 'api:' });
    const plan = (await clearRedisCache(contextOf(node, 'web:'), 'web')) as RedisClearPlan;
    expect(plan).toMatchObject({ dryRun: true, wouldDelete: { count: 500, estimated: false }, nodes: [{ node }] });
    const quick = contextOf(node, 'web:', { policy: { ...policy, keysPerCall: 10 } });
    const glance = (await clearRedisCache(quick, 'web', { timeBudgetMs: 1 })) as RedisClearPlan;
    expect(glance.wouldDelete.count).toBeLessThanOrEqual(560);
    await expect(clear(contextOf(node, 'web:'), { confirm: 'api' })).rejects.toMatchObject({
      code: 'confirmation_wrong',
    });
    expect(await client.dbsize()).toBe(550);
  });

  it('deletes the entries under the prefix, in its database, and nothing else', async () => {
    const { client, node } = await startRedis();
    await writeEntries(client, { count: 700, instanceName: 'web:', ttlSeconds: 600 });
    await writeEntries(client, { count: 300, instanceName: 'web:' });
    await client.set('web:string', 'x');
    await client.hset('web:hash', 'value', 'x');
    await client.rpush('web:list', 'x');
    await client.sadd('web:set', 'data');
    await writeEntries(client, { count: 5, instanceName: 'website:' });
    await client.select(1);
    await writeEntries(client, { count: 5, instanceName: 'web:' });
    await client.select(0);
    const seen: number[] = [];
    const report = await clear(contextOf(node, 'web:'), { onProgress: (deleted) => seen.push(deleted) });
    expect(report).toMatchObject({
      engine: 'redis',
      stopReason: 'drained',
      deleted: 1_000,
      // SCAN may name one twice, as Redis makes its table smaller meanwhile.
      passedOver: expect.toSatisfy((count: number) => count >= 4 && count <= 8),
      remaining: { count: 0, estimated: false },
      nodes: [{ node, deleted: 1_000, complete: true }],
    });
    expect(seen.at(-1)).toBe(1_000);
    expect(seen.length).toBeGreaterThan(3);
    expect(await client.dbsize()).toBe(9);
    await client.select(1);
    expect(await client.dbsize()).toBe(5);
    expect(await clear(contextOf(node, 'web:'))).toMatchObject({ stopReason: 'drained', deleted: 0 });
  });

  it.each(['*', 'w?b:', '[a-z]', 'a\\*', '^-]', 'Zwischenspeicher für 表:', '{web}:', 'web[^a]*\\'])(
    'takes the prefix %j as it is, not as a pattern',
    async (prefix) => {
      const { client, node } = await startRedis();
      const { keys } = await writeEntries(client, { count: 20, instanceName: prefix });
      const others = ['web:x', 'wxb:x', 'a', 'b', 'aXY', 'z', 'a\\', 'web', '^', ']', '-', prefix.slice(0, -1) || 'q'];
      for (const name of others) await client.hset(name, 'data', 'x');
      const report = await clear(contextOf(node, prefix));
      expect(report).toMatchObject({ stopReason: 'drained', deleted: 20 });
      expect(await client.exists(...keys)).toBe(0);
      expect(await client.dbsize()).toBe(new Set(others).size);
    },
  );

  it('deletes keys that are not UTF-8', async () => {
    const { client, node } = await startRedis();
    const key = Buffer.from([0x77, 0x65, 0x62, 0x3a, 0xff, 0xfe, 0x00, 0x0a]);
    await client.hset(key, 'data', 'x');
    expect(await clear(contextOf(node, 'web:'))).toMatchObject({ deleted: 1 });
    expect(await client.dbsize()).toBe(0);
  });

  it('never touches a Data Protection ring or its copies, whatever the prefix and their type', async () => {
    const { client, node } = await startRedis();
    const copy = 'DataProtection-Keys:backup:20261124T000000Z';
    await client.rpush('DataProtection-Keys', '<key/>');
    await client.hset(copy, 'data', 'x');
    await client.hset('{DataProtection-Keys}:backup:1', 'data', 'x');
    await client.hset('DataProtection-of-nobody', 'data', 'x');
    expect(await clear(contextOf(node, 'DataProtection-'))).toMatchObject({ deleted: 1, passedOver: 0 });
    expect(await clear(contextOf(node, '{'))).toMatchObject({ deleted: 0 });
    await client.del('DataProtection-Keys');
    await client.hset('DataProtection-Keys', 'data', 'a hash under the name of the ring');
    expect(await clear(contextOf(node, 'D'))).toMatchObject({ deleted: 0 });
    expect(await client.dbsize()).toBe(3);
  });

  it('shows whose entries a prefix takes, and refuses one that is the beginning of another', async () => {
    const { client, node } = await startRedis();
    await writeEntries(client, { count: 20, instanceName: 'app' });
    await writeEntries(client, { count: 7, instanceName: 'app-staging:' });
    await client.hset(`app-staging:${'h'.repeat(43)}`, 'data', 'x');
    await client.hset('apple:other', 'data', 'x');
    await client.hset(`app${'H'.repeat(43)}`, 'data', 'x');
    const context = contextOf(node, 'app');
    const plan = (await clearRedisCache(context, 'web')) as RedisClearPlan;
    expect(plan.wouldDelete.count).toBe(30);
    expect(plan.prefixes).toEqual([
      { prefix: 'app', entries: 21 },
      { prefix: 'app-staging:', entries: 8 },
      { prefix: 'apple:', entries: 1 },
    ]);
    await expect(clear(context)).rejects.toMatchObject({
      code: 'prefix_ambiguous',
      message: expect.stringContaining('`app-staging:` (8)'),
    });
    expect(await client.dbsize()).toBe(30);
    expect(await clear(context, { allPrefixes: true })).toMatchObject({ deleted: 30, stopReason: 'drained' });
  });

  it('knows the prefixes of the other caches, and takes none for another that MSAL makes part of its keys', async () => {
    const { client, node } = await startRedis();
    const oid = '11111111-2222-4333-8444-555555555555';
    const own = [`${'k'.repeat(43)}${oid}_${oid}_AppTokenCache`, `${oid}__AppTokenCache`, oid, 'my:long:session'];
    for (const key of own) await client.hset(`web:${key}`, 'data', 'x');
    expect(await clear(contextOf(node, 'web:'))).toMatchObject({ deleted: 4 });
    await client.hset('web:staging:anything', 'data', 'x');
    const other = contextOf(node, 'web:', { otherPrefixes: ['web:', 'web:staging:'] });
    await expect(clear(other)).rejects.toMatchObject({ code: 'prefix_ambiguous' });
  });

  it('refuses an empty prefix, planned or confirmed', async () => {
    const { client, node } = await startRedis();
    await writeEntries(client, { count: 3 });
    for (const request of [{}, { confirm: undefined }])
      await expect(clear(contextOf(node, ''), request)).rejects.toMatchObject({
        code: 'instance_name_missing',
        advice: expect.stringContaining('InstanceName'),
      });
    expect(await client.dbsize()).toBe(3);
  });

  it('clears every primary of a cluster, of which one is named', async () => {
    const nodes = await startCluster();
    const client = new Redis.Cluster([{ host: '127.0.0.1', port: nodes[0].port }]);
    for (let index = 0; index < 300; index += 1) {
      await client.hset(`web:${index}`, 'absexp', '-1', 'data', 'x');
      await client.hset(`api:${index}`, 'absexp', '-1', 'data', 'x');
    }
    await client.rpush('DataProtection-Keys', '<key/>');
    client.disconnect();
    const context = contextOf(nodes[1].node, 'web:');
    expect(await clearRedisCache(context, 'web')).toMatchObject({ wouldDelete: { count: 300, estimated: false } });
    const report = await clear(context);
    expect(report).toMatchObject({ stopReason: 'drained', deleted: 300, remaining: { count: 0 } });
    expect(report.nodes.map(({ node }) => node).sort()).toEqual(nodes.map(({ node }) => node).sort());
    for (const { deleted } of report.nodes) expect(deleted).toBeGreaterThan(0);
    const left = await Promise.all(nodes.map((node) => node.client.dbsize()));
    expect(left.reduce((sum, count) => sum + count)).toBe(301);
  });

  it('deletes nothing where a primary of the cluster cannot be reached, or says how far it came', async () => {
    const nodes = await startCluster();
    for (const node of nodes) {
      for (let index = 0; index < 200; index += 1)
        await node.client.hset(`web:${index}`, 'data', 'x').catch(() => undefined);
    }
    nodes[2].signal('SIGSTOP');
    const context = contextOf(nodes[0].node, 'web:', { policy: { ...policy, timeoutMs: 1_000 } });
    await expect(clear(context)).rejects.toMatchObject({ code: 'redis_unreachable' });
    expect(await nodes[0].client.dbsize()).toBeGreaterThan(0);
    // Without the look for other prefixes beforehand, the others are cleared meanwhile.
    const error = await clear(context, { allPrefixes: true }).catch((reason: unknown) => reason);
    nodes[2].signal('SIGCONT');
    expect(error).toMatchObject({ code: 'redis_unreachable', advice: expect.stringMatching(/start it again/i) });
    expect(await clear(context)).toMatchObject({ stopReason: 'drained', remaining: { count: 0 } });
  });

  it('goes to the primary of a replica pair, and waits for no endpoint that is gone', async () => {
    const primary = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
    const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
    await expect.poll(() => replica.client.info('replication'), { timeout: 15_000 }).toContain('master_link_status:up');
    await writeEntries(primary.client, { count: 40, instanceName: 'web:' });
    const gone = `127.0.0.1:${await freePort()}`;
    const report = await clear(contextOf(`${gone},${replica.node},${primary.node}`, 'web:'));
    expect(report).toMatchObject({ deleted: 40, nodes: [{ node: primary.node }] });
    expect(report.warnings).toHaveLength(1);
    await expect(clear(contextOf(replica.node, 'web:'))).rejects.toMatchObject({ code: 'redis_unreachable' });
  });

  it('stops between two batches when asked to, and when its time is up; the next run goes on', async () => {
    const { client, node } = await startRedis();
    await writeEntries(client, { count: 3_000, instanceName: 'web:' });
    const stop = new AbortController();
    const first = await clear(contextOf(node, 'web:'), { signal: stop.signal, onProgress: () => stop.abort() });
    expect(first).toMatchObject({ stopReason: 'aborted', remaining: null, nodes: [{ complete: false }] });
    expect(first.deleted).toBeGreaterThan(0);
    expect(first.deleted).toBeLessThan(1_000);
    let elapsed = 0;
    const clock = { ...systemClock, elapsed: () => (elapsed += 10) };
    const second = await clear(contextOf(node, 'web:', { clock }), { timeBudgetMs: 100 });
    expect(second).toMatchObject({ stopReason: 'timeBudget' });
    const third = await clear(contextOf(node, 'web:'));
    expect(first.deleted + second.deleted + third.deleted).toBe(3_000);
  });

  it('tells what it deleted where what is left cannot be counted', async () => {
    const { client, node } = await startRedis();
    await writeEntries(client, { count: 200, instanceName: 'web:' });
    const context = contextOf(node, 'web:');
    let opened = 0;
    // A look for other prefixes, the deletion, and a look at what is left.
    const open: RedisClearContext['open'] = async (endpoint, signal) => {
      opened += 1;
      if (opened === 3) throw new MaintenanceError('redis_unreachable', 'It is gone.', 'Look at it.');
      return context.open(endpoint, signal);
    };
    expect(await clear({ ...context, open })).toMatchObject({
      stopReason: 'drained',
      deleted: 200,
      remaining: null,
      warnings: ['What is left could not be counted: It is gone.'],
    });
    expect(await client.dbsize()).toBe(0);
  });

  it('is no plan where it was stopped', async () => {
    const { client, node } = await startRedis();
    await writeEntries(client, { count: 200, instanceName: 'web:' });
    const context = contextOf(node, 'web:');
    const stop = new AbortController();
    const open: RedisClearContext['open'] = (...args) => {
      stop.abort();
      return context.open(...args);
    };
    for (const signal of [stop.signal, AbortSignal.abort()])
      await expect(clear({ ...context, open }, { confirm: undefined, signal })).rejects.toMatchObject({
        code: 'aborted',
      });
  });

  it('leaves alone what became something else since it was seen', async () => {
    const { client, node } = await startRedis();
    const { keys } = await writeEntries(client, { count: 10, instanceName: 'web:' });
    const [replaced = ''] = keys;
    const context = contextOf(node, 'web:');
    const open: RedisClearContext['open'] = async (endpoint, signal) => {
      const remover = await context.open(endpoint, signal);
      const scan = remover.scan.bind(remover);
      remover.scan = async (...args) => {
        const step = await scan(...args);
        await client.del(replaced);
        await client.rpush(replaced, 'x');
        return step;
      };
      return remover;
    };
    expect(await clear({ ...context, open })).toMatchObject({ deleted: 9, passedOver: 1 });
    expect(await client.type(replaced)).toBe('list');
  });

  it('needs the rights of the runbook, and no other; without one it says which, and deletes nothing', async () => {
    const { client, node } = await startRedis();
    await writeEntries(client, { count: 30, instanceName: 'web:' });
    await client.hset('api:1', 'data', 'x');
    const rights = ['+info', '+dbsize', '+scan', '+hexists', '+unlink'];
    const user = (...allowed: string[]) =>
      client.call('ACL', 'SETUSER', 'clearing', 'reset', 'on', '>pw-clearing', '~web:*', '-@all', ...allowed);
    const context = contextOf(`${node},user=clearing,password=pw-clearing`, 'web:');
    for (const missing of rights) {
      await user(...rights.filter((right) => right !== missing));
      const error = await clear(context).catch((reason: unknown) => reason);
      expect(error, missing).toMatchObject({ message: expect.stringContaining(missing.slice(1).toUpperCase()) });
      expect(String(error)).not.toContain('pw-clearing');
    }
    expect(await client.dbsize()).toBe(31);
    await user(...rights);
    expect(await clear(context)).toMatchObject({ stopReason: 'drained', deleted: 30 });
    const beyond = contextOf(`${node},user=clearing,password=pw-clearing`, 'api:');
    await expect(clear(beyond)).rejects.toMatchObject({ code: 'redis_command_refused' });
    expect(await client.exists('api:1')).toBe(1);
  });
});
