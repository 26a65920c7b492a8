import { randomUUID } from 'node:crypto';
import { glob } from 'node:fs/promises';
import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * A stand-in for the Node.js worker of the Azure Functions host: loads the functions by the `main` of package.json and runs
 * them through the programming model of the real `@azure/functions`, as the worker does. It proves registration, settings
 * and handlers. It does not prove the host: schedules, leases, keys, the reading of host.json, and the worker's gRPC.
 */
export interface FunctionsWorker {
  /** What was registered, by function name. */
  registrations: ReadonlyMap<string, Registration>;
  /** Runs a function with the given input of its trigger; rejects where its handler does. */
  invoke(name: string, input: unknown): Promise<unknown>;
  /** Runs a queue-triggered function with a message's text; rejects where its handler does. */
  invokeQueue(name: string, text: string, metadata: Record<string, string | number>): Promise<unknown>;
  /** Runs an HTTP function; the answer is as the worker gives it to the host. */
  invokeHttp(name: string, request: HttpCall): Promise<HttpReply>;
  /** Tells the functions that the instance is taken away. */
  terminate(): Promise<void>;
}

export interface Registration {
  bindings: Record<string, { type: string; [property: string]: unknown }>;
}

export interface HttpCall {
  method: string;
  url: string;
  headers: Record<string, string>;
  params: Record<string, string>;
  body: Buffer;
}

export interface HttpReply {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

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

/** Loads the functions below `root`; once per process, since registering is global in the library. */
export async function loadFunctions(root: string, log: WorkerLog): Promise<FunctionsWorker> {
  const functions = new Map<string, Registration & { handler: unknown }>();
  const hooks = new Map<string, ((context: object) => unknown)[]>();
  let model: ProgrammingModel | undefined;
  const core = {
    version: 'stand-in',
    hostVersion: '4.0.0',
    setProgrammingModel: (given: ProgrammingModel) => {
      model = given;
    },
    registerFunction: (metadata: Registration & { name: string }, handler: unknown) =>
      void functions.set(metadata.name, { bindings: metadata.bindings, handler }),
    registerHook: (name: string, callback: (context: object) => unknown) => {
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

  const begin = async (name: string, data: object, metadata: Record<string, string | number> = {}) => {
    const found = functions.get(name);
    if (!found || !model) throw new Error(`no function is named ${name}`);
    const trigger = Object.keys(found.bindings).find((key) => /trigger$/i.test(found.bindings[key]?.type ?? ''));
    const invocation = model.getInvocationModel({
      invocationId: randomUUID(),
      metadata: { name, bindings: found.bindings },
      request: { inputData: [{ name: trigger, data }], triggerMetadata: typed(metadata), traceContext: {} },
      log: (level: string, _category: string, message: string) => log(name, level, message),
      state: undefined,
    });
    const { context, inputs } = await invocation.getArguments();
    const result = await invocation.invokeFunction(context, inputs, found.handler);
    return { invocation, context, result };
  };

  return {
    registrations: functions,
    invoke: async (name, input) => (await begin(name, { json: JSON.stringify(input) })).result,
    invokeQueue: async (name, text, metadata) => (await begin(name, { string: text }, metadata)).result,
    invokeHttp: async (name, { body, ...call }) => {
      // The host joins a parameter that is given twice.
      const { searchParams } = new URL(call.url);
      const query = Object.fromEntries(
        [...searchParams.keys()].map((key) => [key, searchParams.getAll(key).join(',')]),
      );
      const { invocation, context, result } = await begin(name, { http: { ...call, query, body: { bytes: body } } });
      const http = (await invocation.getResponse(context, result)).returnValue?.http;
      if (!http) throw new Error(`${name} gave no answer`);
      return {
        status: Number(http.statusCode),
        headers: http.headers,
        body: Buffer.from(http.body?.bytes ?? http.body?.string ?? ''),
      };
    },
    terminate: async () => {
      for (const callback of hooks.get('appTerminate') ?? []) await callback({ hookData: {}, appHookData: {} });
    },
  };
}

/** As the host hands metadata over its gRPC. */
function typed(metadata: Record<string, string | number>) {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, { json: JSON.stringify(value) }]));
}
