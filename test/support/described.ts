import { z } from 'zod';

interface Described {
  paths: Record<
    string,
    Record<string, { responses: Record<string, { description: string; content?: Record<string, { schema: object }> }> }>
  >;
  components: { schemas: Record<string, object> };
}

export type AnswerCheck = (method: string, path: string, answer: Answered) => void;

/**
 * Checks answers by the OpenAPI document of the app, and nothing else of it: each must be of a status and type that its
 * route names, and have the fields of its schema, no more and no fewer; and a problem a code that is named.
 */
export function checkAnswers(document: unknown): AnswerCheck {
  const { paths, components } = document as Described;
  const schemas = new Map<string, z.ZodType>();
  const routes = Object.entries(paths).map(([path, methods]) => ({
    path,
    methods,
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }));
  return (method, path, { status, type, json }) => {
    const route = routes.find(({ pattern }) => pattern.test(path));
    const responses = route?.methods[method.toLowerCase()]?.responses;
    if (!route || !responses) throw new Error(`${method} ${path} is not described`);
    const content = responses[status]?.content?.[type];
    if (!content) throw new Error(`${method} ${path} answers ${status} ${type}, which is not described`);
    const key = `${method} ${route.path} ${status} ${type}`;
    const schema = schemas.get(key) ?? z.fromJSONSchema(withDefinitions(content.schema, components.schemas));
    schemas.set(key, schema);
    schema.parse(json);
    const { code } = json as { code?: string };
    if (type === 'application/problem+json' && !responses[status]?.description.match(/\w+/g)?.includes(code ?? ''))
      throw new Error(`${method} ${path} answers ${code}, which is not described`);
  };
}

interface Answered {
  status: number;
  /** Without its parameters. */
  type: string;
  json: unknown;
}

/** A schema of OpenAPI 3.1 is one of JSON Schema, but for where it keeps its definitions. */
function withDefinitions(schema: object, $defs: Record<string, object>) {
  const text = JSON.stringify({ ...schema, $defs }).replaceAll('#/components/schemas/', '#/$defs/');
  return JSON.parse(text) as Parameters<typeof z.fromJSONSchema>[0];
}
