import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from './azurite.ts';

export const redisFound = spawnSync('redis-server', ['--version']).status === 0;
if (!redisFound) console.log('redis-server is not installed: rings in Redis are not tested');

/** A real Redis on a free port, that keeps nothing. */
export async function startRedis(): Promise<{ port: number; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const port = await freePort();
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder], {
    stdio: 'ignore',
  });
  const probe = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: null });
  probe.on('error', () => undefined);
  for (let attempt = 0; ; attempt++) {
    if (
      await probe.connect().then(
        () => true,
        () => false,
      )
    )
      break;
    if (attempt > 100 || child.exitCode !== null) throw new Error('redis-server did not start');
    await delay(50);
  }
  probe.disconnect();
  return {
    port,
    stop: async () => {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
