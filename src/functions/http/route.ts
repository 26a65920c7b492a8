import {
  app,
  type HttpMethod,
  type HttpRequest,
  type HttpResponseInit,
  type InvocationContext,
} from '@azure/functions';
import type { z } from 'zod';
import { systemClock } from '../../lib/clock.ts';
import type { ErrorCode } from '../../lib/errorCodes.ts';
import { MaintenanceError, toErrorReport } from '../../lib/errors.ts';
import type { Requester } from '../../lib/runs/runRecord.ts';
import { awaitedAtShutdown } from '../support/shutdown.ts';
import { answerProblem, guarded, Problem } from './problem.ts';
import { authorize, type Role } from './requester.ts';
import { atOnce, Room, Turns, waiting } from './turns.ts';

const maxBodyBytes = 16 * 1024;
/** Parameters of the host's own, which every route may be called with; the host takes them in any case. */
const hostParameters = new Set(['code', 'clientid']);

const room = new Room(systemClock);
const turnsOf = (atOnce: number) => new Turns({ atOnce, waiting, patienceMs: 30_000 }, systemClock, room);
const turns = { run: turnsOf(atOnce.run), diagnosis: turnsOf(atOnce.diagnosis), read: turnsOf(atOnce.read) };

export interface RouteCall<B, Q> {
  body: B;
  query: Q;
  params: Record<string, string>;
  requester: Requester;
  request: HttpRequest;
  context: InvocationContext;
}

export interface Route<B, Q> {
  /** Name of the function. */
  name: string;
  method: HttpMethod;
  /** Below /api. */
  path: string;
  /** Undefined: open to everyone; such a route takes no query, and does not mind one. */
  role: Role | undefined;
  /** What it does, in one or two sentences: openapi.json is made of these. */
  summary: string;
  /** What it answers, by status. */
  answers: Readonly<Record<number, Answer>>;
  /** Error codes that it answers with, beside those of every route. */
  errors?: readonly ErrorCode[];
  /** What it takes a turn among. None: what it answers costs nothing, or is shared by all who ask. */
  turn?: keyof typeof turns;
  /** Request headers that it minds. */
  headers?: Readonly<Record<string, string>>;
  /** Throws where the route is switched off: before anything of the request is looked at but who asks. */
  refuse?(): void;
  body?: z.ZodType<B>;
  query?: z.ZodType<Q>;
  handle(call: RouteCall<B, Q>): Promise<HttpResponseInit>;
}

export interface Answer {
  description: string;
  schema: z.ZodType;
  /** As a page too, where `Accept` prefers text/html. */
  page?: boolean;
  headers?: readonly string[];
}

export type RegisteredRoute = Omit<Route<never, never>, 'handle' | 'body' | 'query'> & {
  body?: z.ZodType | undefined;
  query?: z.ZodType | undefined;
};
/** Every route that is registered: openapi.json is made from them. */
export const routes: RegisteredRoute[] = [];

/** Registers an HTTP function. Everything is caught: on the host, a handler that throws may leave its client hanging. */
export function route<B = undefined, Q = undefined>(route: Route<B, Q>): void {
  routes.push(route as RegisteredRoute);
  app.http(route.name, {
    methods: [route.method],
    authLevel: route.role ? 'function' : 'anonymous',
    route: route.path,
    handler: awaitedAtShutdown(async (request: HttpRequest, context: InvocationContext) => {
      try {
        const requester = route.role ? authorize(request, route.role) : { by: 'anonymous', from: 'unknown' };
        route.refuse?.();
        const query = parse(route.query, route.role && queryOf(request, route.query !== undefined), 'query');
        const body = parse(route.body, route.body ? await readBody(request) : undefined, 'body');
        const call = { body, query, params: request.params, requester, request, context };
        return await (route.turn ? turns[route.turn].take(() => route.handle(call)) : route.handle(call));
      } catch (error) {
        if (error instanceof MaintenanceError) return answerProblem(error);
        const { code, message, advice } = toErrorReport(error);
        context.error(`${route.name} failed (${code}): ${message}`);
        return answerProblem(new MaintenanceError(code as ErrorCode, 'The request failed unexpectedly.', advice));
      }
    }),
  });
}

/** A JSON answer that no cache keeps. */
export function answer(status: number, content: unknown, headers: Record<string, string> = {}): HttpResponseInit {
  return {
    status,
    headers: { ...guarded, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(content),
  };
}

function queryOf(request: HttpRequest, expected: boolean): Record<string, string> | undefined {
  const given = [...request.query.entries()].filter(([name]) => !hostParameters.has(name.toLowerCase()));
  if (new Set(given.map(([name]) => name)).size < given.length) {
    throw new MaintenanceError('request_invalid', 'A query parameter is given twice.', 'Give each parameter once.');
  }
  if (!expected && given.length > 0) {
    throw new MaintenanceError(
      'request_invalid',
      'This route takes no query parameters.',
      'Leave them out; openapi.json describes the route.',
    );
  }
  return expected ? Object.fromEntries(given) : undefined;
}

async function readBody(request: HttpRequest): Promise<unknown> {
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new Problem(
      'content_type_unsupported',
      'The body must be JSON.',
      'Send it with `Content-Type: application/json`.',
      {},
      { 'accept-post': 'application/json' },
    );
  }
  if (Number(request.headers.get('content-length') ?? 0) > maxBodyBytes) throw tooLarge();
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > maxBodyBytes) throw tooLarge();
  if (bytes.byteLength === 0) {
    // The host hands on nothing of a body in chunks, without a length: the sender would look for the fault in vain.
    const advice = 'Send a JSON object, with its `Content-Length`; `{}` is the least.';
    throw new MaintenanceError('json_invalid', 'The body is empty.', advice);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new MaintenanceError('json_invalid', 'The body is not valid JSON.', 'Send a JSON object; `{}` is the least.');
  }
}

function tooLarge(): MaintenanceError {
  return new MaintenanceError(
    'body_too_large',
    `The body is larger than ${maxBodyBytes} bytes.`,
    'Send the fields of the route alone.',
  );
}

/** Says every field that is wrong, with what is expected; never its value. */
function parse<T>(schema: z.ZodType<T> | undefined, value: unknown, place: 'body' | 'query'): T {
  if (!schema) return undefined as T;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.map((issue) => ({
    field: `/${issue.path.map(String).join('/')}`,
    detail: issue.message,
  }));
  throw new Problem(
    'request_invalid',
    `The ${place} is not as this route expects.`,
    'Correct the fields named in `errors`; openapi.json describes them.',
    { errors },
  );
}
