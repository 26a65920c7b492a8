import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../dev/freePort.ts';
import { root } from './childProcess.ts';

/** Azurite's well-known account: no secret. */
const account = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export interface Azurite {
  port: number;
  /** For the blob service on this port, which may be a proxy's. */
  connectionString(port?: number): string;
  stop(): Promise<void>;
}

/** The blob service of Azurite on a free port, with data in a folder that goes with it. */
export async function startAzurite(): Promise<Azurite> {
  const folder = await mkdtemp(join(tmpdir(), 'azurite-'));
  const port = await freePort();
  const script = join(root, 'node_modules/azurite/dist/src/blob/main.js');
  const args = [
    '--location',
    folder,
    '--blobHost',
    '127.0.0.1',
    '--blobPort',
    String(port),
    '--silent',
    '--skipApiVersionCheck',
  ];
  const child = spawn(process.execPath, [script, ...args, '--disableTelemetry'], { stdio: 'ignore' });
  const stop = async () => {
    const gone = child.exitCode === null && child.signalCode === null && once(child, 'exit');
    child.kill();
    await gone;
    await rm(folder, { recursive: true, force: true });
  };
  for (let attempt = 0; !(await answers(port)); attempt++) {
    if (attempt > 200 || child.exitCode !== null) {
      await stop();
      throw new Error('Azurite did not start');
    }
    await delay(100);
  }
  return {
    port,
    connectionString: (at = port) =>
      `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};BlobEndpoint=http://127.0.0.1:${at}/${account};`,
    stop,
  };
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  );
}
