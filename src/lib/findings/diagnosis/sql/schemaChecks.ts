import { type Check, critical, type Outcome, pass, type Symptom, unknown, warning } from '../../../checks/check.ts';
import type { SchemaFacts } from '../../../sql/inspection.ts';
import { countOf } from '../../../wording.ts';
import type { SqlSubject } from '../subjects/sqlSubject.ts';

/** What is expected of a server and its table, and what to do where it is otherwise. */
interface Expected {
  columns: { name: string; type: RegExp; typeText: string; nullable: boolean }[];
  newTable: string;
  collation: string;
  /** The oldest major version that still gets corrections; 0 where the compatibility level tells more. */
  leastVersion: number;
  betterPlan: string;
}

/**
 * Columns as the libraries create them: `dotnet sql-cache create` (dotnet-sql-cache/src/SqlQueries.cs), and
 * Microsoft.Extensions.Caching.Postgres 1.2. The oldest PostgreSQL by its "Versioning Policy".
 */
const expected: Record<SqlSubject['engine'], Expected> = {
  sqlserver: {
    columns: [
      { name: 'id', type: /^nvarchar\(449\)$/, typeText: 'nvarchar(449)', nullable: false },
      { name: 'value', type: /^varbinary\(max\)$/, typeText: 'varbinary(max)', nullable: false },
      { name: 'expiresattime', type: /^datetimeoffset/, typeText: 'datetimeoffset(7)', nullable: false },
      { name: 'slidingexpirationinseconds', type: /^bigint$/, typeText: 'bigint', nullable: true },
      { name: 'absoluteexpiration', type: /^datetimeoffset/, typeText: 'datetimeoffset(7)', nullable: true },
    ],
    newTable: 'Create a new table by `dotnet sql-cache create`',
    collation: 'SQL_Latin1_General_CP1_CS_AS',
    leastVersion: 0,
    betterPlan:
      "Update the statistics of the table (UPDATE STATISTICS); force the better plan in Query Store. This tool's purge is pinned to the index. Or switch the app's own purge off.",
  },
  postgres: {
    columns: [
      { name: 'id', type: /^(character varying(\(449\))?|text)$/, typeText: 'varchar(449)', nullable: false },
      { name: 'value', type: /^bytea$/, typeText: 'bytea', nullable: false },
      { name: 'expiresattime', type: /^timestamp(\(\d\))? with time zone$/, typeText: 'timestamptz', nullable: false },
      { name: 'slidingexpirationinseconds', type: /^bigint$/, typeText: 'bigint', nullable: true },
      {
        name: 'absoluteexpiration',
        type: /^timestamp(\(\d\))? with time zone$/,
        typeText: 'timestamptz',
        nullable: true,
      },
    ],
    newTable: 'Let the library create a new table (CreateIfNotExists)',
    collation: '"C"',
    leastVersion: 14,
    betterPlan:
      "Run ANALYZE on the table, and look at the planner settings (enable_indexscan, random_page_cost). This tool's purge is pinned to the index.",
  },
};

/** SQL Server 2016: below, the statements of newer libraries are planned by rules of long ago. */
const leastCompatibility = 130;
/** Below, a scan is the right plan. */
const rowsForPlan = 10_000;

function schemaCheck(
  id: string,
  symptom: Symptom,
  judge: (facts: SchemaFacts, subject: SqlSubject) => Outcome | Promise<Outcome>,
): Check<SqlSubject> {
  return { id, symptom, timeLimitMs: 20_000, run: async (subject) => judge(await subject.schema(), subject) };
}

const leads = (columns: readonly string[], name: string) => columns[0]?.toLowerCase().replaceAll('"', '') === name;

