import { randomUUID } from 'node:crypto';
import { glob } from 'node:fs/promises';
import { createRequire, registerHooks } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

/**
 * A stand-in for the Node.js worker of the Azure Functions host: loads the functions by the `main` of package.json and runs
 * them through the programming model of the real `@azure/functions`, with its hooks, as the worker does. It proves
 * registration, settings and handlers. It does not prove the host: schedules, leases, keys, the reading of host.json, the spans
 * that the host itself makes, and the worker's gRPC.
 */
/** What a trigger knows of its message beside the text. */
type Metadata = Record<string, string | number>;

export interface FunctionsWorker {
  /** What was registered, by function name. */
  registrations: ReadonlyMap<string, Registration>;
  /** Runs a function with the given input of its trigger; rejects where its handler does. */
  invoke(name: string, input: unknown, trace?: TraceContext): Promise<unknown>;
  /** Runs a queue-triggered function with a message's text; rejects where its handler does. */
  invokeQueue(name: string, text: string, metadata: Metadata): Promise<unknown>;
  /** Runs an HTTP function; the answer is as the worker gives it to the host. */
  invokeHttp(name: string, request: HttpCall): Promise<HttpReply>;
  /** Tells the functions that the instance is taken away, and waits for those that run, but not for ever. */
  terminate(): Promise<void>;
}

/** The host's own span, of which the invocation is a child; empty where the host has none. */
export interface TraceContext {
  traceParent?: string;
}

export interface Registration {
  bindings: Record<string, { type: string; [property: string]: unknown }>;
}

interface HttpCall {
  method: string;
  url: string;
  headers: Record<string, string>;
  params: Record<string, string>;
  body: Buffer;
  trace?: TraceContext;
}

