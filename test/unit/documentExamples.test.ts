/** Examples in the documents: commands through the real command line, settings through the real reader. docs/tutorial.md is run as well. */
import { globSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commandLine } from '../../src/cli/program.ts';
import { Session } from '../../src/cli/session.ts';
import { readSettings, settingNames } from '../../src/lib/settings/settings.ts';
import { root } from '../support/childProcess.ts';

const paths = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).filter((path) => path !== 'CHANGELOG.md');
const texts = paths.map((path): [string, string] => [path, readFileSync(`${root}/${path}`, 'utf8')]);
const blocksOf = (text: string, kind: string) =>
  [...text.matchAll(new RegExp(`^ *\`\`\`${kind}\\n([\\s\\S]*?)^ *\`\`\`$`, 'gm'))].map(([, block = '']) => block);

/** The command line, which parses and does nothing. */
function parser(): Command {
  const quiet = (command: Command): void => {
    command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
    if (command.commands.length === 0) command.action(() => undefined);
    command.commands.forEach(quiet);
  };
  const program = commandLine(new Session(new AbortController().signal));
  quiet(program);
  return program;
}
const names = parser().commands.map((command) => command.name());

/** Where the runbook says to run a command, it leaves `token-cache` out. */
const commands = texts.flatMap(([path, text]) => {
  const inBlocks = blocksOf(text, 'sh').flatMap((block) =>
    [...block.matchAll(/(?:^|[ /])token-cache (?:-- )?([a-z].*)$/gm)].map(([, each = '']) => each.replace(/ +#.*/, '')),
  );
  const spans = [...text.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) =>
    span.replace(/^(npm run )?token-cache (-- )?/, ''),
  );
  const inText = path.startsWith('docs/runbook/') ? spans : [];
  return [...inBlocks, ...inText]
    .filter((each) => names.includes(each.split(' ')[0] ?? '') && !each.includes('…'))
    .map((each): [string, string] => [path, each]);
});

describe('the commands in the documents', () => {
  it('are found', () => {
    expect(commands.length).toBeGreaterThan(60);
  });

  it.each(commands)('%s: token-cache %s', async (_, command) => {
    // Groups of commands are named alone too.
    const group = parser().commands.find((each) => each.name() === command && each.commands.length > 0);
    if (group) return;
    const help = /--help$/.test(command);
    const parsed = parser().parseAsync(command.replaceAll('CLIENT_ID', crypto.randomUUID()).split(/ +/), {
      from: 'user',
    });
    if (help) await expect(parsed).rejects.toMatchObject({ code: 'commander.helpDisplayed' });
    else await parsed;
  });
});

describe('the settings in the documents', () => {
  const lists = texts.flatMap(([path, text]) =>
    blocksOf(text, 'json').map((block): [string, string] => [path, block.replaceAll('GUID', crypto.randomUUID())]),
  );

  it.each(lists)('%s: a list is one that is read', (_, block) => {
    const rings = block.includes('"protector"');
    const named = [...block.matchAll(/"engine": "(\w+)", "connectionStringSetting": "(\w+)"/g)];
    const engines = new Map(named.map(([, engine, setting]) => [setting, engine]));
    const strings = [...block.matchAll(/"connectionStringSetting": "(\w+)"/g)].map(([, setting = '']) => [
      setting,
      engines.get(setting) === 'sqlserver'
        ? 'Server=h;Database=d;User ID=u;Password=p'
        : 'Host=h;Database=d;Username=u',
    ]);
    const given = rings
      ? { TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Database=d;Username=u', KEY_RINGS: block }
      : { TOKEN_CACHES: block, ...Object.fromEntries(strings) };
    expect(readSettings(given, 'file').problems).toEqual([]);
  });

  const assigned = texts.flatMap(([path, text]) =>
    [...text.matchAll(/\b([A-Z_]{6,})=('[^'\n]+'|[^\s`'"…&]+)/g)]
      .filter(([, name = '']) => (settingNames as string[]).includes(name) || name === 'TOKEN_CACHE_CONNECTION_STRING')
      .map(([, name = '', value = '']): [string, string, string] => [path, name, value.replaceAll("'", '')]),
  );
  it.each(assigned)('%s: %s=%s', (_, name, value) => {
    expect(assigned.length).toBeGreaterThan(8);
    const connection = { TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Database=d;Username=u' };
    const { problems } = readSettings({ ...connection, [name]: value }, 'file');
    expect(problems.filter(({ setting }) => setting === name)).toEqual([]);
  });
});
