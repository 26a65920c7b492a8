import { type Parameters, sql } from './connections.ts';
import { maxIdentifierLength, quoteTable, type TableName } from './tableName.ts';

/** The parameters by which a statement finds the table in the catalogue. */
export function namesOf(name: TableName): Parameters {
  return {
    table: { type: sql.NVarChar(600), value: quoteTable(name) },
    schemaName: { type: sql.NVarChar(maxIdentifierLength), value: name.schema },
    tableName: { type: sql.NVarChar(maxIdentifierLength), value: name.table },
  };
}
