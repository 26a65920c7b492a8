/**
 * Every statement of the SQL Server adapter, for ordinary and hostile names, before Microsoft's own parser. It knows hints
 * and options that Babelfish does not; what they do shows on a server alone.
 */
import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import * as statements from '../../src/lib/sqlCache/sqlServer/statements.ts';
import { maxIdentifierLength, quoteIdentifier, quoteTable } from '../../src/lib/sqlCache/sqlServer/tableName.ts';

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

interface Names {
  schema: string;
  table: string;
  index: string;
}

type Rendering = (names: Names) => Omit<Statement, 'name'>[];

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

const fixed =
  (statement: () => string): Rendering =>
  () => [{ text: statement(), identifiers: [] }];

/** The type admits the table's name and flags alone: a value that went into the text would not compile. */
const ofTable =
  (statement: (t: string, ...flags: boolean[]) => string): Rendering =>
  ({ schema, table }) =>
    combinations(statement.length - 1).map((flags) => ({
      text: statement(quoteTable({ schema, table }), ...flags),
      identifiers: [schema, table],
    }));

const ofIndex =
  <A>(statement: (t: string, name: string, argument: A) => string, given: readonly A[]): Rendering =>
  ({ schema, table, index }) =>
    given.map((argument) => ({
      text: statement(quoteTable({ schema, table }), quoteIdentifier(index), argument),
      identifiers: [schema, table, index],
    }));

function combinations(flags: number): boolean[][] {
  return Array.from({ length: 2 ** flags }, (_, bits) =>
    Array.from({ length: flags }, (_, flag) => (bits & (1 << flag)) !== 0),
  );
}

/** A minute is the least that the adapter asks for. */
const minutes = [1, 5, 1440];

/** What serverTraits.ts can make of a server: offline, 2017 and before, 2019, 2022 and the cloud. */
const builds = [
  { online: false, resumable: false, lowPriority: false },
  { online: true, resumable: false, lowPriority: false },
  { online: true, resumable: true, lowPriority: false },
  { online: true, resumable: true, lowPriority: true },
].flatMap((build) => minutes.map((maxMinutes) => ({ ...build, maxMinutes })));

/** Exports that are no statements; `sample` is rendered for each share. */
const noStatements = ['sampleShares'] as const;

const renderings: Record<Exclude<keyof typeof statements, (typeof noStatements)[number]>, Rendering> = {
  traits: fixed(statements.traits),
  clock: ofTable(statements.clock),
  tryLock: fixed(statements.tryLock),
  unlock: fixed(statements.unlock),
  lockMode: fixed(statements.lockMode),
  nextRange: ofTable(statements.nextRange),
  deleteRange: ofTable(statements.deleteRange),
  nextKeyRange: ofTable(statements.nextKeyRange),
  deleteKeyRange: ofTable(statements.deleteKeyRange),
  resourceStats: fixed(statements.resourceStats),
  lockWaits: fixed(statements.lockWaits),
  indexState: fixed(statements.indexState),
  resumableBuilds: fixed(statements.resumableBuilds),
  createIndex: ofIndex(statements.createIndex, builds),
  resumeIndex: ofIndex(statements.resumeIndex, minutes),
  rebuildIndex: ofIndex(statements.rebuildIndex, [false, true]),
  catalogue: fixed(statements.catalogue),
  catalogueWithoutStats: fixed(statements.catalogueWithoutStats),
  countUpTo: ofTable(statements.countUpTo),
  countByHeader: ofTable(statements.countByHeader),
  oldestExpiry: ofTable(statements.oldestExpiry),
  sample: ({ schema, table }) =>
    statements.sampleShares.map((share) => ({
      text: statements.sample(quoteTable({ schema, table }), share),
      identifiers: [schema, table],
    })),
};

/** Each name as schema, as table and as index, beside two other names: a mix-up of the three would show. */
const roles: Names[] = names.map((table, at) => ({
  schema: names.at(at - 1) ?? '',
  table,
  index: names.at(at - 2) ?? '',
}));

/** Each text once; it also names the statement in the report of a failure. */
function render(): Statement[] {
  const all = Object.entries(renderings).flatMap(([name, rendering]) =>
    roles.flatMap(rendering).map((rendered) => ({ name: `${name}: ${rendered.text}`, ...rendered })),
  );
  return [...new Map(all.map((statement) => [statement.name, statement])).values()];
}

describe('the table of renderings', () => {
  it('has an entry for each export of the module, and no other', () => {
    expect([...Object.keys(renderings), ...noStatements].sort()).toEqual(Object.keys(statements).sort());
  });

  it('holds every function', () => {
    const functions = Object.entries(statements).filter(([, value]) => typeof value === 'function');
    expect(Object.keys(renderings).sort()).toEqual(functions.map(([name]) => name).sort());
  });

  it.each(Object.entries(renderings))('renders %s', (_, rendering) => {
    const texts = roles.flatMap(rendering).map(({ text }) => text);
    expect(texts).not.toEqual([]);
    expect(texts.filter((text) => text.trim() === '' || text.includes('undefined'))).toEqual([]);
  });
});

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
