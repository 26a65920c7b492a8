import { existsSync, globSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { derivedDocuments } from '../../scripts/docs.ts';
import { pass, type Symptom, symptoms } from '../../src/lib/checks/check.ts';
import { checkReport } from '../../src/lib/checks/diagnosisReport.ts';
import { errorCodes } from '../../src/lib/errorCodes.ts';
import { registry } from '../../src/lib/findings/diagnosis/registry.ts';
import { adviceOfFindings } from '../../src/lib/keyRing/rule/findingAdvice.ts';
import { watchCheckNames } from '../../src/lib/redis/rules/rules.ts';
import { adviceOfSteps } from '../../src/lib/redis/unreachable.ts';
import { settingNames } from '../../src/lib/settings/settings.ts';
import { anchorsOf } from '../support/anchors.ts';
import { root } from '../support/childProcess.ts';

const read = (path: string) => readFile(`${root}/${path}`, 'utf8');

const derived = await derivedDocuments();
/** All documents, by their paths. */
const paths = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).sort();
/** Whether a text names something, as code or as the heading of a section. */
const names = (text: string, name: string) => text.includes(`\`${name}\``) || text.includes(`\n## ${name}\n`);
const readAll = async (pattern: string) => (await Promise.all(globSync(pattern, { cwd: root }).map(read))).join('\n');

