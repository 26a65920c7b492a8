/** openapi.json: it comes from the routes, and names what each answers. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RegisteredRoute } from '../../src/functions/http/route.ts';
import { errorCodes } from '../../src/lib/errorCodes.ts';
import { type JobName, jobNames } from '../../src/lib/runs/catalogue.ts';
import { root } from '../support/childProcess.ts';
import { type AnswerCheck, checkAnswers } from '../support/described.ts';
import { failed, record } from '../support/records.ts';
import { reports } from '../support/reports.ts';

interface Operation {
  summary: string;
  security?: object[];
  responses: Record<string, { description: string; content: Record<string, { schema: object }> }>;
}

let routes: readonly RegisteredRoute[];
let document: { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, object> } };
let check: AnswerCheck;

beforeAll(async () => {
  // Settings are read, and routes told, when the functions are loaded.
  vi.resetModules();
  // That there is no host to register the functions with.
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  vi.stubEnv('RECORD_STORE', 'none');
  vi.stubEnv('TOKEN_CACHE_CONNECTION_STRING', 'Host=h;Username=u;Database=d');
  const functions = `${root}/src/functions`;
  for (const file of readdirSync(functions).filter((name) => name.endsWith('.ts')))
    await import(`${functions}/${file}`);
  routes = (await import('../../src/functions/http/route.ts')).routes;
  const { openApiDocument } = await import('../../src/functions/http/openApi.ts');
  document = JSON.parse(JSON.stringify(openApiDocument()));
  check = checkAnswers(document);
});
afterAll(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('openapi.json', () => {
  it('has every route, with what it does, its answers and the statuses of its codes', () => {
    expect(routes.length).toBeGreaterThan(9);
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(described.sort()).toEqual(routes.map(({ method, path }) => `${method.toLowerCase()} /${path}`).sort());
    for (const { method, path, summary, role, answers, errors = [] } of routes) {
      const operation = document.paths[`/${path}`]?.[method.toLowerCase()];
      expect(operation).toMatchObject({ summary, ...(role && { security: [{ functionKey: [] }] }) });
      expect(Object.keys(operation?.responses ?? {})).toEqual(expect.arrayContaining(Object.keys(answers)));
      for (const code of errors)
        expect(operation?.responses[errorCodes[code].status]?.description, `${path} ${code}`).toMatch(
          new RegExp(`\\b${code}\\b`),
        );
    }
  });

  it.each([
    // Settings are refused before a job begins, `grant` is a command, and the watch a timer.
    ['sql', /grants|connectionString|tableName/, 'purge'],
    ['redis', /redisConnection|azureMonitor|watch/, 'clear'],
    ['keyRing', /^$/, 'key-ring/{ring}/revoke'],
  ])('names every code that src/lib/%s knows', (folder, elsewhere, path) => {
    const files = readdirSync(`${root}/src/lib/${folder}`, { recursive: true, encoding: 'utf8' });
    const sources = files
      .filter((file) => file.endsWith('.ts') && !elsewhere.test(file))
      .map((file) => readFileSync(`${root}/src/lib/${folder}/${file}`, 'utf8'));
    const codes = Object.keys(errorCodes).filter((code) => sources.some((source) => source.includes(`'${code}'`)));
    const described = Object.values(document.paths[`/${path}`]?.post?.responses ?? {}).flatMap(
      ({ description }) => description.match(/\w+/g) ?? [],
    );
    expect(codes.length).toBeGreaterThan(3);
    expect(codes.filter((code) => !described.includes(code))).toEqual([]);
  });

  it('leaves no answer open: every schema says of what it is', () => {
    const open: string[] = [];
    const visit = (node: unknown, at: string) => {
      if (node === null || typeof node !== 'object') return;
      for (const [key, value] of Object.entries(node)) {
        const place = `${at}/${key}`;
        const isSchema = ['schema', 'items', 'additionalProperties'].includes(key) || /\/properties$/.test(at);
        if (isSchema && typeof value === 'object' && !says(value)) open.push(place);
        visit(value, place);
      }
    };
    const says = (schema: object) =>
      ['type', '$ref', 'oneOf', 'anyOf', 'allOf', 'const', 'enum'].some((keyword) => keyword in schema);
    visit({ paths: document.paths, components: document.components }, '');
    // The document itself.
    expect(open.filter((place) => !place.startsWith('/paths//openapi.json/'))).toEqual([]);
  });

  const samples: [JobName, unknown][] = [
    ['purge', reports.purge],
    ['purge', reports.purgePlan],
    ['index', reports.index],
    ['counts', reports.counts],
    ['redis', reports.watch],
    ['redis', reports.watchDown],
    ['clear', reports.clear],
    ['clear', reports.clearPlan],
    ['clear', reports.redisClear],
    ['clear', reports.redisClearPlan],
    ['rotateKeyRing', reports.rotate],
    ['keyRingStatus', reports.ringStatusLate],
    ['rewrapKeyRing', reports.rewrap],
    ['revokeKeys', reports.revoke],
    ['pruneKeyRing', reports.prune],
  ];
  const answer = (json: unknown) => check('GET', '/runs/x', { status: 200, type: 'application/json', json });

  it.each(samples)('describes the report of %s, and no other', (job, report) => {
    const run = { ...record(job, 'web', new Date()), report };
    answer(run);
    expect(() => answer({ ...run, report: { ...(report as object), more: 1 } })).toThrow();
    const other = job === 'counts' ? reports.index : reports.counts;
    expect(() => answer({ ...run, report: other })).toThrow();
  });

  it('describes a run of each job that failed, without a report', () => {
    for (const job of jobNames) answer(record(job, 'web', new Date(), failed()));
    expect(() => answer(record('purge', 'web', new Date(), { outcome: 'done' as never }))).toThrow();
  });
});
