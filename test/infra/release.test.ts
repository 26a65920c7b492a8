/** A release as its maintainer makes it: the commit and tag in a repository of the test's own, the files from this checkout. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bicepMissing } from '../support/bicep.ts';
import { root, run } from '../support/childProcess.ts';

describe('npm run release', () => {
  let repository: string;
  const git = (...args: string[]) => execFileSync('git', args, { cwd: repository, encoding: 'utf8' }).trim();
  const release = (...args: string[]) => run(join(repository, 'scripts/release.ts'), args);
  const read = (name: string) => readFile(join(repository, name), 'utf8');

  beforeEach(async () => {
    repository = await mkdtemp(join(tmpdir(), 'token-cache-release-'));
    for (const name of ['scripts', 'README.md', 'package.json', 'package-lock.json'])
      await cp(join(root, name), join(repository, name), { recursive: true });
    await writeFile(join(repository, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n\n- A new thing.\n');
    git('init', '--quiet');
    git('config', 'user.name', 'test');
    git('config', 'user.email', 'test@example.com');
    git('add', '.');
    git('commit', '--quiet', '--message', 'Start');
  });
  afterEach(() => rm(repository, { recursive: true }));

  it('commits the version and its changelog, and tags it', async () => {
    const { code, stdout, stderr } = await release('7.0.0');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('- A new thing.');
    expect(git('describe', '--tags')).toBe('v7.0.0');
    expect(git('status', '--porcelain')).toBe('');
    expect(JSON.parse(await read('package.json'))).toMatchObject({ version: '7.0.0' });
    expect(JSON.parse(await read('package-lock.json'))).toMatchObject({
      version: '7.0.0',
      packages: { '': { version: '7.0.0' } },
    });
    expect(await read('CHANGELOG.md')).toMatch(/## Unreleased\n\n## 7\.0\.0 \(\d{4}-\d\d-\d\d\)\n\n- A new thing\./);
    // There is nothing to release a second time.
    expect(await release('7.0.1')).toMatchObject({ code: 1, stderr: expect.stringContaining('Unreleased') });
  });

  it('changes nothing in a dry run', async () => {
    expect(await release('7.0.0', '--dry-run')).toMatchObject({ code: 0, stderr: '' });
    expect(git('status', '--porcelain')).toBe('');
    expect(git('tag', '--list')).toBe('');
  });

  it.each([[''], ['7.0'], ['v7.0.0'], ['0.0.1'], ['7.0.0', '8.0.0']])('refuses %s %s', async (...args) => {
    const { code, stderr } = await release(...args.filter((arg) => arg !== undefined));
    expect(code).toBe(1);
    expect(stderr).toMatch(/Usage|not newer/);
    expect(git('tag', '--list')).toBe('');
  });

  it('refuses a checkout with changes', async () => {
    await writeFile(join(repository, 'README.md'), 'changed');
    expect(await release('7.0.0')).toMatchObject({ code: 1, stderr: expect.stringContaining('has changes') });
  });
});

describe.skipIf(bicepMissing() !== undefined)('npm run release:files', () => {
  const folder = join(root, 'dist/release');
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('makes the zip, the template, the list of packages and their checksums', { timeout: 180_000 }, async () => {
    const { code, stderr } = await run('scripts/releaseFiles.ts', []);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { name, version, dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    const read = (file: string) => readFile(join(folder, file));
    const lines = (await read('SHA256SUMS')).toString().trim().split('\n');
    const sums = new Map(lines.map((line) => line.split('  ').reverse() as [string, string]));
    expect([...sums.keys()]).toEqual(
      expect.arrayContaining(['NOTES.md', 'azuredeploy.json', 'sbom.cdx.json', `${name}-${version}.zip`]),
    );
    for (const [file, sum] of sums)
      expect(
        createHash('sha256')
          .update(await read(file))
          .digest('hex'),
      ).toBe(sum);
    expect(JSON.parse((await read('azuredeploy.json')).toString()).resources).not.toEqual([]);
    const { components } = JSON.parse((await read('sbom.cdx.json')).toString()) as { components: { name: string }[] };
    const listed = new Set(components.map((component) => component.name));
    expect(Object.keys(dependencies).filter((dependency) => !listed.has(dependency))).toEqual([]);
    expect(['vitest', 'azurite', '@biomejs/biome'].filter((developed) => listed.has(developed))).toEqual([]);
  });

  it('refuses the tag of another version', async () => {
    const { code, stderr } = await run('scripts/releaseFiles.ts', ['--tag', 'v99.0.0']);
    expect(code).toBe(1);
    expect(stderr).toContain('v99.0.0');
  });
});
