/**
 * Writes the reference at the end of docs/reference/settings.md: what each setting takes and has by default, from the schema, and which keywords of a
 * connection string are followed, from the lists that the .NET clients gave (`npm run keywords`).
 */
import { type ClientName, clientKeywords, clientTitles } from '../../src/lib/connectionStrings/keywords.ts';
import * as redis from '../../src/lib/redis/connectionString.ts';
import { settingForms } from '../../src/lib/settings/settings.ts';
import * as postgres from '../../src/lib/sql/postgres/connectionString.ts';
import * as sqlServer from '../../src/lib/sql/sqlserver/connectionString.ts';

const begin = '<!-- From here on written by `npm run docs`. -->';
const parsers = { sqlClient: sqlServer, npgsql: postgres, stackExchangeRedis: redis };

/** The text of docs/reference/settings.md with the reference as it should be. */
export function withReference(text: string): string {
  const [own = ''] = text.split(begin);
  return `${own.trimEnd()}\n\n${begin}\n\n${reference()}`;
}

function reference(): string {
  const code = (text: string) => `\`${text}\``;
  const row = (...cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const settings = settingForms().map(({ name, byDefault, takes }) =>
    row(code(name), byDefault === undefined ? 'none' : code(byDefault), takes.split(': the host')[0] ?? ''),
  );
  const clients = Object.entries(parsers).flatMap(([client, { followed, notFollowed }]) => {
    const all = Object.keys(clientKeywords[client as ClientName]);
    const others = all.filter((name) => !followed.includes(name) && !(name in notFollowed));
    const listed = (names: readonly string[]) => names.map(code).join(', ');
    return [
      row(clientTitles[client as ClientName], 'followed', listed(all.filter((name) => followed.includes(name)))),
      row('', 'told as a warning where they matter', listed(all.filter((name) => name in notFollowed))),
      row('', 'without a meaning here', listed(others)),
    ];
  });
  return [
    '## What each setting takes',
    '',
    row('setting', 'default', 'takes'),
    row('---', '---', '---'),
    ...settings,
    '',
    '## Keywords of connection strings',
    '',
    "By the clients' own names; each synonym and spelling that the client takes is taken.",
    '',
    row('client', '', 'keywords'),
    row('---', '---', '---'),
    ...clients,
    '',
  ].join('\n');
}
