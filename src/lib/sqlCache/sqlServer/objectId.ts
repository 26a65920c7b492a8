/**
 * The table's id by its parameters. OBJECT_ID reads the delimited name; Babelfish's does not read every one, so the name
 * is then looked up by its parts.
 */
export const objectId = `COALESCE(OBJECT_ID(@table), (
  SELECT TOP (1) t.object_id
  FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id
  WHERE s.name = @schemaName AND t.name = @tableName))`;
