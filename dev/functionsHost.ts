import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { firingsAfter } from '../src/lib/schedules.ts';
import { adminReply, bare, isDisabled, type KeyLevel, timerInput } from './functionsAdmin.ts';
import { type HttpRoute, httpRoute, matchRoute, pathSegments } from './functionsRoutes.ts';
import type { FunctionsWorker, HttpReply, Registration } from './functionsWorker.ts';

/**
 * A stand-in for the Azure Functions host on this machine: HTTP routes below /api, timers on their schedules, and the
 * `/admin` routes of operators. A `traceparent` of the request stands for the host's own span. It answers keys, methods, paths, headers and bodies as host 4.1037 was seen to. It does not
 * prove the real host: leases, several instances, host.json, bindings other than these, limits of Azure. There a key of a
 * function opens that function alone; the key here opens every function, as a host key does.
 */
export interface FunctionsHost {
  url: string;
  functionKey: string;
  masterKey: string;
  stop(): Promise<void>;
}

export interface HostOptions {
  port: number;
  /** Fire the timers on their schedules. */
  timers: boolean;
  /** One that never fires by itself, as if the host had lost it. */
  deadTimer?: string | undefined;
}

/** Kestrel's limit for a request's headers. */
const maxHeaderSize = 32 * 1024;
/** The host's limit for a body, below which the function decides. */
const maxBodyBytes = 104_857_600;

const homePage: HttpReply = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: Buffer.from('<!doctype html><title>The function app is up and running.</title>\n'),
};

/** What a timer of Node.js can wait: more than a process of this host lives. */
const longestWaitMs = 2 ** 31 - 1;

export async function startHost(
  worker: FunctionsWorker,
  { port, timers, deadTimer }: HostOptions,
): Promise<FunctionsHost> {
  const keys = { functionKey: newKey(), masterKey: newKey() };
  const routes = [...worker.registrations].flatMap(([name, registration]) => httpRoute(name, registration));
  const jobs = timers
    ? [...worker.registrations].flatMap(([name, registration]) =>
        name === deadTimer ? [] : timerJob(worker, name, registration),
      )
    : [];
  const levelOf = (key: string): KeyLevel =>
    same(key, keys.masterKey) ? 'master' : same(key, keys.functionKey) ? 'function' : 'none';

  const reply = async (request: IncomingMessage): Promise<HttpReply> => {
    const method = request.method ?? '';
    const address = addressOf(request);
    const path = address && pathSegments(address.pathname);
    if (!path) return bare(400);
    if (path.length === 0) return homePage;
    const level = levelOf(keyOf(request, address));
    const contentType = request.headers['content-type'];
    const trace = { traceParent: String(request.headers.traceparent ?? '') };
    const admin = { method, path: address.pathname, contentType, body: await readBody(request), level, trace };
    const [found] = routes.flatMap((route) => {
      const params = route.methods.includes(method) ? matchRoute(route, path) : undefined;
      return params ? [{ route, params }] : [];
    });
    if (!found || isDisabled(found.route.name)) return adminReply(worker, admin) ?? bare(404);
    if (!opens(level, found.route.level)) return bare(401);
    const call = {
      method,
      url: address.href,
      headers: headersOf(request),
      params: found.params,
      body: admin.body,
      trace,
    };
    return worker.invokeHttp(found.route.name, call);
  };
  const server = createServer({ maxHeaderSize }, (request, response) => {
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

/** One run of a timer at a time, as the host's lease keeps it. */
/** One invocation after the other; what falls due during one is left out. */
function timerJob(worker: FunctionsWorker, name: string, { bindings }: Registration): { stop(): void }[] {
  const trigger = Object.values(bindings).find(({ type }) => type === 'timerTrigger');
  if (!trigger || isDisabled(name)) return [];
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const plan = (after: number) => {
    const [at, next] = firingsAfter(String(trigger.schedule), new Date(after), 2);
    const wait = (at?.getTime() ?? Number.POSITIVE_INFINITY) - Date.now();
    if (isStopped || !at || wait > longestWaitMs) return;
    timer = setTimeout(async () => {
      await worker.invoke(name, timerInput(next)).catch(() => undefined);
      plan(Math.max(at.getTime(), Date.now()));
    }, wait).unref();
  };
  plan(Date.now());
  return [
    {
      stop: () => {
        isStopped = true;
        clearTimeout(timer);
      },
    },
  ];
}

/** Undefined: the address is not one that the server takes. */
function addressOf({ url = '/', headers }: IncomingMessage): URL | undefined {
  const origin = `http://${headers.host ?? 'localhost'}`;
  const address = URL.parse(url.startsWith('/') ? `${origin}${url}` : url);
  return address?.host === URL.parse(origin)?.host ? (address ?? undefined) : undefined;
}

/** The header counts where there is one, even an empty one. */
function keyOf({ headers }: IncomingMessage, { searchParams }: URL): string {
  const header = headers['x-functions-key'];
  const [, code = ''] = [...searchParams].find(([name]) => name.toLowerCase() === 'code') ?? [];
  return String(header ?? code);
}

function opens(level: KeyLevel, needed: HttpRoute['level']): boolean {
  return needed === 'anonymous' || level === 'master' || (needed === 'function' && level === 'function');
}

/** A header that is given twice is joined, and its bytes are UTF-8; Node.js gives them as Latin-1. */
function headersOf({ headersDistinct }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headersDistinct).map(([name, values = []]) => [
      name,
      Buffer.from(values.join(','), 'latin1').toString(),
    ]),
  );
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

/** A body without a length, sent in chunks, does not reach the function: the host hands on an empty one. */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new Error('too large');
    chunks.push(chunk);
  }
  return request.headers['content-length'] === undefined ? Buffer.alloc(0) : Buffer.concat(chunks);
}

function send(response: ServerResponse, { status, headers, body }: HttpReply): void {
  response.writeHead(status, headers).end(body);
}