export interface HttpReply {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

type Hook = (context: object) => unknown;

export type WorkerLog = (name: string, level: string, message: string) => void;

interface Context {
  invocationId: string;
}
interface InvocationModel {
  getArguments(): Promise<{ context: Context; inputs: unknown[] }>;
  invokeFunction(context: Context, inputs: unknown[], handler: unknown): Promise<unknown>;
  getResponse(context: Context, result: unknown): Promise<{ returnValue?: { http?: RpcHttp } }>;
}
interface RpcHttp {
  statusCode: string;
  headers: Record<string, string>;
  body?: { bytes?: Uint8Array; string?: string };
}
interface ProgrammingModel {
  getInvocationModel(core: object): InvocationModel;
}

/** `@azure/functions` finds its host by requiring this module; outside a host there is none. */
const coreModule = '@azure/functions-core';
const coreSource = `module.exports = globalThis[Symbol.for('token-cache.functions-core')];`;

export interface WorkerOptions {
  /** Workers before 3.10 know no hooks for logs, and throw where one is registered. */
  logHooks?: boolean;
}

/** What runs longer than that after its end has been announced is left alone. */
const terminateLimitMs = 10_000;

/** Loads the functions below `root`; once per process, since registering is global in the library. */
export async function loadFunctions(
  root: string,
  log: WorkerLog,
  { logHooks = true }: WorkerOptions = {},
): Promise<FunctionsWorker> {
  const functions = new Map<string, Registration & { handler: unknown }>();
  const hooks = new Map<string, Hook[]>();
  let model: ProgrammingModel | undefined;
  const core = {
    version: 'stand-in',
    hostVersion: '4.0.0',
    setProgrammingModel: (given: ProgrammingModel) => {
      model = given;
    },
    registerFunction: (metadata: Registration & { name: string }, handler: unknown) =>
      void functions.set(metadata.name, { bindings: metadata.bindings, handler }),
    registerHook: (name: string, callback: Hook) => {
      if (name === 'log' && !logHooks)
        throw Object.assign(new RangeError('Unrecognized hook "log"'), { isAzureFunctionsSystemError: true });
      hooks.set(name, [...(hooks.get(name) ?? []), callback]);
      return { dispose: () => undefined };
    },
    Disposable: class {
      dispose() {}
    },
  };
  Object.assign(globalThis, { [Symbol.for('token-cache.functions-core')]: core });
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === coreModule
        ? { url: 'functions-core:stand-in', format: 'commonjs', shortCircuit: true }
        : next(specifier, context),
    load: (url, context, next) =>
      url === 'functions-core:stand-in'
        ? { format: 'commonjs', source: coreSource, shortCircuit: true }
        : next(url, context),
  });
  const { main } = createRequire(import.meta.url)(`${root}/package.json`) as { main: string };
  for await (const file of glob(main, { cwd: root })) await import(pathToFileURL(`${root}/${file}`).href);

  const runHooks = async (name: string, context: object) => {
    for (const hook of hooks.get(name) ?? []) await hook(context);
  };

  const running = new Set<Promise<unknown>>();
  const begin = (name: string, data: object, trace?: TraceContext, metadata: Metadata = {}) => {
    const run = runFunction(name, data, trace, metadata);
    const settled: Promise<unknown> = run.then(
      () => running.delete(settled),
      () => running.delete(settled),
    );
    running.add(settled);
    return run;
  };
  const runFunction = async (
    name: string,
    data: object,
    { traceParent = '' }: TraceContext = {},
    metadata: Metadata = {},
  ) => {
    const found = functions.get(name);
    if (!found || !model) throw new Error(`no function is named ${name}`);
    const trigger = Object.keys(found.bindings).find((key) => /trigger$/i.test(found.bindings[key]?.type ?? ''));
    const invocation = model.getInvocationModel({
      invocationId: randomUUID(),
      metadata: { name, bindings: found.bindings },
      request: {
        inputData: [{ name: trigger, data }],
        triggerMetadata: typed(metadata),
        traceContext: { traceParent },
      },
      log: (level: string, _category: string, message: string) => {
        for (const hook of hooks.get('log') ?? []) hook({ ...shared(), level, message, category: 'user' });
        log(name, level, message);
      },
      state: undefined,
    });
    const { context, inputs } = await invocation.getArguments();
    const shared = () => ({ hookData: {}, appHookData: {}, invocationContext: context });
    const before = { ...shared(), inputs, functionCallback: found.handler };
    await runHooks('preInvocation', before);
    // The worker calls the hooks after the function whether it failed or not.
    const after = { ...shared(), inputs, result: null as unknown, error: undefined as unknown };
    try {
      after.result = await invocation.invokeFunction(context, before.inputs, before.functionCallback);
    } catch (error) {
      after.error = error;
    }
    await runHooks('postInvocation', after);
    if (after.error) throw after.error;
    return { invocation, context, result: after.result };
  };

  return {
    registrations: functions,
    invoke: async (name, input, trace) => (await begin(name, { json: JSON.stringify(input) }, trace)).result,
    invokeQueue: async (name, text, metadata) => (await begin(name, { string: text }, undefined, metadata)).result,
    invokeHttp: async (name, { body, trace, ...call }) => {
      const query = joinedParameters(new URL(call.url).searchParams);
      const { invocation, context, result } = await begin(
        name,
        { http: { ...call, query, body: { bytes: body } } },
        trace,
      );
      const http = (await invocation.getResponse(context, result)).returnValue?.http;
      if (!http) return { status: 204, headers: {}, body: Buffer.alloc(0) };
      return {
        status: Number(http.statusCode),
        headers: http.headers,
        body: Buffer.from(http.body?.bytes ?? http.body?.string ?? ''),
      };
    },
    terminate: async () => {
      await runHooks('appTerminate', { hookData: {}, appHookData: {} });
      await Promise.race([Promise.all(running), delay(terminateLimitMs, undefined, { ref: false })]);
    },
  };
}

/** The host joins a parameter that is given twice, in any case of its name. */
function joinedParameters(parameters: URLSearchParams): Record<string, string> {
  const joined = new Map<string, { name: string; values: string[] }>();
  for (const [name, value] of parameters) {
    const known = joined.get(name.toLowerCase());
    if (known) known.values.push(value);
    else joined.set(name.toLowerCase(), { name, values: [value] });
  }
  return Object.fromEntries([...joined.values()].map(({ name, values }) => [name, values.join(',')]));
}

/** As the host hands metadata over its gRPC. */
function typed(metadata: Metadata) {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, { json: JSON.stringify(value) }]));
}
