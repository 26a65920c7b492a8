/**
 * A stand-in for the query API of Log Analytics (POST /v1/workspaces/{id}/query over TLS), which cannot be had here, to the real
 * client. It runs the query on rows of its own (kustoRun.ts), and answers in the API's format: tables with typed columns, `dynamic` as
 * text, partial errors, refusals. It proves what is asked and how an answer is read; not that the service runs the query as kustoRun does.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWorkspace, type Workspace } from '../../src/lib/appTelemetry/workspace.ts';
import { selfSigned } from './certificates.ts';
import { type Row, runQuery, type Tables } from './kustoRun.ts';
import { startTelemetryServer } from './telemetryServer.ts';

/** What the service says in place of an answer, or beside a part of one. */
type Refusal = 'forbidden' | 'missing' | 'throttled' | 'partial' | 'silent';

interface Asked {
  path: string;
  query: string;
  timespan: string;
  authorization: string;
}

export interface LogAnalytics {
  endpoint: string;
  workspace: string;
  /** The certificate, to be trusted. */
  ca: string;
  /** For a process of its own. */
  settings: Record<string, string>;
  asked: Asked[];
  tables: Tables;
  /** How the next requests are answered: each once, the rest well. */
  moods: Refusal[];
  stop(): Promise<void>;
}

export async function startLogAnalytics(tables: Tables = {}): Promise<LogAnalytics> {
  const folder = await mkdtemp(join(tmpdir(), 'token-cache-logs-'));
  const { certificatePem, keyPem } = selfSigned('127.0.0.1');
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, certificatePem);
  const workspace = '5f0e9f5c-3b8a-4a52-9a53-0d6b6b4b7e11';
  const server = await startTelemetryServer(
    ({ path, headers, body }, response) => {
      const { query, timespan } = JSON.parse(body.toString()) as { query: string; timespan: string };
      logs.asked.push({ path, query, timespan, authorization: headers.authorization ?? '' });
      const mood = logs.moods.shift();
      const json = (status: number, content: object, more: Record<string, string> = {}) =>
        response.writeHead(status, { 'content-type': 'application/json', ...more }).end(JSON.stringify(content));
      if (mood === 'silent') return;
      if (mood === 'forbidden') {
        json(403, {
          error: { code: 'InsufficientAccessError', message: 'The provided credentials have insufficient access' },
        });
        return;
      }
      if (mood === 'missing' || path !== `/v1/workspaces/${workspace}/query`) {
        json(404, { error: { code: 'PathNotFoundError', message: 'The requested path does not exist' } });
        return;
      }
      if (mood === 'throttled') {
        json(429, { error: { code: 'ThrottledError', message: 'Too many requests' } }, { 'retry-after': '0' });
        return;
      }
      const table = tableOf(runQuery(query, logs.tables, new Date()));
      const error = { code: 'PartialError', message: 'There were some errors when processing your query.' };
      json(200, { tables: [table], ...(mood === 'partial' && { error }) });
    },
    { key: keyPem, cert: certificatePem },
  );
  const endpoint = `https://127.0.0.1:${server.port}`;
  const logs: LogAnalytics = {
    endpoint,
    workspace,
    ca: certificatePem,
    settings: { APP_LOGS_ENDPOINT: endpoint, NODE_EXTRA_CA_CERTS: ca },
    asked: [],
    tables,
    moods: [],
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return logs;
}

/** Columns that hold times, which kustoRun has as numbers. */
const times = new Set(['At', 'TimeGenerated']);

function tableOf(rows: readonly Row[]) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columns = names.map((name) => ({ name, type: typeOf(name, rows.find((row) => row[name] != null)?.[name]) }));
  return {
    name: 'PrimaryResult',
    columns,
    rows: rows.map((row) =>
      columns.map(({ name, type }) => {
        const value = row[name] ?? null;
        if (type === 'datetime') return new Date(value as number).toISOString();
        if (type !== 'dynamic') return value;
        const inTimes = name === 'Times' ? (value as number[]).map((at) => new Date(at).toISOString()) : value;
        return JSON.stringify(inTimes);
      }),
    ),
  };
}

function typeOf(name: string, value: unknown): string {
  if (times.has(name)) return 'datetime';
  if (typeof value === 'number') return Number.isInteger(value) ? 'long' : 'real';
  return typeof value === 'object' && value !== null ? 'dynamic' : typeof value === 'boolean' ? 'bool' : 'string';
}

/** The workspace by the real client, which trusts the stand-in. */
export function openTestWorkspace(
  { endpoint, workspace, ca }: LogAnalytics,
  signal: AbortSignal = new AbortController().signal,
  scopes: string[] = [],
): Promise<Workspace> {
  const getToken = async (scope: string | string[]) => {
    scopes.push(...[scope].flat());
    return { token: 'token-1', expiresOnTimestamp: Date.now() + 3_600_000 };
  };
  return openWorkspace({ workspace, endpoint, credential: { getToken }, signal, client: { tlsOptions: { ca } } });
}
