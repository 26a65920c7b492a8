/**
 * Writes the reference at the end of docs/reference/settings.md: what each setting means, takes and has by default, from the schema, and which keywords of a
 * connection string are followed, from the lists that the .NET clients gave (`npm run keywords`).
 */
import { type ClientName, clientKeywords, clientTitles } from '../../src/lib/connectionStrings/keywords.ts';
import * as redis from '../../src/lib/redis/connectionString.ts';
import { settingForms } from '../../src/lib/settings/settings.ts';
import * as postgres from '../../src/lib/sql/postgres/connectionString.ts';
import * as sqlServer from '../../src/lib/sql/sqlserver/connectionString.ts';
import { between, code, table } from './markdown.ts';

const parsers = { sqlClient: sqlServer, npgsql: postgres, stackExchangeRedis: redis };

/** By what they concern; the first that fits. */
const groups: [title: string, names: RegExp][] = [
  ['When jobs run', /^SCHEDULE_|TIME_ZONE$/],
  ['SQL caches', /^(PURGE_(?!CONT)|EXPIRY_INDEX_|STATEMENT_|ALLOW_CLEAR)/],
  ['Redis caches', /^REDIS_/],
  ["What a web app's telemetry tells", /^APP_/],
  ['What is found', /^(FINDING_|RUNBOOK_)/],
  ['The work queue', /^(WORK_QUEUE|SERVER_|PURGE_CONT)/],
  ['Records and telemetry', /./],
];

/** docs/reference/settings.md, with every setting. */
export const withSettings = (text: string) => between(text, reference());

function reference(): string {
  const forms = Map.groupBy(settingForms(), ({ name }) => groups.find(([, names]) => names.test(name))?.[0]);
  const settings = groups.map(([title]) => {
    const rows = (forms.get(title) ?? []).map(({ name, byDefault, takes, meaning }) => [
      code(name),
      byDefault === undefined ? 'none' : code(byDefault),
      meaning,
      takes.split(': the host')[0] ?? '',
    ]);
    return `### ${title}\n\n${table(['setting', 'default', 'meaning', 'takes'], rows)}\n`;
  });
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
    '## All settings',
    '',
    ...settings,
    '## Keywords of connection strings',
    '',
    "By the clients' own names; each synonym and spelling that the client takes is taken.",
    '',
    table(['client', '', 'keywords'], clients),
    '',
  ].join('\n');
}
