/**
 * Writes the reference at the end of docs/reference/settings.md: what each setting means, takes and has by default, from the schema, and which keywords of a
 * connection string are followed, from the lists that the .NET clients gave (`npm run keywords`).
 */
import { type ClientName, clientKeywords, clientTitles } from '../../src/lib/connectionStrings/keywords.ts';
import * as redis from '../../src/lib/redis/connectionString.ts';
import { cacheForms } from '../../src/lib/settings/cacheSettings.ts';
import type { SettingForm } from '../../src/lib/settings/forms.ts';
import { keyRingForms } from '../../src/lib/settings/keyRingEntry.ts';
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

const defaultOf = ({ byDefault, isNeeded }: SettingForm) =>
  byDefault !== undefined ? code(byDefault) : isNeeded ? 'none, needed' : 'none';

/** The tables of the fields within TOKEN_CACHES and KEY_RINGS. */
function fieldTables(): string[] {
  const caches = cacheForms().map((form) => [
    code(form.name),
    form.own ? code(form.own) : '',
    defaultOf(form),
    form.meaning,
    form.takes,
  ]);
  const rings = keyRingForms().flatMap(({ kind, forms }) =>
    (forms.length === 0 ? [undefined] : forms).map((form, index) => [
      index === 0 ? kind : '',
      form ? code(form.name) : '',
      form ? defaultOf(form) : '',
      form?.meaning ?? 'Keys stay in plain text. Each run warns.',
      form?.takes ?? '',
    ]),
  );
  const heads = ['default', 'meaning', 'takes'];
  return [
    `### A cache\n\n${table(['field of `TOKEN_CACHES`', 'setting of the one cache', ...heads], caches)}\n`,
    `### A key ring\n\n${table(['of', 'field', ...heads], rings)}\n`,
  ];
}

function reference(): string {
  const forms = Map.groupBy(settingForms(), ({ name }) => groups.find(([, names]) => names.test(name))?.[0]);
  const settings = groups.map(([title]) => {
    const rows = (forms.get(title) ?? []).map((form) => [
      code(form.name),
      defaultOf(form),
      form.meaning,
      form.takes.split(': the host')[0] ?? '',
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
    ...fieldTables(),
    ...settings,
    '## Keywords of connection strings',
    '',
    "By the clients' own names; each synonym and spelling that the client takes is taken.",
    '',
    table(['client', '', 'keywords'], clients),
    '',
  ].join('\n');
}
