/** Entries written by Microsoft's own library, under the connection string that the watch reads too. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildDotnet, dotnet, dotnetFound, dotnetTimeLimitMs } from '../support/dotnet.ts';
import { writeEntries } from '../support/redisEntries.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { findingOf, nodeOf, testWatch } from '../support/redisWatch.ts';

describe.skipIf(!dotnetFound || !redisFound)('entries of the .NET library', () => {
  let program: string;
  beforeAll(() => {
    program = buildDotnet('RedisEntries');
  }, dotnetTimeLimitMs);
  afterEach(stopAllRedisServers);

  it('are counted, told by their kind, and told apart by their expiry', { timeout: dotnetTimeLimitMs }, async () => {
    const server = await startRedis({ args: ['--requirepass', 'secret-1'], client: { password: 'secret-1' } });
    const connectionString = `${server.node},password=secret-1,ssl=False,abortConnect=False,connectTimeout=5000,defaultDatabase=2,name=web`;
    dotnet([program, connectionString, 'Web_', '8']);
    const report = await testWatch(connectionString, { instanceName: 'Web_' }).look();
    expect(report.database).toBe(2);
    expect(nodeOf(report).databases).toEqual([{ database: 2, keys: 25, keysWithoutTtl: 8 }]);
    expect(nodeOf(report).keySample?.groups).toEqual([
      { prefix: 'Web_', kind: 'user tokens', keys: 24, withoutTtl: 8 },
      { prefix: 'Web_', kind: 'app tokens', keys: 1, withoutTtl: 0 },
    ]);
    expect(findingOf(report, 'keysWithoutTtl')?.level).toBe('warning');
    expect(findingOf(report, 'connectionOptions')).toBeUndefined();
    expect(JSON.stringify(report)).not.toContain('secret-1');
  });

  it('have the form of those that the other tests write', { timeout: dotnetTimeLimitMs }, async () => {
    const server = await startRedis();
    dotnet([program, `${server.node},abortConnect=False`, '', '1']);
    const shape = async (key: string) => ({
      type: await server.client.type(key),
      fields: Object.keys(await server.client.hgetall(key)).sort(),
      absolute: await server.client.hget(key, 'absexp'),
      sliding: await server.client.hget(key, 'sldexp'),
      expires: (await server.client.ttl(key)) > 0,
    });
    const shapes = async () => Promise.all((await server.client.keys('*')).map(shape));
    const byLibrary = await shapes();
    await server.client.flushall();
    await writeEntries(server.client, { count: 1, ttlSeconds: 3_600 });
    await writeEntries(server.client, { count: 1 });
    for (const each of await shapes()) expect(byLibrary).toContainEqual(each);
  });
});
