import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './freePort.ts';
import { startServerProcess } from './serverProcess.ts';

/** Azure Storage on this machine: blobs, queues and tables. */
export interface LocalStorage {
  connectionString: string;
  stop(): Promise<void>;
}

/** The emulator's published account; it is not a secret. */
const account = 'devstoreaccount1';
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const startTries = 300;

/** Starts Azurite on free ports, its data in a temporary folder, and waits until it answers. */
export async function startAzurite(): Promise<LocalStorage> {
  const ports = { blob: await freePort(), queue: await freePort(), table: await freePort() };
  const portArguments = Object.entries(ports).flatMap(([service, port]) => [`--${service}Port`, String(port)]);
  const program = join(
    dirname(createRequire(import.meta.url).resolve('azurite/package.json')),
    'dist',
    'src',
    'azurite.js',
  );
  const server = startServerProcess('azurite', (folder) => [
    process.execPath,
    [program, '--silent', '--disableTelemetry', '--skipApiVersionCheck', '--location', folder, ...portArguments],
  ]);
  for (const port of Object.values(ports)) {
    if (!(await answers(port, server.isRunning))) {
      await server.stop();
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
    stop: server.stop,
  };
}

async function answers(port: number, isRunning: () => boolean): Promise<boolean> {
  for (let attempt = 0; attempt < startTries && isRunning(); attempt += 1) {
    const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (response) return true;
    await delay(100);
  }
  return false;
}
