/** What is read from INFO of different servers; test/fixtures/redis-info says where each text is from. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readFigures } from '../../src/lib/redis/nodeFigures.ts';
import { root } from '../support/childProcess.ts';

const figuresOf = async (name: string) =>
  readFigures((await readFile(`${root}/test/fixtures/redis-info/${name}.txt`, 'utf8')).replaceAll('\n', '\r\n'));

describe('INFO', () => {
  it('of Redis 7 names everything', async () => {
    const figures = await figuresOf('redis-7.0');
    expect(figures).toMatchObject({
      software: 'Redis 7.0.15',
      role: 'primary',
      cluster: false,
      loading: null,
      memory: { maxBytes: 0, policy: 'noeviction' },
      counters: { evicted: 0, expired: 0, rejectedConnections: 0, refusedWrites: 0, hits: 3, misses: 2 },
      clients: { connected: 1, limit: 10_000, blocked: 0 },
      databases: [{ database: 0, keys: 1, keysWithoutTtl: 0 }],
      persistence: { aof: false, lastSaveOk: true, saves: 0 },
      replication: { replicas: 0, linkUp: null, primary: null },
    });
    expect(figures.runId).toMatch(/^[0-9a-f]{40}$/);
    expect(figures.memory.usedBytes).toBeGreaterThan(0);
  });

  it('of Redis 6.2 names the first of its stats', async () => {
    expect(await figuresOf('redis-6.2')).toMatchObject({
      software: 'Redis 6.2.3',
      counters: { evicted: 0, hits: 11_848_540, misses: 4_809_644 },
      persistence: { aof: true, lastSaveAt: 1_633_703_084, saves: null, changesSinceSave: 62_581 },
    });
  });

  it('of Redis 8 has further values in its keyspace', async () => {
    expect(await figuresOf('redis-8.0')).toMatchObject({
      software: 'Redis 8.0.2',
      clients: { limit: 2_000 },
      memory: { usedBytes: 2_167_372_880, rssBytes: 3_286_724_608, peakBytes: 3_558_648_104 },
      databases: [{ database: 0, keys: 12, keysWithoutTtl: 10 }],
    });
  });

  it('of Valkey names its own version, and the mode under another name', async () => {
    expect(await figuresOf('valkey-8.0')).toMatchObject({
      software: 'Valkey 8.0.1',
      role: 'primary',
      cluster: false,
      memory: { maxBytes: 0, policy: 'noeviction', fragmentationRatio: 13.22 },
      databases: [],
    });
    expect(readFigures('server_mode:cluster\n').cluster).toBe(true);
  });

  it('of Garnet leaves the keyspace out, and says 0 where nothing is counted', async () => {
    const figures = await figuresOf('garnet-2.2');
    expect(figures).toMatchObject({
      software: 'Garnet 2.2.8',
      role: 'primary',
      memory: { usedBytes: null, maxBytes: null, rssBytes: 91_172_864, policy: null },
      counters: { evicted: null, rejectedConnections: null, hits: null },
      clients: { connected: null },
      databases: null,
    });
    const counting = readFigures('garnet_version:2.2.8\nmonitor_task:enabled\nconnected_clients:3\n');
    expect(counting.clients.connected).toBe(3);
  });

  it('of Azure Cache for Redis says nothing of persistence and replicas', async () => {
    expect(await figuresOf('azure-cache-for-redis-6.0')).toMatchObject({
      software: 'Redis 6.0.14',
      memory: { maxBytes: 6_100_000_000, policy: 'volatile-lru', fragmentationRatio: 2.11 },
      clients: { limit: 7_500 },
      databases: [{ database: 0, keys: 31_308, keysWithoutTtl: 5_014 }],
      persistence: { aof: null, lastSaveAt: null, lastSaveOk: null },
      replication: { replicas: null },
    });
  });

  it('of Redis Enterprise, as in Azure Managed Redis, says nothing of the maximum', async () => {
    expect(await figuresOf('redis-enterprise-6.0')).toMatchObject({
      memory: { usedBytes: 1_054_058_256, maxBytes: null, policy: null },
      clients: { connected: 391, limit: null, blocked: 22 },
      counters: { evicted: null },
      role: null,
    });
  });

  it('counts the writes refused for want of memory, where the server does', () => {
    const counted = (text: string) => readFigures(text).counters.refusedWrites;
    expect(counted('# Errorstats\r\nerrorstat_ERR:count=9\r\nerrorstat_OOM:count=5\r\n')).toBe(5);
    expect(counted('# Errorstats\r\n')).toBe(0);
    expect(counted('total_oom_messages:3\r\n')).toBe(3);
    expect(counted('# Stats\r\n')).toBeNull();
  });

  it('of a replica names its primary', () => {
    const text =
      'role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\nmaster_link_down_since_seconds:17\r\n';
    expect(readFigures(text)).toMatchObject({
      role: 'replica',
      replication: { linkUp: false, linkDownSeconds: 17, primary: '10.0.0.1:6379' },
    });
  });

  it.each(['', 'garbage', ':::', 'maxmemory:many\r\ndb0:nothing\r\n'])('of %j is unknown, not wrong', (text) => {
    expect(readFigures(text)).toMatchObject({
      memory: { maxBytes: null, usedBytes: null },
      databases: null,
      role: null,
    });
  });
});
