/** Replica pairs and OSS clusters: which nodes are watched, and what a lost one means. On real servers. */
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/freePort.ts';
import type { WatchReport } from '../../src/lib/redis/watchReport.ts';
import { startCluster, startReplica } from '../support/redisCluster.ts';
import { writeEntries } from '../support/redisEntries.ts';
import { type RedisServer, redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { defaultPolicy, findingOf, nodeOf, testWatch } from '../support/redisWatch.ts';
import { startTcpProxy } from '../support/tcpProxy.ts';

const quick = { policy: { ...defaultPolicy, timeoutMs: 5_000 } };

describe.skipIf(!redisFound)('a replica pair', () => {
  afterEach(stopAllRedisServers);

  const pair = async () => {
    const primary = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
    const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
    await expect.poll(() => replica.client.info('replication'), { timeout: 15_000 }).toContain('master_link_status:up');
    await writeEntries(primary.client, { count: 10, ttlSeconds: 600 });
    return { primary, replica, watch: testWatch(`${primary.node},${replica.node},abortConnect=False`, quick) };
  };

  it('is watched on both sides, and needs no persistence', async () => {
    const { primary, replica, watch } = await pair();
    const report = await watch.look();
    expect(report.deployment).toBe('replicated');
    expect(nodeOf(report, primary.node)).toMatchObject({ role: 'primary', replication: { replicas: 1 } });
    expect(nodeOf(report, replica.node)).toMatchObject({
      role: 'replica',
      replication: { linkUp: true, primary: primary.node },
      keySample: null,
    });
    expect(findingOf(report, 'persistence')).toBeUndefined();
    expect(findingOf(report, 'replicationLink')).toBeUndefined();
  });

  it('whose primary goes away is a finding on both', async () => {
    const { primary, replica, watch } = await pair();
    await watch.look();
    await primary.stop();
    await expect.poll(() => replica.client.info('replication')).toContain('master_link_status:down');
    const report = await watch.look();
    expect(findingOf(report, 'redis-unreachable')).toMatchObject({
      node: primary.node,
      step: 'tcp',
      level: 'critical',
    });
    expect(findingOf(report, 'replicationLink')).toMatchObject({ node: replica.node, level: 'critical' });
    await replica.client.replicaof('NO', 'ONE');
    const promoted = await watch.look();
    expect(nodeOf(promoted, replica.node).role).toBe('primary');
    expect(findingOf(promoted, 'replicationLink')).toBeUndefined();
  });
});

describe.skipIf(!redisFound)('an OSS cluster of three nodes', () => {
  afterEach(stopAllRedisServers);

  it('is watched on every primary, though one is named alone', async () => {
    const nodes = await startCluster();
    const client = new Redis.Cluster([{ host: '127.0.0.1', port: nodes[0].port }]);
    for (let index = 0; index < 300; index += 1) await client.hset(`entry${index}`, 'data', 'x');
    await client.rpush('DataProtection-Keys', '<key/>');
    client.disconnect();
    const report = await testWatch(`${nodes[0].node},abortConnect=False`, quick).look();
    expect(report.deployment).toBe('cluster');
    expect(report.nodes.map(({ node }) => node).sort()).toEqual(nodes.map(({ node }) => node).sort());
    const keys = nodes.map(({ node }) => nodeOf(report, node).databases?.[0]?.keys ?? 0);
    expect(keys.reduce((sum, count) => sum + count, 0)).toBe(301);
    for (const { node } of nodes) expect(nodeOf(report, node).keySample).toMatchObject({ complete: true });
    expect(report.findings.filter(({ check }) => check === 'keyRingInCache')).toHaveLength(1);
    expect(findingOf(report, 'clusterSlots')).toBeUndefined();
    for (const { client: own } of nodes)
      await expect.poll(() => own.info('clients')).toContain('connected_clients:1\r');
  });

  it('is watched on every primary where a replica is named', async () => {
    const nodes = await startCluster();
    const replica = await startReplica(nodes[0]);
    const report = await testWatch(`${replica.node},abortConnect=False`, quick).look();
    expect(report.nodes.map(({ node }) => node).sort()).toEqual(nodes.map(({ node }) => node).sort());
    expect(nodeOf(report, nodes[0].node).replication.replicas).toBe(1);
  });

  it('is watched once a node where all are named', async () => {
    const nodes = await startCluster();
    const report = await testWatch(nodes.map(({ node }) => node).join(','), quick).look();
    expect(report.nodes).toHaveLength(3);
  });

  it('that loses a primary: the others are watched', async () => {
    const nodes = await startCluster();
    await nodes[2].stop();
    const report = await testWatch(`${nodes[0].node},abortConnect=False`, quick).look();
    expect(findingOf(report, 'redis-unreachable')).toMatchObject({
      node: nodes[2].node,
      step: 'tcp',
      level: 'critical',
    });
    expect(nodeOf(report, nodes[1].node).role).toBe('primary');
  });

  it('whose only named endpoint is away for a look: the readings of the others wait', async () => {
    const nodes = await startCluster();
    const watch = testWatch(`${nodes[0].node},abortConnect=False`, quick);
    await watch.look();
    nodes[0].signal('SIGSTOP');
    expect((await watch.look()).nodes).toHaveLength(1);
    nodes[0].signal('SIGCONT');
    const report = await watch.look();
    for (const { node } of nodes) expect(nodeOf(report, node).sinceLastLook?.kind).toBe('same');
  });

  describe('that is named otherwise than it announces its nodes', () => {
    const named = (...nodes: RedisServer[]) => `${nodes.map(({ port }) => `localhost:${port}`).join()},${apart}`;
    const apart = 'abortConnect=False';
    const unreachable = ({ findings }: WatchReport) => findings.filter(({ check }) => check === 'redis-unreachable');
    const namesOf = ({ nodes }: WatchReport) => nodes.map(({ node }) => node).sort();

    it('tells of a node under one name, away and back', async () => {
      const nodes = await startCluster();
      const watch = testWatch(named(nodes[0]), quick);
      expect(namesOf(await watch.look())).toEqual(nodes.map(({ node }) => node).sort());
      nodes[0].signal('SIGSTOP');
      const away = await watch.look();
      expect(away.nodes).toEqual([{ node: nodes[0].node, up: false, step: 'answer' }]);
      expect(unreachable(away)).toMatchObject([{ node: nodes[0].node, level: 'critical' }]);
      expect((await watch.look()).findings[0]?.since).toBe(away.findings[0]?.since);
      nodes[0].signal('SIGCONT');
      const back = await watch.look();
      expect(unreachable(back)).toEqual([]);
      expect(nodeOf(back, nodes[0].node).sinceLastLook?.kind).toBe('same');
      expect(Object.keys(watch.state?.levels ?? {}).filter((key) => key.startsWith('redis-unreachable'))).toEqual([]);
      expect(back.recovered).toBeUndefined();
    });

    it('tells once of a node that the others know to be away', async () => {
      const nodes = await startCluster();
      const watch = testWatch(named(...nodes), quick);
      await watch.look();
      await nodes[2].stop();
      const away = await watch.look();
      expect(unreachable(away)).toMatchObject([{ node: nodes[2].node, level: 'critical' }]);
      expect(namesOf(away)).toEqual(nodes.map(({ node }) => node).sort());
    });

    it('tells of the endpoint where it was never seen up, and of its recovery under that name', async () => {
      const nodes = await startCluster();
      const watch = testWatch(named(nodes[0]), quick);
      nodes[0].signal('SIGSTOP');
      expect(unreachable(await watch.look())).toMatchObject([{ node: `localhost:${nodes[0].port}` }]);
      nodes[0].signal('SIGCONT');
      const back = await watch.look();
      expect(unreachable(back)).toEqual([]);
      expect(back.recovered).toEqual([`localhost:${nodes[0].port}`]);
      expect((await watch.look()).recovered).toBeUndefined();
    });

    it('by a host name, where an address is in the connection string', async () => {
      const nodes = await startCluster();
      for (const { client } of nodes) {
        await client.config('SET', 'cluster-announce-hostname', 'localhost');
        await client.config('SET', 'cluster-preferred-endpoint-type', 'hostname');
      }
      const announced = nodes.map(({ port }) => `localhost:${port}`).sort();
      const watch = testWatch(`${nodes[0].node},${apart}`, quick);
      await expect.poll(async () => namesOf(await watch.look())).toEqual(announced);
      await nodes[0].stop();
      expect(unreachable(await watch.look())).toMatchObject([{ node: `localhost:${nodes[0].port}` }]);
    });

    it('tells of a name that fails while its node is up', async () => {
      const nodes = await startCluster();
      const proxy = await startTcpProxy(nodes[0].port);
      const watch = testWatch(`127.0.0.1:${proxy.port},${named(nodes[1])}`, quick);
      expect(namesOf(await watch.look())).toEqual(nodes.map(({ node }) => node).sort());
      await proxy.close();
      const report = await watch.look();
      expect(unreachable(report)).toMatchObject([{ node: `127.0.0.1:${proxy.port}`, level: 'warning' }]);
      expect(report.nodes.filter(({ up }) => up)).toHaveLength(3);
    });

    it('tells of the recovery of a node that is a replica now', async () => {
      const nodes = await startCluster();
      await startReplica(nodes[0]);
      const watch = testWatch(named(nodes[0], nodes[1]), quick);
      await watch.look();
      nodes[0].signal('SIGSTOP');
      await expect
        .poll(async () => unreachable(await watch.look()), { timeout: 20_000 })
        .toMatchObject([{ node: nodes[0].node, level: 'warning' }]);
      nodes[0].signal('SIGCONT');
      await expect.poll(() => nodes[0].client.info('replication'), { timeout: 20_000 }).toContain('role:slave');
      const back = await watch.look();
      expect(unreachable(back)).toEqual([]);
      expect(back.recovered).toContain(nodes[0].node);
    });
  });

  it('with slots that no node serves', async () => {
    const nodes = await startCluster();
    await nodes[0].client.call('CLUSTER', 'DELSLOTSRANGE', 0, 99);
    const report = await testWatch(`${nodes[0].node},abortConnect=False`, quick).look();
    expect(findingOf(report, 'clusterSlots')?.what).toContain('100 of the 16,384 slots');
  });

  it('whose topology the user may not read', async () => {
    const nodes = await startCluster();
    await nodes[0].client.call(
      'ACL',
      'SETUSER',
      'narrow',
      'on',
      '>pw-narrow',
      '~*',
      '+info',
      '+ping',
      '+scan',
      '+pttl',
      '+type',
    );
    const report = await testWatch(`${nodes[0].node},user=narrow,password=pw-narrow`, quick).look();
    expect(report.nodes).toHaveLength(1);
    expect(findingOf(report, 'commandRefused')?.what).toContain('Only the nodes of the connection string are watched');
  });

  it('one of whose named endpoints is gone for good', async () => {
    const nodes = await startCluster();
    const gone = `127.0.0.1:${await freePort()}`;
    const report = await testWatch(`${gone},${nodes[0].node},abortConnect=False`, quick).look();
    expect(findingOf(report, 'redis-unreachable')).toMatchObject({ node: gone, level: 'warning' });
    expect(report.nodes.filter(({ up }) => up)).toHaveLength(3);
  });
});
