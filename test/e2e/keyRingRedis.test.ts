/** A ring in Redis beside the cache that it protects, as an operator keeps both: processes of their own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { headerOf } from '../../src/lib/payloadHeader.ts';
import { run } from '../support/childProcess.ts';
import { type RedisServer, redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { day, idFrom, plainKey } from '../support/ringBuilder.ts';

const script = 'bin/token-cache.js';
const key = 'DataProtection-Keys';

describe.skipIf(!redisFound)('a ring in Redis beside its cache', () => {
  let server: RedisServer;
  let state: string;
  let env: Record<string, string>;
  beforeEach(async () => {
    server = await startRedis();
    state = await mkdtemp(join(tmpdir(), 'token-cache-state-'));
    const ring = {
      name: 'web',
      mode: 'manage',
      store: { kind: 'redis', connectionStringSetting: 'TOKEN_CACHE_CONNECTION_STRING' },
      protector: { kind: 'none' },
      caches: ['default'],
    };
    env = {
      TOKEN_CACHE_CONNECTION_STRING: server.node,
      TOKEN_CACHE_INSTANCE_NAME: 'web:',
      KEY_RINGS: JSON.stringify([ring]),
      XDG_STATE_HOME: state,
    };
    const now = Date.now();
    const keys = [600, 500, 10].map((age, index) => plainKey({ id: idFrom(index + 1), creation: now - age * day }));
    await server.client.rpush(key, ...keys);
    for (const [number, count] of [
      [1, 2],
      [3, 5],
    ] as const) {
      const data = Buffer.concat([Buffer.from(headerOf(idFrom(number)), 'hex'), Buffer.alloc(300)]);
      for (let index = 0; index < count; index += 1) await server.client.hset(`web:${number}-${index}`, { data });
    }
  });
  afterEach(async () => {
    await stopAllRedisServers();
    await rm(state, { recursive: true });
  });
  const report = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(script, [...args, '--json'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout).runs[0].report;
  };

  it('says how many entries a revocation makes unreadable, and prunes no key that an entry names', async () => {
    expect(await report('key-ring', 'revoke', '--ring', 'web', '--all')).toMatchObject({
      outcome: 'planned',
      unreadableEntries: { count: 7, estimated: false },
    });
    const pruned = await report('key-ring', 'prune');
    expect(pruned).toMatchObject({
      outcome: 'pruned',
      keys: [idFrom(2)],
      keptForEntries: [{ id: idFrom(1), entries: 2 }],
      expiredFor: 'P365D',
    });
    expect(await server.client.llen(pruned.copy)).toBe(3);
  });

  it('is left alone by a clear of the cache, with its copies', async () => {
    await report('key-ring', 'prune');
    env.TOKEN_CACHE_INSTANCE_NAME = 'DataProtection';
    expect(await report('clear', '--confirm', 'default')).toMatchObject({ deleted: 0 });
    env.TOKEN_CACHE_INSTANCE_NAME = 'web:';
    expect(await report('clear', '--confirm', 'default')).toMatchObject({ stopReason: 'drained', deleted: 7 });
    expect(await server.client.llen(key)).toBe(2);
    expect(await server.client.dbsize()).toBe(2);
  });

  it('shows each finding with what to do', async () => {
    const { code, stdout } = await run(script, ['key-ring', 'status'], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/critical\s+keys-in-plain-text: .*\n+\s+Protect the ring/);
  });
});
