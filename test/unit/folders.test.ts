/** Which folders of the source may know which: a cycle makes of two folders one, and nobody can tell where a line belongs. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../support/childProcess.ts';

const source = join(root, 'src');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const textOf = (file: string) => readFileSync(join(source, file), 'utf8');

/** A folder of `src/lib`, or `functions` or `cli`; a file that lies in `src/lib` itself stands for itself. */
function roomOf(file: string): string {
  const [first = '', second = ''] = file.split('/');
  return first === 'lib' ? second : first;
}

const imports = files.flatMap((file) =>
  [...textOf(file).matchAll(/(?:from|import\()\s*'([^']+)'/g)].map(([, target = '']) => ({
    file,
    target: target.startsWith('.') ? relative(source, join(source, dirname(file), target)) : target,
    isOwn: target.startsWith('.'),
  })),
);
const own = imports.filter(({ isOwn }) => isOwn);

const known = new Map<string, Set<string>>();
for (const { file, target } of own) {
  const [from, to] = [roomOf(file), roomOf(target)];
  if (from !== to) known.set(from, (known.get(from) ?? new Set()).add(to));
}

/** The way from a room back to itself, if there is one. */
function cycleAt(start: string): string[] | undefined {
  const open: string[][] = [[start]];
  const seen = new Set<string>();
  for (let way = open.shift(); way; way = open.shift()) {
    for (const next of known.get(way.at(-1) ?? '') ?? []) {
      if (next === start) return [...way, next];
      if (!seen.has(next)) open.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}

const inLib = ({ file }: { file: string }) => file.startsWith('lib/');

describe('the folders of the source', () => {
  it('import each other without a cycle', () => {
    expect(own.length).toBeGreaterThan(500);
    expect([...known.keys()].flatMap((room) => cycleAt(room)?.join(' → ') ?? [])).toEqual([]);
  });

  it('in src/lib know neither @azure/functions nor the functions and the command line', () => {
    expect(imports.filter(inLib).filter(({ target }) => /^(@azure\/functions|functions\/|cli\/)/.test(target))).toEqual(
      [],
    );
  });

  it('keep functions and command line apart', () => {
    expect(known.get('functions')).not.toContain('cli');
    expect(known.get('cli')).not.toContain('functions');
  });

  it('of the domains know nothing of settings, which know them', () => {
    const domains = ['azure', 'telemetry', 'sql', 'redis', 'keyRing', 'queue', 'runs'];
    expect(domains.filter((room) => known.get(room)?.has('settings'))).toEqual([]);
    const others = own.filter(
      ({ file, target }) => /^lib\/(findings|checks|pages)\//.test(file) && roomOf(target) === 'settings',
    );
    expect(others.filter(({ target }) => target !== 'lib/settings/problems.ts')).toEqual([]);
  });
});

describe('the environment of the process', () => {
  it('is looked at in src/lib/settings alone, and given what a library takes from nowhere else', () => {
    const lines = files
      .filter((file) => !file.startsWith('lib/settings/'))
      .flatMap((file) =>
        textOf(file)
          .split('\n')
          .map((line) => `${file}: ${line.trim()}`),
      )
      .filter((line) => /process\s*\.\s*env|process\[|\benv\b.*from 'node:process'/.test(line));
    expect(
      lines.filter(
        (line) => !/^lib\/telemetry\/azureMonitor\.ts: process\.env\.\w+ (\?\?)?= (?!.*process\.env)/.test(line),
      ),
    ).toEqual([]);
  });
});

describe('connection strings and names of tables', () => {
  it('are parsed in src/lib/settings alone', () => {
    const users = own
      .filter(({ file, target }) => roomOf(file) !== 'settings' && /(connectionString|tableName)\.ts$/.test(target))
      .filter(({ file }) => /\bparse(ConnectionString|TableName)\b/.test(textOf(file)));
    expect(users).toEqual([]);
  });
});
