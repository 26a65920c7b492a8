import { pathSegments, sameText } from './functionsRoutes.ts';
import type { FunctionsWorker, HttpReply, TraceContext } from './functionsWorker.ts';

/** What the caller's key is good for. */
export type KeyLevel = 'none' | 'function' | 'master';

export interface AdminCall {
  method: string;
  path: string;
  contentType: string | undefined;
  body: Buffer;
  level: KeyLevel;
  trace: TraceContext;
}

/** The part of the host's `/admin` that operators use. Undefined: there is no such route. */
export function adminReply(worker: FunctionsWorker, call: AdminCall): HttpReply | undefined {
  const [area = '', kind = '', name, ...rest] = pathSegments(call.path) ?? [];
  if (!sameText(area, 'admin') || rest.length > 0) return undefined;
  const { method } = call;
  if (sameText(kind, 'functions')) {
    if (name === undefined) return method === 'GET' ? guarded(call, () => json(listed(worker))) : undefined;
    if (method === 'GET') return guarded(call, () => describe(worker, name));
    return method === 'POST' ? guarded(call, () => runAtOnce(worker, name, call)) : undefined;
  }
  if (!sameText(kind, 'host') || name === undefined) return undefined;
  if (sameText(name, 'ping') && ['GET', 'POST'].includes(method)) return bare(200);
  if (sameText(name, 'status') && method === 'GET') {
    return guarded(call, () => json({ state: 'Running', version: 'stand-in' }));
  }
  return undefined;
}

/** By `AzureWebJobs.NAME.Disabled`, or with underscores, since on Linux the name of a setting may hold no dot. */
export function isDisabled(name: string): boolean {
  const settings = [process.env[`AzureWebJobs.${name}.Disabled`], process.env[`AzureWebJobs_${name}_Disabled`]];
  return settings.some((value) => /^(true|1)$/i.test(value ?? ''));
}

/** What a timer's handler is given; `next` undefined: it is run at once, out of its schedule. */
export function timerInput(next?: Date) {
  const now = new Date().toISOString();
  return {
    schedule: { adjustForDST: true },
    scheduleStatus: { last: now, next: next?.toISOString() ?? now, lastUpdated: now },
    isPastDue: false,
  };
}

export function bare(status: number, headers: Record<string, string> = {}): HttpReply {
  return { status, headers, body: Buffer.alloc(0) };
}

/** Asks for the master key: a key of the functions is known and not enough, any other is unknown. */
function guarded({ level }: AdminCall, reply: () => HttpReply): HttpReply {
  if (level === 'master') return reply();
  return level === 'function' ? bare(403) : bare(401, { 'www-authenticate': 'Bearer' });
}

function runAtOnce(worker: FunctionsWorker, given: string, { contentType, body, trace }: AdminCall): HttpReply {
  if (!/^application\/json\b/i.test(contentType ?? '')) return bare(415);
  if (!isJsonObject(body)) return bare(400);
  const name = registered(worker, given);
  if (name === undefined) return bare(404);
  // The host answers before the function has run; its failure is in the log.
  worker.invoke(name, timerInput(), trace).catch(() => undefined);
  return bare(202);
}

function describe(worker: FunctionsWorker, given: string): HttpReply {
  const name = registered(worker, given);
  const found = listed(worker).find((one) => one.name === name);
  return found ? json(found) : bare(404);
}

function listed(worker: FunctionsWorker) {
  return [...worker.registrations].map(([name, { bindings }]) => ({
    name,
    config: { name, bindings: Object.values(bindings) },
    isDisabled: isDisabled(name),
    language: 'node',
  }));
}

function registered(worker: FunctionsWorker, given: string): string | undefined {
  return [...worker.registrations.keys()].find((name) => sameText(name, given));
}

function isJsonObject(body: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function json(content: unknown): HttpReply {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  return { status: 200, headers, body: Buffer.from(JSON.stringify(content)) };
}
