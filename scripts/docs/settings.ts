/**
 * Writes the reference at the end of docs/reference/settings.md: what each setting takes and has by default, from the schema, and which keywords of a
 * connection string are followed, from the lists that the .NET clients gave (`npm run keywords`).
 */
import { type ClientName, clientKeywords, clientTitles } from '../../src/lib/connectionStrings/keywords.ts';
import * as redis from '../../src/lib/redis/connectionString.ts';
import { settingForms } from '../../src/lib/settings/settings.ts';
import * as postgres from '../../src/lib/sql/postgres/connectionString.ts';
import * as sqlServer from '../../src/lib/sql/sqlserver/connectionString.ts';
import { between, code, table } from './markdown.ts';

const parsers = { sqlClient: sqlServer, npgsql: postgres, stackExchangeRedis: redis };

/** docs/reference/settings.md, with what each setting takes and has by default. */
export const withSettings = (text: string) => between(text, reference());

function reference(): string {
  const settings = settingForms().map(({ name, byDefault, takes }) => [
    code(name),
    byDefault === undefined ? 'none' : code(byDefault),
    takes.split(': the host')[0] ?? '',
  ]);
  const clients = Object.entries(parsers).flatMap(([client, { followed, notFollowed }]) => {
    const all = Object.keys(clientKeywords[client as ClientName]);
    const others = all.filter((name) => !followed.includes(name) && !(name in notFollowed));
    const listed = (names: readonly string[]) => names.map(code).join(', ');
    return [
      [clientTitles[client as ClientName], 'followed', listed(all.filter((name) => followed.includes(name)))],
      ['', 'told as a warning where they matter', listed(all.filter((name) => name in notFollowed))],
      ['', 'without a meaning here', listed(others)],
    ];
  });
  return [
    '## What each setting takes',
    '',
    table(['setting', 'default', 'takes'], settings),
    '',
    '## Keywords of connection strings',
    '',
    "By the clients' own names; each synonym and spelling that the client takes is taken.",
    '',
    table(['client', '', 'keywords'], clients),
    '',
  ].join('\n');
}
