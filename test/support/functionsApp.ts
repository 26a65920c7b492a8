import { createInterface } from 'node:readline';
import { packageFolder, start } from './childProcess.ts';

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Record<string, unknown>;
}

/** The built functions behind the local host, in a process of their own with the given settings. */
export interface FunctionsApp {
  url: string;
  functionKey: string;
  masterKey: string;
  /** Calls a route below /api, with the function key unless told otherwise. */
  call(
    method: string,
    path: string,
    options?: {
      body?: unknown;
      raw?: string | Uint8Array<ArrayBuffer>;
      headers?: Record<string, string>;
      key?: string | null;
    },
  ): Promise<Answer>;
  /** Fires a timer at once, as a child of the given span. The host answers before it has run. */
  fire(name: string, traceparent?: string): Promise<void>;
  /** All that the functions have logged. */
  log(): string;
  stop(): Promise<void>;
  /** As `kill -9`. */
  kill(): Promise<void>;
}

/**
 * `folder` is where the app's package.json lies: by default that of the package, as it is deployed. An `old` worker is one
 * before 3.10.
 */
export async function startFunctionsApp(
  settings: Record<string, string>,
  folder = packageFolder,
  worker: 'new' | 'old' = 'new',
): Promise<FunctionsApp> {
  const { child, finished } = start('test/support/hostProcess.ts', [folder, worker], settings);
  let log = '';
  child.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  const line = await new Promise<string>((resolve, reject) => {
    // The functions may print before the host does.
    createInterface({ input: child.stdout ?? process.stdin }).on('line', (text) => {
      if (text.startsWith('{')) resolve(text);
    });
    child.once('exit', () => reject(new Error(`the host did not start: ${log}`)));
  });
  const host = JSON.parse(line) as { url: string; functionKey: string; masterKey: string };
  return {
    ...host,
    log: () => log,
    call: async (method, path, { body, raw, headers = {}, key = host.functionKey } = {}) => {
      const response = await fetch(`${host.url}/api/${path}`, {
        method,
        headers: {
          ...(key !== null && { 'x-functions-key': key }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(raw !== undefined ? { body: raw } : body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const json = /json/.test(response.headers.get('content-type') ?? '')
        ? (JSON.parse(text) as Record<string, unknown>)
        : {};
      return { status: response.status, headers: response.headers, text, json };
    },
    fire: async (name, traceparent = '') => {
      const headers = { 'x-functions-key': host.masterKey, 'content-type': 'application/json', traceparent };
      const { status } = await fetch(`${host.url}/admin/functions/${name}`, { method: 'POST', headers, body: '{}' });
      if (status !== 202) throw new Error(`${name} was not fired: ${status}`);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await finished;
    },
    stop: async () => {
      child.stdin?.end();
      await finished;
    },
  };
}
