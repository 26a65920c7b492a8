import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, vi } from 'vitest';
import { freePort } from '../../dev/freePort.ts';
import { type RedisServer, startRedis } from './redisServer.ts';

/** Real Sentinels, which are redis-server in another mode, around a primary and its replica. */
export interface Sentinels {
  primary: RedisServer;
  replica: RedisServer;
  /** `127.0.0.1:port` of each Sentinel. */
  nodes: string[];
  clients: Redis[];
  /** Ends one of the Sentinels. */
  end(index: number): Promise<void>;
  stop(): Promise<void>;
}

export const service = 'cache-primary';

/** @param args of redis-server for both data nodes */
export async function startSentinels(
  count = 3,
  { args = [], config = '', password }: { args?: string[]; config?: string; password?: string } = {},
): Promise<Sentinels> {
  const data = ['--repl-diskless-sync-delay', '0', ...args];
  const client = password === undefined ? {} : { password };
  const primary = await startRedis({ args: data, client });
  const replica = await startRedis({ args: [...data, '--replicaof', '127.0.0.1', String(primary.port)], client });
  const soon = { timeout: 30_000, interval: 50 };
  await vi.waitFor(async () => {
    expect(await replica.client.info('replication')).toContain('master_link_status:up');
  }, soon);
  const folder = await mkdtemp(join(tmpdir(), 'token-cache-sentinel-'));
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const children: ChildProcess[] = [];
  const clients: Redis[] = [];
  for (const port of ports) {
    const file = join(folder, `${port}.conf`);
    const watched = `${service} 127.0.0.1 ${primary.port} ${Math.floor(count / 2) + 1}`;
    await writeFile(
      file,
      `port ${port}\nbind 127.0.0.1\nsentinel monitor ${watched}\nsentinel down-after-milliseconds ${service} 500\nsentinel failover-timeout ${service} 2000\n${config}`,
    );
    children.push(spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' }));
    const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 50, enableReadyCheck: false });
    client.on('error', () => undefined);
    clients.push(client);
  }
  const know = async (client: Redis) => {
    const [known] = (await client.call('SENTINEL', 'MASTERS')) as string[][];
    const field = (name: string) => known?.[known.indexOf(name) + 1];
    return [field('num-other-sentinels'), field('num-slaves')];
  };
  for (const client of clients)
    await vi.waitFor(async () => expect(await know(client)).toEqual([String(count - 1), '1']), soon);
  const end = async (index: number) => {
    const child = children[index];
    clients[index]?.disconnect();
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    primary,
    replica,
    nodes: ports.map((port) => `127.0.0.1:${port}`),
    clients,
    end,
    stop: async () => {
      await Promise.all(children.map((_, index) => end(index)));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
