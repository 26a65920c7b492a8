import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './embeddedPostgres.ts';

/** Azure Storage on this machine: blobs, queues and tables. */
export interface LocalStorage {
  connectionString: string;
  stop(): Promise<void>;
}

/** The emulator's published account; it is no secret. */
const account = 'devstoreaccount1';
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const startTries = 300;

/** Starts Azurite on free ports, its data in a temporary folder, and waits until it answers. */
export async function startAzurite(): Promise<LocalStorage> {
  const folder = mkdtempSync(join(tmpdir(), 'token-cache-azurite-'));
  const ports = { blob: await freePort(), queue: await freePort(), table: await freePort() };
  const portArguments = Object.entries(ports).flatMap(([service, port]) => [`--${service}Port`, String(port)]);
  const program = join(
    dirname(createRequire(import.meta.url).resolve('azurite/package.json')),
    'dist',
    'src',
    'azurite.js',
  );
  const server = spawn(
    process.execPath,
    [program, '--silent', '--disableTelemetry', '--skipApiVersionCheck', '--location', folder, ...portArguments],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const stop = async () => {
    // Its data are thrown away: nothing to finish, and it would wait for connections that are kept alive.
    server.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', () => server.kill('SIGKILL'));
  for (const port of Object.values(ports)) {
    if (!(await answers(port))) {
      await stop();
      throw new Error('Azurite did not start.');
    }
  }
  const endpoint = (name: string, port: number) => `${name}Endpoint=http://127.0.0.1:${port}/${account}`;
  const endpoints = [endpoint('Blob', ports.blob), endpoint('Queue', ports.queue), endpoint('Table', ports.table)];
  return {
    connectionString: [
      `DefaultEndpointsProtocol=http`,
      `AccountName=${account}`,
      `AccountKey=${key}`,
      ...endpoints,
    ].join(';'),
    stop,
  };
}

async function answers(port: number): Promise<boolean> {
  for (let attempt = 0; attempt < startTries; attempt += 1) {
    const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (response) return true;
    await delay(100);
  }
  return false;
}
