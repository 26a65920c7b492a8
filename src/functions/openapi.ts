import { createDocument } from 'zod-openapi';
import { answer, route } from './support/route.ts';
import {
  diagnoseQuery,
  diagnosisRun,
  healthAnswer,
  problem,
  purgeRequest,
  runList,
  runRecord,
  runsQuery,
  statusAnswer,
} from './support/schemas.ts';

const json = (description: string, schema: Parameters<typeof content>[0]) => ({
  description,
  content: content(schema),
});
const content = (
  schema: typeof runRecord | typeof runList | typeof healthAnswer | typeof statusAnswer | typeof diagnosisRun,
) => ({
  'application/json': { schema },
});
const failure = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problem } },
});
const failures = { '400': failure('The request is not as described.'), '403': failure('The app role is missing.') };
const key = [{ functionKey: [] }];

const document = createDocument({
  openapi: '3.1.0',
  info: {
    title: 'token-cache-maintenance',
    version: '1',
    description: 'Purge, status and health of the token caches of Microsoft.Identity.Web.',
  },
  servers: [{ url: '/api' }],
  components: { securitySchemes: { functionKey: { type: 'apiKey', in: 'header', name: 'x-functions-key' } } },
  paths: {
    '/purge': {
      post: {
        summary: 'Delete expired entries of a SQL cache; a dry run unless `dryRun` is false.',
        security: key,
        requestBody: { required: true, content: { 'application/json': { schema: purgeRequest } } },
        responses: {
          '200': json('The run, with its report.', runRecord),
          ...failures,
          '404': failure('No cache has that name.'),
          '409': failure('Another run is purging the cache; `run` is what is known of it.'),
          '413': failure('The body is too large.'),
          '415': failure('The body is not JSON.'),
          '502': failure('The database refused.'),
          '503': failure('The database was not available, or the settings are wrong.'),
        },
      },
    },
    '/runs': {
      get: {
        summary: 'The newest runs.',
        security: key,
        requestParams: { query: runsQuery },
        responses: { '200': json('Newest first.', runList), ...failures },
      },
    },
    '/runs/{id}': {
      get: {
        summary: 'One run.',
        security: key,
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
        responses: { '200': json('Its record.', runRecord), ...failures, '404': failure('No run has that id.') },
      },
    },
    '/status': {
      get: {
        summary:
          'Caches, timers and their last runs; as a page, with plots and findings, where `Accept` prefers text/html.',
        security: key,
        responses: {
          '200': {
            description: 'The present state.',
            content: { ...content(statusAnswer), 'text/html': { schema: { type: 'string' } } },
          },
          ...failures,
          '406': failure('`Accept` takes neither application/json nor text/html.'),
        },
      },
    },
    '/diagnose': {
      get: {
        summary:
          'Look for the causes of trouble on every cache and key ring; a page where `Accept` prefers text/html, or with `format=html`. Changes nothing; takes up to 30 s.',
        security: key,
        requestParams: { query: diagnoseQuery },
        responses: {
          '200': {
            description: 'The run with every check, the gravest first. Also where checks fail.',
            content: { ...content(diagnosisRun), 'text/html': { schema: { type: 'string' } } },
          },
          ...failures,
          '404': failure('No usable cache or key ring has that name.'),
          '406': failure('`Accept` takes neither application/json nor text/html.'),
        },
      },
    },
    '/health': {
      get: {
        summary: 'Whether the timers fire and succeed. Open to everyone; at most 15 s old.',
        responses: { '200': json('ok or degraded.', healthAnswer), '503': json('failing.', healthAnswer) },
      },
    },
    '/openapi.json': {
      get: { summary: 'This document.', security: key, responses: { '200': { description: 'OpenAPI 3.1.' } } },
    },
  },
});

route({
  name: 'openapi',
  method: 'GET',
  path: 'openapi.json',
  role: 'TokenCache.Reader',
  handle: async () => answer(200, document),
});
