/**
 * Every statement that the TDS endpoint knows, those of the SQL Server adapter above all, for ordinary and hostile names,
 * before Microsoft's own parser. What the hints and options do shows on a server alone.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import * as grants from '../../src/lib/sql/sqlserver/grantStatements.ts';
import { sqlServerScript } from '../../src/lib/sql/sqlserver/grants.ts';
import * as inspection from '../../src/lib/sql/sqlserver/inspectionStatements.ts';
import * as ring from '../../src/lib/sql/sqlserver/ringStatements.ts';
import * as statements from '../../src/lib/sql/sqlserver/statements.ts';
import { maxIdentifierLength } from '../../src/lib/sql/sqlserver/tableName.ts';
import { buildDotnet, dotnet, dotnetFound, dotnetTimeLimitMs } from '../support/dotnet.ts';
import {
  adapterStatements,
  grantStatements,
  inspectionStatements,
  knownStatements,
  noStatements,
  ringStatements,
} from '../support/sqlServer/statements.ts';
import { type Names, recogniser } from '../support/sqlServer/statementTable.ts';

interface Statement {
  name: string;
  text: string;
  /** Names that must come out of the parse as they went in. */
  identifiers: string[];
}

interface Finding {
  name: string;
  grammar: string;
  line: number;
  column: number;
  number: number;
  message: string;
}

const names = [
  'TokenCache',
  'dbo',
  'IX_TokenCache_ExpiresAtTime',
  `we"ird]] na'me`,
  ']',
  '[',
  '"',
  `'`,
  'my cache',
  '-- x',
  '/* x',
  '*/',
  'a;DROP TABLE b',
  'x];DROP TABLE b --',
  'x";DROP TABLE b --',
  `x';DROP TABLE b --`,
  'two\nlines',
  'x\r\nGO\r\nDROP TABLE b',
  'a.b',
  'WHERE',
  '@table',
  '#table',
  '$&',
  'Zwischenspeicher für Zeichen 表 \u{1F511}',
  'x'.repeat(maxIdentifierLength),
  ']'.repeat(maxIdentifierLength),
  '"'.repeat(maxIdentifierLength),
  '表'.repeat(maxIdentifierLength),
];

/** A minute is the least that the adapter asks for. */
const minutes = [1, 5, 1440];

/** Each name as schema, as table and as index, beside two other names: a mix-up of the three would show. */
const roles: Names[] = names.map((table, at) => ({
  schema: names.at(at - 1) ?? '',
  table,
  index: names.at(at - 2) ?? '',
  column: names.at(at - 3) ?? '',
  minutes: minutes[at % minutes.length] ?? 1,
  sid: `0x${at.toString(16).toUpperCase().padStart(32, '0')}`,
}));

/** Each text once; it also names the statement in the report of a failure. */
function render(): Statement[] {
  const all = Object.entries(knownStatements).flatMap(([name, { renderings }]) =>
    roles.flatMap(renderings).map(({ text, identifiers }) => ({ name: `${name}: ${text}`, text, identifiers })),
  );
  return [...new Map(all.map((statement) => [statement.name, statement])).values()];
}

describe('the table of statements', () => {
  it('has an entry, with its twin, for each statement of the adapter, and no other', () => {
    expect([...Object.keys(adapterStatements), ...noStatements].sort()).toEqual(Object.keys(statements).sort());
    expect(Object.keys(inspectionStatements).sort()).toEqual(Object.keys(inspection).sort());
    expect(Object.keys(grantStatements).sort()).toEqual(Object.keys(grants).sort());
    expect(Object.keys(ringStatements).sort()).toEqual(Object.keys(ring).sort());
    for (const entry of Object.values(knownStatements)) expect(entry.answer).toBeTypeOf('function');
  });

  it('holds every function', () => {
    const functions = Object.entries(statements).filter(([, value]) => typeof value === 'function');
    expect(Object.keys(adapterStatements).sort()).toEqual(functions.map(([name]) => name).sort());
  });

  it.each(Object.entries(knownStatements))('renders %s', (_, { renderings }) => {
    const texts = roles.flatMap(renderings).map(({ text }) => text);
    expect(texts).not.toEqual([]);
    expect(texts.filter((text) => text.trim() === '' || text.includes('undefined'))).toEqual([]);
  });

  it.each(Object.entries(knownStatements))(
    'recognises %s by its whole text, for every name, and as no other',
    (name, { renderings }) => {
      const recognise = recogniser(knownStatements);
      for (const { text, flags } of roles.flatMap(renderings)) {
        expect(recognise(text)).toMatchObject({ name, flags });
        expect(recognise(`${text} `)).toBeUndefined();
        expect(recognise(text.slice(1))).toBeUndefined();
      }
    },
  );
});

