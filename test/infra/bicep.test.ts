/** The Bicep files before the real compiler. Whether Azure takes what they describe shows in a deployment alone. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bicep, bicepMissing, compiledTemplate, infra, olderBicep, restoreBicep } from '../support/bicep.ts';
import { type BicepServer, startBicep } from '../support/bicepServer.ts';
import { deployments, readSnapshot, snapshotPath, takeSnapshot } from '../support/snapshots.ts';

const files = readdirSync(infra, { recursive: true, encoding: 'utf8' });
const sources = files.filter((file) => file.endsWith('.bicep'));
const text = (file: string) => readFileSync(join(infra, file), 'utf8');
const parameterFiles = files.filter((file) => file.endsWith('.bicepparam'));

describe.skipIf(bicepMissing() !== undefined)('the Bicep files', () => {
  let compiler: BicepServer;
  beforeAll(() => {
    compiler = startBicep(restoreBicep());
  }, 300_000);
  afterAll(() => compiler?.stop());

  it('compile', () => {
    expect(Object.keys((JSON.parse(compiledTemplate()) as { resources: object }).resources).length).toBeGreaterThan(5);
  });

  it('compile with a compiler as old as that which azd brings', () => {
    const { status, diagnostics } = bicep(olderBicep(), ['build', 'main.bicep', '--stdout']);
    expect(diagnostics.filter((line) => line.includes(' Error '))).toEqual([]);
    expect(status).toBe(0);
  });

  it('have nothing that the linter finds, but for API versions that grow old, which it prints', async () => {
    // Parameter files are linted as their snapshots are taken.
    const found = await compiler.diagnostics('main.bicep');
    const old = found.filter(({ code, level }) => code === 'use-recent-api-versions' && level === 'Warning');
    for (const version of new Set(old.flatMap(({ message }) => /Use more recent .* old,/.exec(message)?.[0] ?? [])))
      console.log(version);
    expect(found.filter((each) => !old.includes(each))).toEqual([]);
  });

  it('are formatted', async () => {
    for (const file of [...sources, ...parameterFiles]) expect(text(file), file).toBe(await compiler.formatted(file));
  });

  it.each(deployments)(
    'deploy in %s what its snapshot says; `npm run infra:snapshot` writes a new one',
    async (deployment) => {
      expect(await takeSnapshot(compiler, deployment)).toBe(readFileSync(snapshotPath(deployment), 'utf8'));
      expect(readSnapshot(deployment).diagnostics).toEqual([]);
    },
  );
});

describe('the Bicep sources', () => {
  it('use native resources alone, and no any()', () => {
    for (const file of sources) {
      expect(text(file), file).not.toMatch(/'(br|ts)[:/]/);
      expect(text(file), file).not.toMatch(/\bany\(/);
    }
  });

  it('give a reason for each suppressed warning, in the line before', () => {
    for (const file of [...sources, ...parameterFiles]) {
      const lines = text(file).split('\n');
      lines.forEach((line, index) => {
        if (line.includes('#disable-')) expect(lines[index - 1], `${file}:${index + 1}`).toMatch(/^\s*\/\/ .{20}/);
      });
    }
  });

  it('treat every rule of the linter as an error, but the one that time alone would break', () => {
    const { analyzers } = JSON.parse(text('bicepconfig.json')) as {
      analyzers: { core: { rules: Record<string, { level: string }> } };
    };
    const { 'use-recent-api-versions': recent, ...others } = analyzers.core.rules;
    expect(recent?.level).toBe('warning');
    expect(new Set(Object.values(others).map(({ level }) => level))).toEqual(new Set(['error']));
    expect(Object.keys(others).length).toBeGreaterThan(50);
  });

  it('read no variable of the environment that the workflow does not hand over', () => {
    const workflow = readFileSync(join(infra, '../.github/workflows/deploy.yml'), 'utf8');
    const read = parameterFiles.flatMap((file) => [...text(file).matchAll(/readEnvironmentVariable\('(\w+)'/g)]);
    expect(read.length).toBeGreaterThan(5);
    for (const [, name] of read) expect(workflow).toContain(`\n      ${name}: \${{ `);
  });

  // The parameters, each with its description, fill a screen of their own.
  it('are one thing each, on a screen or two', () => {
    for (const file of sources)
      expect(text(file).split('\n').length, file).toBeLessThan(file === 'main.bicep' ? 350 : 230);
  });
});
