import type { Registration } from './functionsWorker.ts';

/** A function's route, as the Azure Functions host reads it from the binding. */
export interface HttpRoute {
  name: string;
  methods: string[];
  level: 'anonymous' | 'function' | 'admin';
  segments: string[];
}

/** The route of a function with an HTTP trigger. It knows literals and `{name}` of the templates alone. */
export function httpRoute(name: string, { bindings }: Registration): HttpRoute[] {
  const trigger = Object.values(bindings).find(({ type }) => type === 'httpTrigger');
  if (!trigger) return [];
  const segments = `api/${trigger.route ?? name}`.split('/');
  const unknown = segments.find((segment) => !/^(\{\w+\}|[^{}]+)$/.test(segment));
  if (unknown !== undefined) throw new Error(`the local host does not know the route segment ${unknown} of ${name}`);
  const methods = (trigger.methods as string[] | undefined) ?? ['GET', 'POST'];
  const level = trigger.authLevel === 'anonymous' || trigger.authLevel === 'admin' ? trigger.authLevel : 'function';
  return [{ name, methods: methods.map((method) => method.toUpperCase()), level, segments }];
}

/**
 * The segments of a path, decoded as the host's web server decodes them: all but an encoded slash, which stays as it is
 * written, and what is not UTF-8. A slash at the end counts for nothing. Undefined: the server refuses the path.
 */
export function pathSegments(path: string): string[] | undefined {
  if (path.includes('%00')) return undefined;
  return path.replace(/\/$/, '').split('/').slice(1).map(decode);
}

/** The parameters of the route where the path is one of its own, whatever the case of its literals. */
export function matchRoute({ segments }: HttpRoute, path: string[]): Record<string, string> | undefined {
  if (segments.length !== path.length) return undefined;
  const pairs = segments.map((segment, index) => [segment, path[index] ?? ''] as const);
  if (!pairs.every(([segment, given]) => (isParameter(segment) ? given !== '' : sameText(segment, given)))) {
    return undefined;
  }
  return Object.fromEntries(
    pairs.flatMap(([segment, given]) => (isParameter(segment) ? [[segment.slice(1, -1), given]] : [])),
  );
}

/** Names of functions and literals of routes are the same in any case. */
export function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function isParameter(segment: string): boolean {
  return segment.startsWith('{');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replace(/%2f/gi, (slash) => `%25${slash.slice(1)}`));
  } catch {
    return text;
  }
}