export const schemaChecks: Check<SqlSubject>[] = [
  schemaCheck('schema-columns', 'connection', ({ columns, extras }, { engine }) => {
    const byName = new Map(columns.map((column) => [column.name.toLowerCase(), column]));
    const wrong = expected[engine].columns.flatMap(({ name, type, typeText, nullable }) => {
      const column = byName.get(name);
      if (!column) return [`${name} is missing`];
      const parts = [
        ...(type.test(column.type) ? [] : [`has the type ${column.type}, not ${typeText}`]),
        ...(column.nullable === nullable ? [] : [nullable ? 'takes no NULL' : 'takes NULL']),
      ];
      return parts.length > 0 ? [`${column.name} ${parts.join(' and ')}`] : [];
    });
    // The columns of a temporal table's period belong to that, which schema-extras tells.
    const temporal = extras?.some(({ kind }) => kind === 'temporal table') ?? false;
    const known = new Set(expected[engine].columns.map(({ name }) => name));
    const added = temporal ? [] : columns.filter(({ name }) => !known.has(name.toLowerCase()));
    wrong.push(
      ...added.flatMap(({ name, required }) =>
        required ? [`${name} was added, takes no NULL and has no default, so that no entry can be written`] : [],
      ),
    );
    const evidence = [
      { what: 'columns', value: columns.length },
      { what: 'that differ', value: wrong.length },
      { what: 'that the library does not create', value: added.length },
    ];
    if (wrong.length === 0 && added.length > 0)
      return warning({
        cause: 'columns_added',
        what: `${countOf(added.length, 'column was', 'columns were')} added to the table: ${added.map(({ name }) => name).join(', ')}.`,
        evidence,
        advice: 'Remove what nobody needs; a column that takes no NULL and has no default stops every write.',
      });
    if (wrong.length === 0) return pass('The columns are those that the library creates.', evidence);
    return critical({
      cause: 'columns_differ',
      what: `The table is not as the library creates it: ${wrong.join('; ')}.`,
      evidence,
      advice: `${expected[engine].newTable}, and let the apps use that; the entries need not be moved.`,
    });
  }),
  schemaCheck('schema-key', 'slow', ({ indexes }) => {
    const key = indexes.find(({ primary }) => primary);
    const right = key?.columns.length === 1 && leads(key.columns, 'id');
    const evidence = [{ what: 'columns of the primary key', value: key?.columns.length ?? 0 }];
    if (right) return pass('The primary key is Id.', evidence);
    return critical({
      cause: 'primary_key_differs',
      what: key
        ? `The primary key is (${key.columns.join(', ')}), not (Id).`
        : 'The table has no primary key: each read scans it, and an entry may be there twice.',
      evidence,
      advice: 'Create the table as the library does, with Id as its primary key.',
    });
  }),
  schemaCheck('schema-collation', 'prompts', ({ caseSensitive, columns }, { engine }) => {
    const collation = columns.find(({ name }) => name.toLowerCase() === 'id')?.collation ?? 'none';
    const evidence = [{ what: 'collation of Id', value: collation }];
    if (caseSensitive) return pass('Keys that differ in case are different keys.', evidence);
    return critical({
      cause: 'collation_case_insensitive',
      what: `The collation of Id (${collation}) takes keys for equal that differ in case: two users' entries can overwrite each other.`,
      evidence,
      advice: `Give Id the collation that the library creates, ${expected[engine].collation}. Simplest by a new table.`,
    });
  }),
  schemaCheck('schema-server', 'slow', ({ serverVersion, compatibilityLevel, unlogged }, { engine }) => {
    const major = Number.parseInt(serverVersion, 10);
    const evidence = [
      { what: 'server version', value: serverVersion },
      ...(compatibilityLevel === null ? [] : [{ what: 'compatibility level', value: compatibilityLevel }]),
      ...(unlogged ? [{ what: 'unlogged, as the library creates it', value: 'empty after a crash or failover' }] : []),
    ];
    if (compatibilityLevel !== null && compatibilityLevel < leastCompatibility)
      return warning({
        cause: 'compatibility_level_old',
        what: `The database has the compatibility level ${compatibilityLevel}, of before SQL Server 2016.`,
        evidence,
        advice:
          'ALTER DATABASE CURRENT SET COMPATIBILITY_LEVEL = 150 (or higher), after a look at other uses of the database.',
      });
    if (major < expected[engine].leastVersion)
      return warning({
        cause: 'server_version_old',
        what: `PostgreSQL ${serverVersion} gets no more corrections.`,
        evidence,
        advice: 'Upgrade the server.',
      });
    return pass('Server and compatibility level are current.', evidence);
  }),
  schemaCheck('schema-extras', 'slow', ({ extras, indexes }, { engine }) => {
    if (!extras)
      return unknown(
        'catalogue_unreadable',
        'The catalogue does not tell what was added to the table.',
        engine === 'sqlserver'
          ? 'GRANT VIEW DEFINITION on the table; some servers that speak TDS have no such views.'
          : 'Let the user read the catalogue (pg_catalog), as every user may by default.',
      );
    const more = indexes.filter(({ primary, columns }) => !primary && !leads(columns, 'expiresattime'));
    const names = [...extras.map(({ kind, name }) => `${kind} ${name}`), ...more.map(({ name }) => `index ${name}`)];
    const evidence = [
      { what: 'additions to the table', value: names.length },
      ...extras.slice(0, 5).map(({ kind, name }) => ({ what: kind, value: name })),
    ];
    if (names.length === 0) return pass('Nothing was added to the table.', evidence);
    const kinds = new Set([...extras.map(({ kind }) => kind), ...more.map(() => 'index')]);
    return warning({
      cause: kinds.size === 1 ? `${[...kinds][0]?.replaceAll(/[ -]/g, '_')}_added` : 'additions',
      what: `${countOf(names.length, 'thing was', 'things were')} added to the table, which each write and each purge pays for: ${names.join(', ')}.`,
      evidence,
      advice:
        'Remove what nobody needs. Copies of entries (change data capture, history tables) hold tokens, and are purged by nobody.',
    });
  }),
  schemaCheck('schema-index-use', 'growth', async (_facts, subject) => {
    const [state, { entries: total }, reading] = [
      await subject.index(),
      await subject.catalogue(),
      await subject.entries(),
    ];
    const rows = total ?? reading.entries.length;
    const expired = reading.entries.filter(({ expiresAt }) => expiresAt && expiresAt < reading.now).length;
    const share = reading.entries.length > 0 ? expired / reading.entries.length : 0;
    const evidence = [
      { what: 'rows', value: rows },
      { what: 'expired share of the sample', value: Math.round(share * 1000) / 1000 },
    ];
    if (state.kind !== 'present')
      return pass('There is no expiry index that could be used; see expiry-index.', evidence);
    // In a small table, or one that is mostly expired, the scan is the better plan.
    if (rows < rowsForPlan || share > 0.1)
      return pass('The table is too small, or too full of expired rows, for the plan to matter.', evidence);
    const plan = await (await subject.table()).inspection.deletePlan();
    if (plan.kind === 'unknown') return pass(`The library's own DELETE was not seen: ${plan.reason}.`, evidence);
    if (plan.kind === 'index') return pass(`The library's own DELETE uses the index (${plan.basis}).`, evidence);
    return warning({
      cause: 'expiry_index_not_used',
      what: `The expiry index is there, and the library's own DELETE reads the whole table all the same (${plan.basis}).`,
      evidence,
      advice: expected[subject.engine].betterPlan,
    });
  }),
];
