import { createDocument } from 'zod-openapi';
import { answer, route } from './support/route.ts';
import {
  clearRequest,
  diagnoseQuery,
  diagnosisRun,
  healthAnswer,
  problem,
  purgeRequest,
  revokeRequest,
  ringRequest,
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
const recordFailures = { ...failures, '503': failure('The records cannot be read.') };
const key = [{ functionKey: [] }];

/** What every route that takes a body may answer. */
const bodyFailures = {
  ...failures,
  '413': failure('The body is too large.'),
  '415': failure('The body is not JSON.'),
  '502': failure('The database, Redis, store or vault refused.'),
  '503': failure('It was not available, or the settings are wrong.'),
};

/** A job on a key ring. */
const onRing = (summary: string, schema: typeof ringRequest | typeof revokeRequest) => ({
  post: {
    summary,
    security: key,
    parameters: [{ name: 'ring', in: 'path' as const, required: true, schema: { type: 'string' as const } }],
    requestBody: { required: true, content: { 'application/json': { schema } } },
    responses: {
      '200': json('The run, with its report.', runRecord),
      ...bodyFailures,
      '404': failure('No ring has that name, or the ring no such key.'),
      '409': failure('The ring is in mode observe.'),
    },
  },
});

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
        parameters: [
          {
            name: 'Prefer',
            in: 'header',
            description: '`respond-async`: the purge is queued, and goes on until nothing is left.',
            schema: { type: 'string' },
          },
        ],
        requestBody: { required: true, content: { 'application/json': { schema: purgeRequest } } },
        responses: {
          '200': json('The run, with its report.', runRecord),
          '202': {
            ...json('The run is queued; `Location` tells of it.', runRecord),
            headers: { location: { schema: { type: 'string' } } },
          },
          ...bodyFailures,
          '404': failure('No cache has that name.'),
          '409': failure('Another run deletes entries of the cache; `run` is what is known of it.'),
        },
      },
    },
    '/clear': {
      post: {
        summary: 'Delete every entry of a cache: all its users sign in again. A dry run unless `dryRun` is false.',
        security: key,
        requestBody: { required: true, content: { 'application/json': { schema: clearRequest } } },
        responses: {
          '200': json('The run, with its report.', runRecord),
          ...bodyFailures,
          '403': failure('The app role is missing, or ALLOW_CLEAR is not true.'),
          '404': failure('No cache has that name.'),
          '409': failure(
            'Another run deletes entries of the cache (`run` is what is known of it), or a Redis cache has no prefix.',
          ),
        },
      },
    },
    '/key-ring/{ring}/rotate': onRing('Publish the keys that are due.', ringRequest),
    '/key-ring/{ring}/rewrap': onRing('Move keys to the newest Key Vault key version or certificate.', ringRequest),
    '/key-ring/{ring}/revoke': onRing('Revoke keys and publish a successor.', revokeRequest),
    '/runs': {
      get: {
        summary: 'The newest runs.',
        security: key,
        requestParams: { query: runsQuery },
        responses: { '200': json('Newest first.', runList), ...recordFailures },
      },
    },
    '/runs/{id}': {
      get: {
        summary: 'One run.',
        security: key,
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
        responses: { '200': json('Its record.', runRecord), ...recordFailures, '404': failure('No run has that id.') },
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
            description: 'The run with every check, the worst first. Also where checks fail.',
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
