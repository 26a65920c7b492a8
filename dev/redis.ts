import { spawnSync } from 'node:child_process';
import { Redis } from 'ioredis';
import { freePort } from './freePort.ts';
import { startServerProcess } from './serverProcess.ts';

/** A real Redis on a free port, set up as a cache should be: a memory limit, eviction among what expires, and an AOF. */
export interface LocalRedis {
  connectionString: string;
  stop(): Promise<void>;
}

const startTries = 100;

export const howToInstallRedis =
  'redis-server is not installed, so there is no Redis cache. To have one: `sudo apt-get install redis-server` on Debian and Ubuntu, `brew install redis` on macOS.';

/** Undefined where `redis-server` is not installed. */
export async function startRedis(memory = '64mb'): Promise<LocalRedis | undefined> {
  if (spawnSync('redis-server', ['--version']).status !== 0) return undefined;
  const port = await freePort();
  const server = startServerProcess('redis', (folder) => [
    'redis-server',
    [
      ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', '--loglevel', 'warning'],
      ...['--maxmemory', memory, '--maxmemory-policy', 'volatile-lru', '--appendonly', 'yes'],
    ],
  ]);
  const client = new Redis({
    host: '127.0.0.1',
    port,
    maxRetriesPerRequest: startTries,
    retryStrategy: () => (server.isRunning() ? 50 : null),
  });
  client.on('error', () => undefined);
  try {
    await client.ping();
  } catch {
    await server.stop();
    throw new Error('redis-server did not start.');
  } finally {
    client.disconnect();
  }
  return { connectionString: `127.0.0.1:${port},abortConnect=False`, stop: server.stop };
}
