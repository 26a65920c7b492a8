import { z } from 'zod';
import { once } from '../lib/once.ts';
import { openApiDocument } from './http/openApi.ts';
import { answer, route } from './http/route.ts';

/** Made once: each making of it takes some MB, and 200 at once took 80. */
const document = once(async () => answer(200, openApiDocument()));

route({
  name: 'openapi',
  method: 'GET',
  path: 'openapi.json',
  role: 'TokenCache.Reader',
  turn: 'read',
  summary: 'This document.',
  answers: { 200: { description: 'OpenAPI 3.1.', schema: z.record(z.string(), z.any()) } },
  handle: document,
});
