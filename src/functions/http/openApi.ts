import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { type ErrorCode, errorCodes } from '../../lib/errorCodes.ts';
import { problemSchema } from './problem.ts';
import { type RegisteredRoute, routes } from './route.ts';

/** OpenAPI 3.1 of every route, from what the routes say of themselves. */
export function openApiDocument() {
  const paths: ZodOpenApiPathsObject = {};
  for (const each of routes)
    paths[`/${each.path}`] = { ...paths[`/${each.path}`], [each.method.toLowerCase()]: operationOf(each) };
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'token-cache-maintenance',
      version: '1',
      description: 'Purge, status and health of the token caches of Microsoft.Identity.Web.',
    },
    servers: [{ url: '/api' }],
    components: { securitySchemes: { functionKey: { type: 'apiKey', in: 'header', name: 'x-functions-key' } } },
    paths,
  });
}

function operationOf({
  path,
  role,
  summary,
  body,
  query,
  headers,
  answers,
  errors,
  turn,
}: RegisteredRoute): ZodOpenApiOperationObject {
  const schema = { type: 'string' as const };
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({ name, in: 'path' as const, required: true, schema })),
    ...Object.entries(headers ?? {}).map(([name, description]) => ({
      name,
      in: 'header' as const,
      description,
      schema,
    })),
  ];
  return {
    summary,
    ...(role && { security: [{ functionKey: [] }] }),
    ...(parameters.length > 0 && { parameters }),
    ...(query instanceof z.ZodObject && { requestParams: { query } }),
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      ...answersOf(answers),
      ...problemsOf([...commonErrors(body !== undefined, role !== undefined, turn !== undefined), ...(errors ?? [])]),
    },
  };
}

function answersOf(answers: RegisteredRoute['answers']) {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema, page, headers = [] }]) => [
      status,
      {
        description,
        content: {
          'application/json': { schema },
          ...(page && { 'text/html': { schema: { type: 'string' as const } } }),
        },
        ...(headers.length > 0 && {
          headers: Object.fromEntries(headers.map((name) => [name, { schema: { type: 'string' as const } }])),
        }),
      },
    ]),
  );
}

/** A problem for each status that the codes have, which names them. */
function problemsOf(codes: readonly ErrorCode[]) {
  const byStatus = Map.groupBy(new Set(codes), (code) => errorCodes[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      status,
      {
        description: `Codes: ${list.join(', ')}.`,
        content: { 'application/problem+json': { schema: problemSchema } },
      },
    ]),
  );
}

function commonErrors(hasBody: boolean, hasRole: boolean, takesTurn: boolean): ErrorCode[] {
  return [
    ...(hasBody ? (['json_invalid', 'body_too_large', 'content_type_unsupported'] as const) : []),
    ...(hasRole ? (['request_invalid', 'role_missing'] as const) : []),
    ...(takesTurn ? (['too_many_requests'] as const) : []),
    'internal_error',
  ];
}
