import type { Command } from 'commander';
import { commandLine } from '../../src/cli/program.ts';
import { Session } from '../../src/cli/session.ts';
import { between, code, table } from './markdown.ts';

/** docs/reference/command-line.md, with every command and its options. */
export function withCommands(text: string): string {
  const program = commandLine(new Session(new AbortController().signal));
  return between(text, program.commands.flatMap((each) => sections(each, each.name())).join('\n\n'));
}

function sections(command: Command, path: string): string[] {
  if (command.commands.length > 0) return command.commands.flatMap((each) => sections(each, `${path} ${each.name()}`));
  const rows = command.options.map(({ flags, description, mandatory }) => [
    code(flags),
    `${description}${mandatory ? ' (needed)' : ''}`,
  ]);
  return [`## ${path}\n\n${command.description()}\n\n${table(['option', 'what'], rows)}`];
}
