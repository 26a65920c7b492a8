import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../dev/freePort.ts';
import { dotnetFound } from './dataProtection.ts';

/** Microsoft's Garnet, a server of the Redis protocol, by its own tool from NuGet. */

export const garnetFound = dotnetFound;

const environment = { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: '1', DOTNET_NOLOGO: '1' };

export interface GarnetServer {
  /** `127.0.0.1:port`. */
  node: string;
  client: Redis;
  stop(): Promise<void>;
}

/** Installs the tool into a folder of the test file's own; NuGet keeps the package for the next one. */
export function installGarnet(): { program: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'garnet-'));
  const args = ['tool', 'install', 'garnet-server', '--version', '2.2.8', '--tool-path', folder];
  const { status, stdout, stderr } = spawnSync('dotnet', args, {
    env: environment,
    encoding: 'utf8',
    timeout: 300_000,
  });
  if (status !== 0) throw new Error(`dotnet tool install ended with ${status}:\n${stdout}${stderr}`);
  return { program: join(folder, 'garnet-server'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export async function startGarnet(program: string, args: string[] = []): Promise<GarnetServer> {
  const port = await freePort();
  const all = ['--bind', '127.0.0.1', '--port', String(port), '--memory', '64m', '--index', '1m', ...args];
  const child: ChildProcess = spawn(program, all, { stdio: 'ignore', env: environment });
  const retryStrategy = () => (child.exitCode === null ? 100 : null);
  const client = new Redis({ host: '127.0.0.1', port, retryStrategy, maxRetriesPerRequest: 300 });
  client.on('error', () => undefined);
  const stop = async () => {
    client.disconnect();
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  await client.ping().catch(async (error) => {
    await stop();
    throw error;
  });
  return { node: `127.0.0.1:${port}`, client, stop };
}