describe.skipIf(!dotnetFound)("Microsoft's parser", () => {
  let program: string;
  beforeAll(() => {
    program = buildDotnet('ParseStatements');
  }, dotnetTimeLimitMs);

  function parse(input: (Omit<Statement, 'identifiers'> & Partial<Statement>)[]): Finding[] {
    return JSON.parse(dotnet([program], JSON.stringify(input))) as Finding[];
  }

  it(
    'takes every statement, and reads each name as it is',
    () => {
      expect(parse(render())).toEqual([]);
    },
    dotnetTimeLimitMs,
  );

  it('takes what `token-cache grant --print` prints, and what that runs of itself', () => {
    const id = '00112233-4455-6677-8899-AABBCCDDEEFF';
    const scripts = roles.map(({ schema, table, index }, at) => {
      const ring = [undefined, 'observe' as const, 'manage' as const][at % 3];
      const request = {
        grantees: (['app', 'consumer'] as const).map((as) => ({ name: index, id, as })),
        index: 'manage' as const,
        createTable: true,
        replace: true,
        indexName: 'IX',
        ...(ring && { ring }),
      };
      const [script] = sqlServerScript('cache', { schema, table }, request);
      return { name: `grant ${table}`, text: script?.lines.join('\n') ?? '', identifiers: [table, index] };
    });
    // A user is looked for by a string that has its name: so it is not asked for that none has.
    expect(parse(scripts).filter(({ message }) => !message.startsWith('A string holds'))).toEqual([]);
    const inner = scripts.flatMap(
      ({ text }) => /EXEC \(N'((?:[^']|'')*)'\);/.exec(text)?.[1]?.replaceAll("''", "'") ?? [],
    );
    expect(inner).toHaveLength(Math.ceil(scripts.length / 3));
    expect(parse(inner.map((text) => ({ name: text, text })))).toEqual([]);
  });

  it('reads the SID of a user as it is meant: the client id, its first groups in reverse', () => {
    const request = { index: 'observe' as const, createTable: false, replace: false, indexName: 'IX' };
    const grantees = [{ name: 'x', id: '00112233-4455-6677-8899-aabbccddeeff', as: 'consumer' as const }];
    const [script] = sqlServerScript('cache', { schema: 'dbo', table: 't' }, { ...request, grantees });
    expect(script?.lines).toContain('  CREATE USER [x] WITH SID = 0x33221100554477668899AABBCCDDEEFF, TYPE = E;');
  });

  it('refuses a wrong statement in both grammars', () => {
    const findings = parse([
      { name: 'right', text: 'SELECT 1 AS one' },
      { name: 'wrong', text: 'DELETE TOP FROM x WITH (READPASTE WHERE' },
    ]);
    expect([...new Set(findings.map(({ name, grammar }) => `${name} ${grammar}`))].sort()).toEqual([
      'wrong TSql160',
      'wrong TSql170',
    ]);
  });

  it.each([
    ['breaks out of its delimiters', 'SELECT 1 AS one FROM [x];DROP TABLE b --]', 'x];DROP TABLE b --'],
    ['stands in a string as well', `SELECT OBJECT_ID(N'[x]') AS id FROM [x]`, 'x'],
  ])('notices a name that %s, though the text parses', (_, text, name) => {
    expect(parse([{ name: 'without names', text }])).toEqual([]);
    expect(parse([{ name: 'with names', text, identifiers: [name] }]).map(({ grammar }) => grammar)).toEqual([
      'TSql160',
      'TSql170',
    ]);
  });
});
