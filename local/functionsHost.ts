import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Cron } from 'croner';
import type { FunctionsWorker, HttpReply, Registration, TraceContext } from './functionsWorker.ts';

/**
 * A stand-in for the Azure Functions host on this machine: HTTP routes below /api, timers on their schedules, and
 * `POST /admin/functions/{name}`. A `traceparent` of the request stands for the host's own span. Answers keys, methods and unknown routes as the real host was seen to. It does not prove
 * the real host: leases, several instances, host.json, bindings other than these, limits of Azure.
 */
export interface FunctionsHost {
  url: string;
  functionKey: string;
  masterKey: string;
  stop(): Promise<void>;
}

interface HttpRoute {
  name: string;
  methods: string[];
  anonymous: boolean;
  pattern: URLPattern;
}

export interface HostOptions {
  port: number;
  /** Fire the timers on their schedules. */
  timers: boolean;
}

export async function startHost(worker: FunctionsWorker, { port, timers }: HostOptions): Promise<FunctionsHost> {
  const keys = { functionKey: newKey(), masterKey: newKey() };
  const routes = [...worker.registrations].flatMap(([name, registration]) => httpRoute(name, registration));
  const jobs = timers
    ? [...worker.registrations].flatMap(([name, registration]) => timerJob(worker, name, registration))
    : [];

  const reply = async (request: IncomingMessage): Promise<HttpReply> => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const given = request.headers['x-functions-key'] ?? url.searchParams.get('code') ?? '';
    const trace = { traceParent: String(request.headers.traceparent ?? '') };
    const holds = (key: string) => same(String(given), key);
    const admin = /^\/admin\/functions\/([^/]+)$/.exec(url.pathname);
    if (admin?.[1]) return runAtOnce(worker, admin[1], request.method ?? '', holds(keys.masterKey), trace);
    const found = routes.find(
      ({ methods, pattern }) => methods.includes(request.method ?? '') && pattern.test({ pathname: url.pathname }),
    );
    if (!found || isDisabled(found.name)) return bare(404);
    if (!found.anonymous && !holds(keys.functionKey) && !holds(keys.masterKey)) return bare(401);
    const groups = found.pattern.exec({ pathname: url.pathname })?.pathname.groups ?? {};
    return worker.invokeHttp(found.name, {
      method: request.method ?? 'GET',
      url: `http://${request.headers.host ?? 'localhost'}${request.url ?? '/'}`,
      headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
      params: Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decode(value ?? '')])),
      body: await readAll(request),
      trace,
    });
  };
  const server = createServer((request, response) => {
    reply(request)
      .catch(() => bare(500))
      .then((answer) => send(response, answer));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const address = server.address();
  return {
    ...keys,
    url: `http://localhost:${typeof address === 'object' && address ? address.port : port}`,
    stop: async () => {
      for (const job of jobs) job.stop();
      await worker.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function httpRoute(name: string, { bindings }: Registration): HttpRoute[] {
  const trigger = Object.values(bindings).find(({ type }) => type === 'httpTrigger');
  if (!trigger) return [];
  const path = String(trigger.route ?? name).replace(/\{(\w+)\}/g, ':$1');
  const methods = (trigger.methods as string[] | undefined) ?? ['GET', 'POST'];
  return [
    {
      name,
      methods: methods.map((method) => method.toUpperCase()),
      anonymous: trigger.authLevel === 'anonymous',
      pattern: new URLPattern({ pathname: `/api/${path}` }),
    },
  ];
}

/** One run of a timer at a time, as the host's lease keeps it. */
function timerJob(worker: FunctionsWorker, name: string, { bindings }: Registration): Cron[] {
  const trigger = Object.values(bindings).find(({ type }) => type === 'timerTrigger');
  if (!trigger || isDisabled(name)) return [];
  return [
    new Cron(
      String(trigger.schedule),
      { mode: '6-part', timezone: 'UTC', protect: true, unref: true },
      async (self: Cron) => {
        await worker.invoke(name, timerInput(self.nextRun())).catch(() => undefined);
      },
    ),
  ];
}

function timerInput(next: Date | null) {
  const now = new Date().toISOString();
  return {
    schedule: { adjustForDST: true },
    scheduleStatus: { last: now, next: next?.toISOString() ?? now, lastUpdated: now },
    isPastDue: false,
  };
}

function runAtOnce(
  worker: FunctionsWorker,
  name: string,
  method: string,
  isMaster: boolean,
  trace: TraceContext,
): HttpReply {
  if (!isMaster) return bare(401);
  if (method !== 'POST' || !worker.registrations.has(name)) return bare(404);
  // The real host answers before the function has run; its failure is in the log.
  worker.invoke(name, timerInput(null), trace).catch(() => undefined);
  return bare(202);
}

function isDisabled(name: string): boolean {
  return /^(true|1)$/i.test(process.env[`AzureWebJobs.${name}.Disabled`] ?? '');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function newKey(): string {
  return randomBytes(24).toString('base64url');
}

function same(given: string, key: string): boolean {
  return (
    given.length === key.length &&
    timingSafeEqual(Buffer.from(given.padEnd(key.length)).subarray(0, key.length), Buffer.from(key))
  );
}

function bare(status: number): HttpReply {
  return { status, headers: {}, body: Buffer.alloc(0) };
}

/** Kestrel's own limit, below which the function decides. */
const maxBytes = 30_000_000;

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error('too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, { status, headers, body }: HttpReply): void {
  response.writeHead(status, headers).end(body);
}
