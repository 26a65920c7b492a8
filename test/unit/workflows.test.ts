/** The workflows: what they may do, and whose code they run. */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../support/childProcess.ts';

const folder = join(root, '.github/workflows');
const workflows = readdirSync(folder).map((file): [string, string] => [file, readFileSync(join(folder, file), 'utf8')]);

describe.each(workflows)('%s', (file, text) => {
  it('runs actions of others by their commits, each with its version', () => {
    for (const [, action] of text.matchAll(/- uses: (.+)/g))
      expect(action).toMatch(/^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('may read, and no more than it needs', () => {
    const [, granted = ''] = /^permissions:\n((?: {2}.*\n)+)/m.exec(text) ?? [];
    const allowed = granted.split('\n').filter((line) => /^ {2}\w/.test(line));
    expect(allowed).toContain('  contents: read');
    expect(allowed.filter((line) => !/contents: read|id-token: write/.test(line))).toEqual([]);
    if (file !== 'release.yml') expect(text).not.toContain('contents: write');
  });

  it('holds no secret, and puts nothing that others write into a script', () => {
    expect(text).not.toMatch(/\$\{\{ *secrets\./);
    for (const [script] of text.matchAll(/run: \|\n(?: {10}.*\n)+/g))
      expect(script).not.toMatch(/\$\{\{ *(inputs|github\.event|github\.head_ref)/);
  });
});

it('updates of actions, packages and of each .NET project are asked for', () => {
  const text = readFileSync(join(root, '.github/dependabot.yml'), 'utf8');
  for (const ecosystem of ['npm', 'github-actions', 'nuget']) expect(text).toContain(`package-ecosystem: ${ecosystem}`);
  const [, directories = ''] = /nuget\n.*\n {4}directories: \[(.+)\]/.exec(text) ?? [];
  const projects = directories.split(', ').flatMap((directory) => globSync(`.${directory}/*.csproj`, { cwd: root }));
  const kept = globSync('test/interop/ringReader/*/*.csproj', { cwd: root });
  expect([...projects, ...kept].sort()).toEqual(globSync('test/**/*.csproj', { cwd: root }).sort());
});