describe('the documents', () => {
  it('switch a web app’s metrics on by the code of a sample app, which compiles', async () => {
    const [, code = ''] = /```csharp\n([^`]+)```/.exec(await read('docs/app-metrics.md')) ?? [];
    const sample = await read('test/interop/apps/samples/sound-metrics/Program.cs');
    const [usings = '', lines = ''] = code.split('\n\n');
    for (const using of usings.split('\n')) expect(sample).toContain(`${using}\n`);
    expect(sample).toContain(lines);
    expect(lines).toContain('MicrosoftIdentityClient_Common_Meter');
  });

  it('list every setting', async () => {
    const text = await read('docs/reference/settings.md');
    const caches = [
      'TOKEN_CACHE_CONNECTION_STRING',
      'TOKEN_CACHE_ENGINE',
      'TOKEN_CACHE_TABLE',
      'TOKEN_CACHE_INDEX',
      'TOKEN_CACHE_INSTANCE_NAME',
      'TOKEN_CACHE_MAX_MEMORY',
      'TOKEN_CACHE_RESOURCE_ID',
      'TOKEN_CACHES',
      'KEY_RINGS',
    ];
    for (const name of [...settingNames, ...caches]) expect(text, name).toContain(`\`${name}\``);
  });

  it.each(derived)('are written anew where the code has changed: $path', ({ is, should }) => {
    expect(is, 'is stale: npm run docs').toBe(should);
  });

  it.each(paths)('have no link that leads nowhere: %s', async (path) => {
    for (const [, target = ''] of (await read(path)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const linked = file === '' ? path : join(dirname(path), file);
      expect(existsSync(`${root}/${linked}`), target).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(await read(linked)), target).toContain(anchor);
    }
  });

  it.each(paths)('have a head and a rule above each table: %s', async (path) => {
    const tables = (await read(path)).match(/(^\|.*\n)+/gm) ?? [];
    for (const table of tables) expect(table.split('\n')[1]).toMatch(/^\|( ?:?-+:? ?\|)+$/);
  });

  it('name no setting that there is not', async () => {
    const files = await readdir(`${root}/src/lib/settings`);
    const source = await Promise.all(files.map((file) => read(`src/lib/settings/${file}`)));
    for (const path of paths) {
      const named =
        (await read(path)).match(
          /\b(WORK_QUEUE|SERVER|TOKEN_CACHE|ALLOW|PURGE|EXPIRY_INDEX|SCHEDULE|STATEMENT|RECORD|REDIS|KEY_RING|TELEMETRY|FINDING|APP(?!_ID\b))_[A-Z_]+\b/g,
        ) ?? [];
      for (const name of new Set(named)) expect(source.join('\n'), `${name} in ${path}`).toContain(name);
    }
  });

  it('explain error codes that the source knows a use of', async () => {
    const files = (await readdir(`${root}/src`, { recursive: true })).filter(
      (file) => file.endsWith('.ts') && !file.endsWith('errorCodes.ts'),
    );
    const source = (await Promise.all(files.map((file) => read(`src/${file}`)))).join('\n');
    expect(Object.keys(errorCodes).filter((code) => !source.includes(`'${code}'`))).toEqual([]);
  });

  it('explain every check of the Redis watch, and every step at which a node may be lost', async () => {
    const text = await readAll('docs/{runbook/*,reference/errors,web-app}.md');
    const steps = Object.keys(adviceOfSteps);
    expect([...watchCheckNames, ...steps].filter((name) => !names(text, name))).toEqual([]);
  });

  it('agree with the advice of the findings: there is one for each that the findings name', async () => {
    const sources = await Promise.all(
      ['findings', 'protectionFindings'].map((file) => read(`src/lib/keyRing/rule/${file}.ts`)),
    );
    const checks = new Set(
      sources
        .join('\n')
        .match(/'[a-z]+([_-][a-z]+)+'/g)
        ?.map((quoted) => quoted.slice(1, -1)),
    );
    expect(checks.size).toBeGreaterThan(15);
    expect([...checks].filter((check) => !(check in adviceOfFindings))).toEqual([]);
    expect(Object.keys(adviceOfFindings).filter((check) => !checks.has(check))).toEqual([]);
  });

  it('have a section for each symptom of the diagnosis, and explain every check and cause', async () => {
    const text = await readAll('docs/{runbook/*,reference/errors,web-app}.md');
    for (const symptom of Object.keys(symptoms) as Symptom[]) {
      const [path = '', anchor] = checkReport({ id: 'x', symptom }, 'cache web', pass(''), 0).section.split('#');
      expect(anchorsOf(await read(path))).toContain(anchor);
    }
    const checks = Object.values(registry).flatMap((all) => all.map(({ id }) => id));
    // Among the parts of a connection, `ring-store-certificate` and the like are those of `connection`.
    for (const id of checks.filter((each) => !/^ring-(store|protector)-/.test(each)))
      expect(names(text, id), id).toBe(true);
    const files = (await readdir(`${root}/src/lib/findings/diagnosis`, { recursive: true })).filter((file) =>
      file.endsWith('.ts'),
    );
    const sources = await Promise.all(files.map((file) => read(`src/lib/findings/diagnosis/${file}`)));
    const causes = new Set(sources.join('\n').match(/'[a-z]+(_[a-z]+)+'/g));
    expect(causes.size).toBeGreaterThan(60);
    expect([...causes].filter((cause) => !names(text, cause.slice(1, -1)))).toEqual([]);
  });

  it('have one SQL Server for the tests, and the commands that its workflow runs', async () => {
    const [compose, workflow] = await Promise.all([read('docker-compose.yml'), read('.github/workflows/ci.yml')]);
    const image = (text: string) => /image: (\S+)/.exec(text)?.[1];
    expect(image(compose)).toBe(image(workflow));
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
    const others = await Promise.all(['.github/workflows/deploy.yml', 'azure.yaml', 'docs/deployment.md'].map(read));
    for (const [, name = ''] of [workflow, ...others].join('\n').matchAll(/npm run (?!token-cache)([\w:]+)/g))
      expect(scripts).toHaveProperty([name]);
    expect(workflow).toContain('npm run test:sqlserver');
    expect(workflow).toContain('run: npm test');
    expect(workflow).toContain('npm run test:infra');
  });

  it('name tests and commands that there are', async () => {
    const text = await read('CONTRIBUTING.md');
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
    for (const [, name = ''] of text.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([name]);
    const files = (await readdir(`${root}/test`, { recursive: true })).filter((path) => path.endsWith('.test.ts'));
    const filters = [...text.matchAll(/npx vitest(?: run)? ([^`#\n]+)/g)].flatMap(([, names = '']) =>
      names.trim().split(' '),
    );
    expect(filters.length).toBeGreaterThan(20);
    for (const name of filters)
      expect(
        files.some((path) => `test/${path}`.includes(name)),
        name,
      ).toBe(true);
  });

  it('begin the example of local settings with those that are needed', async () => {
    const { Values } = JSON.parse(await read('local.settings.example.json')) as { Values: Record<string, string> };
    const known = [...(await read('docs/reference/settings.md')).matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name);
    for (const name of Object.keys(Values).filter((key) => /^[A-Z_]+$/.test(key) && key !== 'FUNCTIONS_WORKER_RUNTIME'))
      expect(known, name).toContain(name);
  });
});
