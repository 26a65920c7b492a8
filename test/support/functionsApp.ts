import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { packageFolder, start } from './childProcess.ts';
import { type AnswerCheck, checkAnswers } from './described.ts';

interface Answer {
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
  /**
   * Calls a route below /api, with the function key unless told otherwise. Fails where the app as it is deployed answers JSON
   * that openapi.json does not describe.
   */
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
  /** The most memory that its process has held at once, in bytes; undefined where the system does not tell. */
  peakMemory(): number | undefined;
  /** All that the functions have logged. */
  log(): string;
  stop(): Promise<void>;
  /** As `kill -9`. */
  kill(): Promise<void>;
}

/** Undefined where the app does not hand out its description: switched off, or for a role. */
async function describedBy({ url, functionKey }: { url: string; functionKey: string }) {
  const response = await fetch(`${url}/api/openapi.json`, { headers: { 'x-functions-key': functionKey } });
  return response.ok ? checkAnswers(await response.json()) : undefined;
}

const pathOf = (path: string) => `/${path.split('?', 1)[0]}`;

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
  let document: Promise<AnswerCheck | undefined> | undefined;
  // Tests count the calls of one in a folder of its own.
  const described = () => {
    document ??= folder === packageFolder ? describedBy(host) : Promise.resolve(undefined);
    return document;
  };
  return {
    ...host,
    log: () => log,
    peakMemory: () => {
      const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
    },
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
      const [type = ''] = (response.headers.get('content-type') ?? '').split(';', 1);
      const json = /json/.test(type) ? (JSON.parse(text) as Record<string, unknown>) : {};
      if (/json/.test(type)) (await described())?.(method, pathOf(path), { status: response.status, type, json });
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
