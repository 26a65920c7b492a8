import sql from 'mssql';

/** Named parameters of a statement, each with its type: a guessed type would cost the index. */
export type Parameters = Record<string, { type: sql.ISqlType | (() => sql.ISqlType); value: unknown }>;

export const int = (value: number) => ({ type: sql.Int, value });
export const bigint = (value: number) => ({ type: sql.BigInt, value });
export const text = (length: number, value: string) => ({ type: sql.NVarChar(length), value });
/** The table's delimited name, by which the catalogue is asked. */
export const named = (table: string): Parameters => ({ table: text(600, table) });
export const key = (value: string | null) => ({ type: sql.NVarChar(449), value });
export const expiry = (value: Date) => ({ type: sql.DateTimeOffset(7), value });
export const bytes = (value: Uint8Array) => ({ type: sql.VarBinary(20), value: Buffer.from(value) });
