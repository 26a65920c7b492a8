/** The jobs on a Redis cache, on each server of its protocol that can be had here. */
import { afterAll, beforeAll, describe } from 'vitest';
import { garnetFound, installGarnet, startGarnet } from '../support/garnet.ts';
import { service, startSentinels } from '../support/redisSentinel.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { redisCacheSuite } from './redisCache.ts';

const full = ['--maxmemory', '200mb', '--maxmemory-policy', 'volatile-lru', '--appendonly', 'yes'];

describe.skipIf(!redisFound)('with redis-server,', () => {
  redisCacheSuite('Redis', {
    start: async () => {
      const server = await startRedis({ args: full });
      return { ...server, connectionString: server.node };
    },
    software: /^Redis \d/,
    unjudged: [],
  });
});

describe.skipIf(!redisFound)('with redis-server as Sentinels,', () => {
  redisCacheSuite('Redis behind Sentinels', {
    start: async () => {
      const sentinels = await startSentinels(3, { args: full });
      const { primary, nodes } = sentinels;
      return {
        node: primary.node,
        client: primary.client,
        connectionString: `${nodes.join(',')},serviceName=${service}`,
        stop: async () => {
          await sentinels.stop();
          await stopAllRedisServers();
        },
      };
    },
    software: /^Redis \d/,
    unjudged: [],
  });
});

describe.skipIf(!garnetFound)('with garnet-server,', () => {
  let tool: ReturnType<typeof installGarnet>;
  beforeAll(() => {
    tool = installGarnet();
  }, 300_000);
  afterAll(() => tool.remove());

  redisCacheSuite('Garnet', {
    start: async () => {
      const server = await startGarnet(tool.program);
      return { ...server, connectionString: server.node };
    },
    software: /^Garnet 2/,
    unjudged: [
      'clients',
      'evictionPolicy',
      'fragmentation',
      'hitRatio',
      'memory',
      'persistence',
      'redis-evictions',
      'refusedWrites',
      'rejectedConnections',
      'timeUntilFull',
    ],
  });
});
