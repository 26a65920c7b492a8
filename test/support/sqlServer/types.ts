/** The types of the cache table and of the adapter's parameters, as they go over the wire (MS-TDS 2.2.5.4 to 2.2.5.6). */
import type { ByteReader } from './byteReader.ts';

/** Points in time are in 100 ns since the year 1, in UTC: all that `datetimeoffset(7)` keeps. */
export type Value = string | number | bigint | boolean | Buffer | null;

export type ColumnType =
  | 'bit'
  | 'int'
  | 'bigint'
  | 'decimal'
  | 'nvarchar'
  | 'nvarcharMax'
  | 'varbinaryMax'
  | 'datetime2'
  | 'datetimeoffset';

const id = {
  intN: 0x26,
  bitN: 0x68,
  decimalN: 0x6a,
  datetime2: 0x2a,
  datetimeoffset: 0x2b,
  varbinary: 0xa5,
  nvarchar: 0xe7,
};
/** SQL_Latin1_General_CP1_CS_AS: LCID 1033, case sensitive, sort order 51. */
export const collation = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x33]);
const ticksPerDay = 864_000_000_000n;
const plpNull = 0xffff_ffff_ffff_ffffn;
const plpUnknown = 0xffff_ffff_ffff_fffen;
const plpChunk = 3_000;

export function typeInfo(type: ColumnType): Buffer {
  switch (type) {
    case 'bit':
      return Buffer.from([id.bitN, 1]);
    case 'int':
      return Buffer.from([id.intN, 4]);
    case 'bigint':
      return Buffer.from([id.intN, 8]);
    case 'decimal':
      return Buffer.from([id.decimalN, 5, 5, 2]);
    case 'nvarchar':
      return Buffer.concat([Buffer.from([id.nvarchar, 0x40, 0x1f]), collation]);
    case 'nvarcharMax':
      return Buffer.concat([Buffer.from([id.nvarchar, 0xff, 0xff]), collation]);
    case 'varbinaryMax':
      return Buffer.from([id.varbinary, 0xff, 0xff]);
    case 'datetime2':
      return Buffer.from([id.datetime2, 7]);
    case 'datetimeoffset':
      return Buffer.from([id.datetimeoffset, 7]);
  }
}

/** A value in a row; PostgreSQL's driver gives large numbers as text. Nulls stand in the bitmap of an NBCROW alone. */
export function encodeValue(type: ColumnType, value: Exclude<Value, null>): Buffer {
  switch (type) {
    case 'bit':
      return Buffer.from([1, value === true || value === 1 ? 1 : 0]);
    case 'int': {
      const bytes = Buffer.from([4, 0, 0, 0, 0]);
      bytes.writeInt32LE(Number(value), 1);
      return bytes;
    }
    case 'bigint': {
      const bytes = Buffer.from([8, 0, 0, 0, 0, 0, 0, 0, 0]);
      bytes.writeBigInt64LE(BigInt(String(value)), 1);
      return bytes;
    }
    case 'decimal': {
      const bytes = Buffer.from([5, 1, 0, 0, 0, 0]);
      bytes.writeUInt32LE(Math.round(Number(value) * 100), 2);
      return bytes;
    }
    case 'nvarchar': {
      const text = Buffer.from(String(value), 'utf16le');
      const length = Buffer.alloc(2);
      length.writeUInt16LE(text.length);
      return Buffer.concat([length, text]);
    }
    case 'nvarcharMax':
      return plp(Buffer.from(String(value), 'utf16le'));
    case 'varbinaryMax':
      return plp(value as Buffer);
    case 'datetime2':
      return Buffer.concat([Buffer.from([8]), timeAndDate(BigInt(String(value)))]);
    case 'datetimeoffset':
      return Buffer.concat([Buffer.from([10]), timeAndDate(BigInt(String(value))), Buffer.alloc(2)]);
  }
}

/** Partially length-prefixed: a total, then chunks, as SQL Server sends `max` types. */
function plp(value: Buffer): Buffer {
  const total = Buffer.alloc(8);
  total.writeBigUInt64LE(BigInt(value.length));
  const parts: Buffer[] = [total];
  for (let start = 0; start < value.length; start += plpChunk) {
    const chunk = value.subarray(start, start + plpChunk);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(chunk.length);
    parts.push(length, chunk);
  }
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

function timeAndDate(ticks: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUIntLE(Number(ticks % ticksPerDay), 0, 5);
  bytes.writeUIntLE(Number(ticks / ticksPerDay), 5, 3);
  return bytes;
}

/** Reads a parameter's type and value. @throws for a type that the adapter does not use: it would have no twin */
export function readParameter(reader: ByteReader): Value {
  const type = reader.uint8();
  switch (type) {
    case id.intN: {
      reader.uint8();
      const length = reader.uint8();
      if (length === 0) return null;
      return length === 8 ? reader.bytes(8).readBigInt64LE() : reader.bytes(length).readIntLE(0, length);
    }
    case id.bitN:
      reader.uint8();
      return reader.uint8() === 0 ? null : reader.uint8() === 1;
    case id.datetimeoffset: {
      if (reader.uint8() !== 7) throw new Error('a datetimeoffset that is not (7)');
      if (reader.uint8() === 0) return null;
      const time = BigInt(reader.uint(5));
      const days = BigInt(reader.uint(3));
      reader.uint16();
      return days * ticksPerDay + time;
    }
    case id.nvarchar: {
      const limit = reader.uint16();
      reader.bytes(collation.length);
      return readSized(reader, limit)?.toString('utf16le') ?? null;
    }
    case id.varbinary:
      return readSized(reader, reader.uint16());
    default:
      throw new Error(`a parameter of type 0x${type.toString(16)}`);
  }
}

function readSized(reader: ByteReader, limit: number): Buffer | null {
  if (limit !== 0xffff) {
    const length = reader.uint16();
    return length === 0xffff ? null : reader.bytes(length);
  }
  const total = reader.uint64();
  if (total === plpNull) return null;
  const chunks: Buffer[] = [];
  for (let length = reader.uint32(); length > 0; length = reader.uint32()) chunks.push(reader.bytes(length));
  const value = Buffer.concat(chunks);
  if (total !== plpUnknown && total !== BigInt(value.length))
    throw new Error('a PLP value of another length than it says');
  return value;
}
