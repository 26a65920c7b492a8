/** The table of a key ring, as Entity Framework makes it. */
import * as statements from '../../../../src/lib/sql/sqlserver/ringStatements.ts';
import { quoteTable } from '../../../../src/lib/sql/sqlserver/tableName.ts';
import { command, fixed, nowTicks, ofTable, select } from '../entry.ts';
import type { Call, Names } from '../statementTable.ts';

/** The table for copies is another one of the same schema: it takes the place of the index. */
const withCopies = (statement: (t: string, copies: string) => string) => (names: Names) => {
  const { schema, table, index } = names;
  return [
    {
      text: statement(quoteTable(names), quoteTable({ schema, table: index })),
      identifiers: [schema, table, index],
      flags: [],
    },
  ];
};
const copiesOf = ({ table, index }: Call) => `${table.slice(0, table.lastIndexOf('"."') + 1)}.${index}`;

const rowColumns = [
  { name: 'id', type: 'int' },
  { name: 'friendlyName', type: 'nvarcharMax' },
  { name: 'xml', type: 'nvarcharMax' },
] as const;

export const ringTwins = {
  ringRows: select(
    ofTable(statements.ringRows),
    [{ name: 'now', type: 'datetime2' }, ...rowColumns],
    ({ table }) =>
      `select ${nowTicks}, r.* from (select) as o left join (select "Id", "FriendlyName", "Xml" from ${table}) as r on true order by 2`,
  ),

  /** The ranges that HOLDLOCK locks are the whole table's here. */
  lockRing: {
    renderings: ofTable(statements.lockRing),
    answer: async (call: Call) => {
      await call.query(`lock table ${call.table} in share row exclusive mode`);
      return {
        columns: [...rowColumns],
        rows: await call.query(`select "Id", "FriendlyName", "Xml" from ${call.table} order by 1`),
      };
    },
  },

  insertElement: command(
    ofTable(statements.insertElement),
    ({ table }) => `insert into ${table} ("FriendlyName", "Xml") values (@name, @xml)`,
  ),
  updateElement: command(
    ofTable(statements.updateElement),
    ({ table }) => `update ${table} set "Xml" = @xml where "Id" = @id`,
  ),
  deleteElement: command(ofTable(statements.deleteElement), ({ table }) => `delete from ${table} where "Id" = @id`),

  tableThere: select(
    fixed(statements.tableThere),
    [{ name: 'there', type: 'bit' }],
    () => 'select to_regclass(@relation) is not null',
  ),
  createCopies: command(
    ofTable(statements.createCopies),
    ({ table }) =>
      `create table ${table} ("CopiedAt" text not null, "Id" int not null, "FriendlyName" text null, "Xml" text null)`,
  ),
  copyRing: command(
    withCopies(statements.copyRing),
    (call) => `insert into ${copiesOf(call)} select @copiedAt, "Id", "FriendlyName", "Xml" from ${call.table}`,
  ),
};
