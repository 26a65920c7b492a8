/**
 * `npm run release -- VERSION`: the release commit and its tag, from a clean checkout; `--dry-run` says what it would do.
 * Pushing the tag starts the workflow `release`, which runs `npm run release:files` and publishes them.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sectionOf, withRelease } from './changelog.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
const usage = 'Usage: npm run release -- VERSION [--dry-run], such as 1.2.0';

try {
  const { version, dryRun } = readArguments();
  const { version: present } = JSON.parse(read('package.json')) as { version: string };
  if (git('status', '--porcelain') !== '') throw new Error('The checkout has changes. Commit or stash them first.');
  if (git('tag', '--list', `v${version}`) !== '') throw new Error(`The tag v${version} is there already.`);
  if (!isNewer(version, present))
    throw new Error(`${version} is not newer than ${present}, the version of package.json.`);
  const changelog = withRelease(read('CHANGELOG.md'), version, new Date().toISOString().slice(0, 10));
  console.log(`${present} → ${version}\n\n${sectionOf(changelog, version)}\n`);
  if (dryRun) {
    console.log(`Dry run: nothing was changed. Without --dry-run this is committed and tagged as v${version}.`);
  } else {
    writeFileSync(join(root, 'CHANGELOG.md'), changelog);
    for (const name of ['package.json', 'package-lock.json']) setVersion(name, version);
    writeFileSync(join(root, 'README.md'), withRepository(read('README.md')));
    git('add', 'CHANGELOG.md', 'README.md', 'package.json', 'package-lock.json');
    git('commit', '--quiet', '--message', `Release ${version}`);
    git('tag', '--annotate', `v${version}`, '--message', `Release ${version}`);
    console.log(`Committed, and tagged as v${version}. Publish it: git push --follow-tags`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function readArguments(): { version: string; dryRun: boolean } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'dry-run': { type: 'boolean', default: false } },
  });
  const [version = '', ...surplus] = positionals;
  if (!/^\d+\.\d+\.\d+$/.test(version) || surplus.length > 0) throw new Error(usage);
  return { version, dryRun: values['dry-run'] };
}

function isNewer(version: string, present: string): boolean {
  return version.localeCompare(present, 'en', { numeric: true }) > 0;
}

/** The links of "Deploy to Azure" lead to the repository on GitHub that is released, where `origin` names one. */
function withRepository(readme: string): string {
  const [, owner, name] =
    /^origin\s\S*github\.com[:/]([\w.-]+)\/([\w.-]+?)(?:\.git)?\s/m.exec(git('remote', '-v')) ?? [];
  if (!owner || !name) return readme;
  return readme.replace(/(raw\.githubusercontent\.com%2F)[\w.-]+%2F[\w.-]+(?=%2Fdeploy%2F)/g, `$1${owner}%2F${name}`);
}

/** The lock file has it twice: of the package, and of the root among all packages. */
function setVersion(name: string, version: string): void {
  const content = JSON.parse(read(name)) as { version: string; packages?: Record<string, { version?: string }> };
  content.version = version;
  if (content.packages?.['']) content.packages[''].version = version;
  writeFileSync(join(root, name), `${JSON.stringify(content, undefined, 2)}\n`);
}
