/** The watch as an operator runs it: processes of their own, readings on disk in between. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/freePort.ts';
import { run } from '../support/childProcess.ts';
import { writeEntries } from '../support/redisEntries.ts';
import { type RedisServer, redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';

const script = 'bin/token-cache.js';

describe.skipIf(!redisFound)('token-cache redis', () => {
  let server: RedisServer;
  let state: string;
  let env: Record<string, string>;
  beforeEach(async () => {
    server = await startRedis({ args: ['--maxmemory', '4mb', '--maxmemory-policy', 'volatile-lru'] });
    state = await mkdtemp(join(tmpdir(), 'token-cache-state-'));
    env = { TOKEN_CACHE_CONNECTION_STRING: `${server.node},abortConnect=False`, XDG_STATE_HOME: state };
  });
  afterEach(async () => {
    await stopAllRedisServers();
    await rm(state, { recursive: true });
  });
  const look = async (args: string[] = []) => {
    const { code, stdout, stderr } = await run(script, ['redis', '--json', ...args], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout).runs[0];
  };

  it('compares with its last run, of another process', async () => {
    await writeEntries(server.client, { count: 100, ttlSeconds: 600 });
    expect(await look()).toMatchObject({ job: 'redis', outcome: 'succeeded', report: { deployment: 'single' } });
    await writeEntries(server.client, { count: 4_000, ttlSeconds: 600 });
    await look(['--dry-run']);
    const { report } = await look();
    expect(report.nodes[0].sinceLastLook.counts.evicted).toBeGreaterThan(100);
    expect(report.findings.map(({ check }: { check: string }) => check)).toEqual(
      expect.arrayContaining(['redis-evictions', 'redis-memory-critical']),
    );
    expect((await look()).report.nodes[0].sinceLastLook.counts.evicted).toBeLessThan(10);
  });

  it('shows the nodes, and each finding with what to do, once', async () => {
    const { code, stdout, stderr } = await run(script, ['redis'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`node\\s+${server.node}: Redis \\d`));
    expect(stdout).toMatch(/warning\s+persistence: The server saves nothing to disk/);
    expect(stdout.match(/everyone signs in again/g)).toHaveLength(1);
    for (const line of stdout.split('\n')) expect(line).toBe(line.trimEnd());
  });

  it('says that a node is unreachable, and exits with 0: it did its work', async () => {
    env.TOKEN_CACHE_CONNECTION_STRING = `127.0.0.1:${await freePort()},password=secret-1`;
    const { report } = await look();
    expect(report).toMatchObject({ level: 'critical', nodes: [{ up: false, step: 'tcp' }] });
    expect(JSON.stringify(report)).not.toContain('secret-1');
  });

  it.each([
    [['redis', '--cache', 'nope'], {}, 'No Redis cache is named nope. There is: default.'],
    [['redis'], { TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Username=u' }, 'No Redis cache is configured'],
    [['purge'], {}, 'No SQL cache is configured'],
    [['redis'], { TOKEN_CACHE_CONNECTION_STRING: 'h:1,password=secret-1,ssl=maybe' }, '`ssl` must be true'],
    [['redis'], { REDIS_CA_FILE: '/no/such/file' }, 'REDIS_CA_FILE must name a readable file'],
  ])('exits with 2 on %j with %j', async (args, changes, message) => {
    const { code, stderr } = await run(script, args, { ...env, ...changes });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('secret-1');
  });
});
