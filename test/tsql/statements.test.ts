/**
 * Every statement that the TDS endpoint knows, those of the SQL Server adapter above all, for ordinary and hostile names,
 * before Microsoft's own parser. What the hints and options do shows on a server alone.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as inspection from '../../src/lib/sql/sqlserver/inspectionStatements.ts';
import * as statements from '../../src/lib/sql/sqlserver/statements.ts';
import { maxIdentifierLength } from '../../src/lib/sql/sqlserver/tableName.ts';
import { root } from '../support/childProcess.ts';
import {
  adapterStatements,
  inspectionStatements,
  knownStatements,
  noStatements,
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
  minutes: minutes[at % minutes.length] ?? 1,
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

/** A concatenation of T-SQL strings, with each function and variable put in. */
function rendered(piece: string): string {
  return [
    ...piece.matchAll(
      /N'((?:[^']|'')*)'|QUOTENAME\((@\w+)\)|CONVERT\((?:[^()]|\([^()]*(?:\([^()]*\))?[^()]*\))*\)|@qualified/g,
    ),
  ]
    .map(([whole, text]) => {
      if (text !== undefined) return text.replaceAll("''", "'");
      if (whole.startsWith('CONVERT')) return '0x00112233445566778899AABBCCDDEEFF';
      return whole === '@qualified' ? '[dbo].[TokenCache]' : '[name]';
    })
    .join('');
}

const dotnetFound = spawnSync('dotnet', ['--version']).status === 0;
if (!dotnetFound) console.log('dotnet is not installed: the T-SQL statements are not parsed');

describe.skipIf(!dotnetFound)("Microsoft's parser", () => {
  const timeLimitMs = 300_000;

  function dotnet(args: string[], input = ''): string {
    const { error, status, stdout, stderr } = spawnSync('dotnet', args, {
      cwd: import.meta.dirname,
      env: { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: '1', DOTNET_NOLOGO: '1' },
      encoding: 'utf8',
      input,
      maxBuffer: 64 * 1024 * 1024,
      timeout: timeLimitMs,
    });
    if (error) throw error;
    if (status !== 0) throw new Error(`dotnet ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
    return stdout;
  }

  function parse(input: (Omit<Statement, 'identifiers'> & Partial<Statement>)[]): Finding[] {
    const output = dotnet(['run', '--no-build', '--configuration', 'Release'], JSON.stringify(input));
    return JSON.parse(output) as Finding[];
  }

  // Built apart, so that stdout holds the findings alone. A build server would outlive the test and keep its pipes open.
  beforeAll(() => {
    dotnet(['build', '--configuration', 'Release', '--disable-build-servers']);
  }, timeLimitMs);

  it(
    'takes every statement, and reads each name as it is',
    () => {
      expect(parse(render())).toEqual([]);
    },
    timeLimitMs,
  );

  it('takes the statements of the deployment script', () => {
    const text = readFileSync(join(root, 'infra/scripts/sqlUser.sql'), 'utf8');
    expect(parse([{ name: 'sqlUser.sql', text }])).toEqual([]);
    // What it runs is put together: each piece as it comes out for a table of an ordinary name.
    const pieces = [...text.matchAll(/SET @statement = (.*?;)\s+EXEC/gs)].map(([, piece = '']) => rendered(piece));
    expect(pieces.length).toBeGreaterThan(6);
    expect(parse(pieces.map((piece) => ({ name: piece, text: piece })))).toEqual([]);
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
