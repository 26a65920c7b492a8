import { start } from './childProcess.ts';

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
  /** All that the functions have logged. */
  log(): string;
  stop(): Promise<void>;
  /** As `kill -9`. */
  kill(): Promise<void>;
}

export async function startFunctionsApp(settings: Record<string, string>): Promise<FunctionsApp> {
  const { child, finished } = start('test/support/hostProcess.ts', [], settings);
  let log = '';
  child.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (chunk) => resolve(String(chunk)));
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
