import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../dev/freePort.ts';

/** Whether Debian's `redis-server` is installed; where not, what needs it is skipped, and says so. */
export const redisFound = spawnSync('redis-server', ['--version']).status === 0;
if (!redisFound) console.log('redis-server is not installed: the tests on real Redis servers are skipped');

/** A Redis of the test's own, on a free port of loopback. */
export interface RedisServer {
  port: number;
  /** `127.0.0.1:port`, as the watch names it. */
  node: string;
  folder: string;
  /** The test's own connection. */
  client: Redis;
  /** Ends the process, and starts it anew on the same port and folder. */
  restart(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Options of redis-server, in pairs: `--maxmemory`, `5mb`. */
  args?: string[];
  port?: number;
  /** How the test's own client connects, beside host and port. */
  client?: object;
}

/** On a busy machine a start takes seconds. */
const startTries = 500;

const running = new Set<RedisServer>();

/** For `afterEach`: no test leaves a server behind. */
export async function stopAllRedisServers(): Promise<void> {
  await Promise.all([...running].map((server) => server.stop()));
}

export async function startRedis({ args = [], port, client = {} }: RedisServerOptions = {}): Promise<RedisServer> {
  const listenOn = port ?? (await freePort());
  const folder = await mkdtemp(join(tmpdir(), 'token-cache-redis-'));
  const plain = args.includes('--tls-port') ? '0' : String(listenOn);
  const all = ['--bind', '127.0.0.1', '--port', plain, '--dir', folder, '--save', '', '--loglevel', 'warning', ...args];
  const start = () => spawn('redis-server', all, { stdio: 'ignore' });
  let child: ChildProcess = start();
  let isUp = false;
  const connection = new Redis({
    host: '127.0.0.1',
    port: listenOn,
    retryStrategy: () => (isUp || child.exitCode === null ? 50 : null),
    maxRetriesPerRequest: startTries,
    ...client,
  });
  connection.on('error', () => undefined);
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  // Where another has taken the port meanwhile, that one answers, and this one has ended.
  const up = async () => {
    const failed = await connection.ping().then(
      () => undefined,
      (error: Error) => error,
    );
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
    if (failed) throw failed;
    isUp = true;
  };
  const server: RedisServer = {
    port: listenOn,
    node: `127.0.0.1:${listenOn}`,
    folder,
    client: connection,
    restart: async () => {
      await end();
      child = start();
      await up();
    },
    signal: (name) => void child.kill(name),
    stop: async () => {
      running.delete(server);
      connection.disconnect();
      await end();
      await rm(folder, { recursive: true, force: true });
    },
  };
  running.add(server);
  try {
    await up();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}
