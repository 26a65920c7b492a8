import { readdirSync } from 'node:fs';
import type { RegisteredRoute } from '../../src/functions/http/route.ts';
import { between, code, table } from './markdown.ts';

const functions = new URL('../../src/functions/', import.meta.url);

interface Schema {
  $ref?: string;
  description?: string;
  properties?: Record<string, Schema>;
}
interface Operation {
  summary: string;
  parameters?: { name: string; in: string; description?: string; schema?: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { description: string }>;
}

/** The functions register their routes as the host loads them; here there is none, and they say so. */
async function register(): Promise<RegisteredRoute[]> {
  const { warn } = console;
  console.warn = () => undefined;
  const env = { ...process.env };
  Object.assign(process.env, {
    RECORD_STORE: 'none',
    TOKEN_CACHE_CONNECTION_STRING: 'Host=localhost;Database=cache;Username=app',
  });
  try {
    for (const file of readdirSync(functions).filter((name) => name.endsWith('.ts')))
      await import(new URL(file, functions).href);
  } finally {
    console.warn = warn;
    process.env = env;
  }
  return (await import('../../src/functions/http/route.ts')).routes;
}

/** docs/reference/http.md, with every route as openapi.json has it. */
export async function withRoutes(text: string): Promise<string> {
  const routes = await register();
  const { openApiDocument } = await import('../../src/functions/http/openApi.ts');
  const { paths, components } = JSON.parse(JSON.stringify(openApiDocument())) as {
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, Schema> };
  };
  const resolved = (schema: Schema): Schema =>
    schema.$ref ? (components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}) : schema;
  const operations = Object.fromEntries(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method} ${path}`, operation]),
    ),
  );
  const sections = routes.toSorted(byPath).map(({ method, path, name, role }) => {
    const {
      summary,
      parameters = [],
      requestBody,
      responses,
    } = operations[`${method.toLowerCase()} /${path}`] as Operation;
    const body = Object.values(requestBody?.content ?? {}).flatMap(({ schema }) =>
      Object.entries(resolved(schema).properties ?? {}).map(([field, each]) => ({ ...each, name: field, in: 'body' })),
    );
    const inputs = [...parameters, ...body].map((each) => [code(each.name), each.in, each.description ?? '']);
    const answers = Object.entries(responses).map(([status, { description }]) => [status, description]);
    return [
      `## ${method} /api/${path}`,
      `${summary}${role ? ` Key of the function ${code(name)}; app role ${code(role)}.` : ''}`,
      ...(inputs.length > 0 ? [table(['input', 'in', 'what'], inputs)] : []),
      table(['status', 'answer'], answers),
    ].join('\n\n');
  });
  return between(text, sections.join('\n\n'));
}

function byPath(a: RegisteredRoute, b: RegisteredRoute): number {
  return `${a.path} ${a.method}` < `${b.path} ${b.method}` ? -1 : 1;
}
