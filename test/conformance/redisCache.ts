import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { nodeRules } from '../../src/lib/redis/rules/rules.ts';
import { diagnose } from '../support/diagnosis.ts';
import { clear, clearContext } from '../support/redisClear.ts';
import { writeEntries } from '../support/redisEntries.ts';
import { findingOf, nodeOf, quick, testWatch } from '../support/redisWatch.ts';

/** A server of the Redis protocol, as far as the suite needs it. */
interface RedisCacheServer {
  connectionString: string;
  /** The node that holds the keys. */
  node: string;
  client: Redis;
  stop(): Promise<void>;
}

export interface RedisCacheKind {
  start(): Promise<RedisCacheServer>;
  /** As the report names it. */
  software: RegExp;
  /** Checks that the server gives no figures for. */
  unjudged: readonly string[];
}

/** What the watch, a clear and the diagnosis promise on each server. */
export function redisCacheSuite(name: string, { start, software, unjudged }: RedisCacheKind): void {
  describe(`a cache on ${name}`, () => {
    let server: RedisCacheServer;
    beforeAll(async () => {
      server = await start();
    });
    beforeEach(() => server.client.flushall());
    afterAll(() => server.stop());

    const look = () => testWatch(`${server.connectionString},abortConnect=False`, quick).look();

    it('is watched: its keys, those without expiry, and a key ring beside them', async () => {
      await writeEntries(server.client, { count: 60, instanceName: 'web:', ttlSeconds: 600 });
      await writeEntries(server.client, { count: 139, instanceName: 'web:' });
      await server.client.rpush('DataProtection-Keys', '<key/>');
      const report = await look();
      const node = nodeOf(report, server.node);
      expect(node).toMatchObject({
        role: 'primary',
        databases: [{ database: 0, keys: 200, keysWithoutTtl: 140 }],
        keySample: { keys: 200, complete: true },
        keyRing: true,
      });
      expect(node.software).toMatch(software);
      expect(findingOf(report, 'keysWithoutTtl')).toMatchObject({ level: 'critical' });
      expect(findingOf(report, 'keyRingInCache')).toBeDefined();
    });

    it('without keys is known to have none', async () => {
      expect(nodeOf(await look(), server.node)).toMatchObject({ databases: [], keyRing: false });
    });

    it('is judged by what the server tells; the rest is named', async () => {
      const report = await look();
      const own = report.unjudged?.filter(({ node }) => node === null || node === server.node) ?? [];
      expect(own.map(({ check }) => check).sort()).toEqual([...unjudged].sort());
      for (const check of unjudged) expect(findingOf(report, check)).toBeUndefined();
    });

    it('is diagnosed, and no check passes on a figure that is not known', async () => {
      await writeEntries(server.client, { count: 50, instanceName: 'web:', ttlSeconds: 600 });
      const { report } = await diagnose({
        TOKEN_CACHE_CONNECTION_STRING: `${server.connectionString},abortConnect=False`,
        TOKEN_CACHE_INSTANCE_NAME: 'web:',
      });
      const status = new Map(report.checks.map((check) => [check.check, check]));
      expect(status.get('instance-name')).toMatchObject({ status: 'pass' });
      for (const check of nodeRules.map((rule) => rule.check).filter((each) => unjudged.includes(each))) {
        const id = `redis-${check.replace(/^redis-/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
        expect(status.get(id)).toMatchObject({ status: 'unknown', cause: 'figure_missing' });
      }
    });

    it('is cleared of the entries under its prefix, and of nothing else', async () => {
      await writeEntries(server.client, { count: 400, instanceName: 'web:', ttlSeconds: 600 });
      await writeEntries(server.client, { count: 30, instanceName: 'api:' });
      await server.client.set('web:string', 'x');
      await server.client.rpush('web:list', 'x');
      await server.client.rpush('DataProtection-Keys', '<key/>');
      const context = clearContext(server.connectionString, 'web:');
      expect(await clear(context, { confirm: undefined })).toMatchObject({ wouldDelete: { count: 400 } });
      expect(await clear(context)).toMatchObject({
        stopReason: 'drained',
        deleted: 400,
        passedOver: expect.toSatisfy((count: number) => count >= 2 && count <= 4),
      });
      expect(await server.client.dbsize()).toBe(33);
    });
  });
}
