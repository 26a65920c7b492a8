import { expect } from 'vitest';
import { freePort } from '../../dev/freePort.ts';
import { type RedisServer, startRedis } from './redisServer.ts';

const slots: [number, number][] = [
  [0, 5_460],
  [5_461, 10_922],
  [10_923, 16_383],
];

/** An OSS cluster of three primaries on loopback, each of which knows of all. */
export async function startCluster(): Promise<[RedisServer, RedisServer, RedisServer]> {
  const start = async () => {
    const bus = String(await freePort());
    return startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-port', bus, '--cluster-node-timeout', '2000'] });
  };
  const nodes = [await start(), await start(), await start()] as [RedisServer, RedisServer, RedisServer];
  for (const [index, node] of nodes.entries())
    await node.client.call('CLUSTER', 'ADDSLOTSRANGE', ...(slots[index] ?? []));
  for (const node of nodes.slice(1)) {
    const bus = /^\S+ 127\.0\.0\.1:\d+@(\d+)|^\S+ :\d+@(\d+)/.exec(String(await node.client.call('CLUSTER', 'NODES')));
    await nodes[0].client.call('CLUSTER', 'MEET', '127.0.0.1', node.port, bus?.[1] ?? bus?.[2] ?? '');
  }
  for (const node of nodes)
    await expect.poll(() => node.client.call('CLUSTER', 'INFO'), { timeout: 20_000 }).toContain('cluster_state:ok');
  for (const node of nodes)
    await expect.poll(async () => ((await node.client.call('CLUSTER', 'SLOTS')) as unknown[]).length).toBe(3);
  return nodes;
}

/** A replica of one of the nodes, which every node knows. */
export async function startReplica(primary: RedisServer): Promise<RedisServer> {
  const bus = String(await freePort());
  const replica = await startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-port', bus] });
  const [, primaryBus = ''] =
    /127\.0\.0\.1:\d+@(\d+) myself/.exec(String(await primary.client.call('CLUSTER', 'NODES'))) ?? [];
  await replica.client.call('CLUSTER', 'MEET', '127.0.0.1', primary.port, primaryBus);
  const id = String(await primary.client.call('CLUSTER', 'MYID'));
  const follow = () => replica.client.call('CLUSTER', 'REPLICATE', id).catch((error: Error) => error.message);
  await expect.poll(follow, { timeout: 20_000 }).toBe('OK');
  await expect.poll(async () => ((await replica.client.call('CLUSTER', 'SLOTS')) as unknown[]).length).toBe(3);
  await expect.poll(() => replica.client.info('replication'), { timeout: 20_000 }).toContain('master_link_status:up');
  return replica;
}
