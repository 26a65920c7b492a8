import { z } from 'zod';
import { openApiDocument } from './http/openApi.ts';
import { answer, route } from './http/route.ts';

route({
  name: 'openapi',
  method: 'GET',
  path: 'openapi.json',
  role: 'TokenCache.Reader',
  summary: 'This document.',
  answers: { 200: { description: 'OpenAPI 3.1.', schema: z.record(z.string(), z.any()) } },
  handle: async () => answer(200, openApiDocument()),
});
