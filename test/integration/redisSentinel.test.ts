/** Redis behind Sentinels: what is watched, what a dead primary or Sentinel means, and what a clear takes. On real ones. */
import { afterEach, describe, expect, it } from 'vitest';
import { clear, clearContext } from '../support/redisClear.ts';
import { writeEntries } from '../support/redisEntries.ts';
import { type Sentinels, service, startSentinels } from '../support/redisSentinel.ts';
import { redisFound, stopAllRedisServers } from '../support/redisServer.ts';
import { findingOf, nodeOf, quick, testWatch } from '../support/redisWatch.ts';

describe.skipIf(!redisFound)('a Redis behind Sentinels', () => {
  let sentinels: Sentinels | undefined;
  afterEach(async () => {
    await sentinels?.stop();
    await stopAllRedisServers();
  });
  const start = async (...of: Parameters<typeof startSentinels>) => {
    sentinels = await startSentinels(...of);
    return sentinels;
  };

  it('is watched by one Sentinel that is named: the primary, its replica and the other Sentinels', async () => {
    const { primary, replica, nodes } = await start();
    await writeEntries(primary.client, { count: 10, ttlSeconds: 600 });
    const report = await testWatch(`${nodes[0]},serviceName=${service},abortConnect=False`, quick).look();
    expect(report.deployment).toBe('sentinel');
    expect(report.nodes.map(({ node }) => node).sort()).toEqual([primary.node, replica.node].sort());
    expect(nodeOf(report, primary.node)).toMatchObject({ role: 'primary', databases: [{ keys: 10 }] });
    expect(nodeOf(report, replica.node)).toMatchObject({ role: 'replica' });
    expect(report.sentinels?.map(({ node }) => node).sort()).toEqual([...nodes].sort());
    for (const sentinel of report.sentinels ?? [])
      expect(sentinel).toMatchObject({ up: true, service, primary: primary.node, primaryDown: null, quorum: true });
    for (const check of ['connectionOptions', 'primaryDown', 'sentinelQuorum', 'redis-unreachable', 'persistence'])
      expect(findingOf(report, check)).toBeUndefined();
  });

  it('is found without serviceName, in another database too, and the missing option is told', async () => {
    const { primary, nodes } = await start(1);
    await primary.client.select(2);
    await writeEntries(primary.client, { count: 4 });
    const report = await testWatch(`${nodes[0]},defaultDatabase=2,abortConnect=False`, quick).look();
    expect(nodeOf(report, primary.node).databases).toMatchObject([{ database: 2, keys: 4 }]);
    expect(findingOf(report, 'connectionOptions')?.advice).toContain(`serviceName=${service}`);
  });

  it('says which primaries there are where the name is wrong', async () => {
    const { nodes } = await start(1);
    const report = await testWatch(`${nodes[0]},serviceName=other,abortConnect=False`, quick).look();
    expect(findingOf(report, 'redis-unreachable')).toMatchObject({ level: 'critical', step: 'moved' });
    expect(findingOf(report, 'redis-unreachable')?.what).toContain(service);
  });

  it('whose primary hangs is said to be dead, and after the failover the new one is watched', async () => {
    const { primary, replica, nodes } = await start();
    const watch = testWatch(`${nodes.join(',')},serviceName=${service},abortConnect=False`, {
      policy: { ...quick.policy, timeoutMs: 1_000 },
    });
    await watch.look();
    // No failover, so that what lies before it can be seen.
    await replica.client.config('SET', 'replica-priority', '0');
    for (const client of sentinels?.clients ?? [])
      await expect
        .poll(async () => String(await client.call('SENTINEL', 'REPLICAS', service)), { timeout: 15_000 })
        .toContain('slave-priority,0');
    await primary.stop();
    await expect
      .poll(async () => findingOf(await watch.look(), 'primaryDown')?.level, { timeout: 20_000 })
      .toBe('critical');
    expect(findingOf(await watch.look(), 'redis-unreachable')).toMatchObject({ node: primary.node, level: 'critical' });
    await replica.client.config('SET', 'replica-priority', '100');
    const after = async () => (await watch.look()).sentinels?.map((each) => each.up && each.primary);
    await expect.poll(after, { timeout: 40_000 }).toEqual(nodes.map(() => replica.node));
    const report = await watch.look();
    expect(nodeOf(report, replica.node).role).toBe('primary');
    expect(findingOf(report, 'redis-unreachable')).toMatchObject({ node: primary.node, level: 'warning' });
  }, 90_000);

  it('without enough Sentinels is told to be without a failover', async () => {
    const { nodes, end } = await start();
    const watch = testWatch(`${nodes.join(',')},serviceName=${service},abortConnect=False`, quick);
    await end(1);
    await end(2);
    await expect
      .poll(async () => findingOf(await watch.look(), 'sentinelQuorum')?.level, { timeout: 20_000 })
      .toBe('warning');
    const report = await watch.look();
    expect(report.sentinels?.filter(({ up }) => !up)).toHaveLength(2);
    expect(findingOf(report, 'redis-unreachable')).toMatchObject({ level: 'warning' });
    await end(0);
    expect(findingOf(await watch.look(), 'redis-unreachable')).toMatchObject({ level: 'critical' });
  }, 60_000);

  it('is cleared on its primary', async () => {
    const { primary, nodes } = await start(1);
    await writeEntries(primary.client, { count: 50, instanceName: 'web:' });
    const report = await clear(clearContext(`${nodes[0]},serviceName=${service}`, 'web:'));
    expect(report).toMatchObject({ deleted: 50, nodes: [{ node: primary.node, complete: true }] });
  });

  it('is logged into with the password of the servers, where the Sentinels have none', async () => {
    const { primary, nodes } = await start(1, {
      args: ['--requirepass', 'pa-1', '--masterauth', 'pa-1'],
      password: 'pa-1',
      config: `sentinel auth-pass ${service} pa-1\n`,
    });
    const report = await testWatch(`${nodes[0]},serviceName=${service},password=pa-1,abortConnect=False`, quick).look();
    expect(nodeOf(report, primary.node).role).toBe('primary');
  });
});
