/** Writers of the tokens of a response (MS-TDS 2.2.7). */
import { type ColumnType, collation, encodeValue, typeInfo, type Value } from './types.ts';

export interface Column {
  name: string;
  type: ColumnType;
}

/** An error as the server reports it. */
export interface ServerError {
  number: number;
  message: string;
  /** Severity; 14 for rights, 16 for what a user can correct, 17 to 19 for resources, from 20 the connection ends. */
  severity?: number;
  state?: number;
}

const serverName = 'tds-endpoint';
export const doneStatus = { final: 0x00, more: 0x01, error: 0x02, count: 0x10, attention: 0x20 };

const uint16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};
const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const shortText = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'utf16le')]);
const longText = (text: string) => Buffer.concat([uint16(text.length), Buffer.from(text, 'utf16le')]);
const token = (id: number, body: Buffer) => Buffer.concat([Buffer.from([id]), uint16(body.length), body]);

export function loginAck(tdsVersion: number): Buffer {
  const version = Buffer.alloc(4);
  version.writeUInt32BE(tdsVersion);
  return token(
    0xad,
    Buffer.concat([Buffer.from([1]), version, shortText('Microsoft SQL Server'), Buffer.from([16, 0, 0x10, 0x00])]),
  );
}

/** Database (1), language (2) and packet size (4) as text. */
export function environmentChange(type: 1 | 2 | 4, value: string, former: string): Buffer {
  return token(0xe3, Buffer.concat([Buffer.from([type]), shortText(value), shortText(former)]));
}

/** The collation of the database (7), which some clients write their texts in. */
export function collationChange(): Buffer {
  return token(0xe3, Buffer.concat([Buffer.from([7, collation.length]), collation, Buffer.from([0])]));
}

/** A transaction begins (8), is committed (9) or rolled back (10), by its descriptor. */
export function transactionChange(step: 'begin' | 'commit' | 'rollback'): Buffer {
  const type = { begin: 8, commit: 9, rollback: 10 }[step];
  const descriptor = Buffer.from([8, 1, 0, 0, 0, 0, 0, 0, 0]);
  const none = Buffer.from([0]);
  const values = step === 'begin' ? [descriptor, none] : [none, descriptor];
  return token(0xe3, Buffer.concat([Buffer.from([type]), ...values]));
}

function report(id: number, { number, message, severity = 16, state = 1 }: ServerError): Buffer {
  return token(
    id,
    Buffer.concat([
      uint32(number),
      Buffer.from([state, severity]),
      longText(message),
      shortText(serverName),
      shortText(''),
      uint32(1),
    ]),
  );
}

export const error = (report_: ServerError) => report(0xaa, report_);
export const info = (number: number, message: string) => report(0xab, { number, message, severity: 0 });

function done(id: number, status: number, count: number | undefined): Buffer {
  const bytes = Buffer.alloc(13);
  bytes.writeUInt8(id);
  bytes.writeUInt16LE(status | (count === undefined ? 0 : doneStatus.count), 1);
  bytes.writeBigUInt64LE(BigInt(count ?? 0), 5);
  return bytes;
}

/** The end of a batch, of a procedure, and of a statement within one. */
export const doneBatch = (status: number, count?: number) => done(0xfd, status, count);
export const doneProcedure = (status: number) => done(0xfe, status, undefined);
export const doneInProcedure = (status: number, count?: number) => done(0xff, status, count);

export const returnStatus = (value: number) => Buffer.concat([Buffer.from([0x79]), uint32(value)]);

export function columnMetadata(columns: readonly Column[]): Buffer {
  const nullable = uint16(0x0001);
  return Buffer.concat([
    Buffer.from([0x81]),
    uint16(columns.length),
    ...columns.flatMap(({ name, type }) => [uint32(0), nullable, typeInfo(type), shortText(name)]),
  ]);
}

/** A row; one with nulls in the compressed form, as SQL Server sends it. */
export function row(columns: readonly Column[], values: readonly Value[]): Buffer {
  const cells = columns.flatMap(({ type }, index) => {
    const value = values[index] ?? null;
    return value === null ? [] : [encodeValue(type, value)];
  });
  if (cells.length === columns.length) return Buffer.concat([Buffer.from([0xd1]), ...cells]);
  const bitmap = Buffer.alloc(Math.ceil(columns.length / 8));
  columns.forEach((_, index) => {
    const byte = index >> 3;
    if ((values[index] ?? null) === null) bitmap.writeUInt8(bitmap.readUInt8(byte) | (1 << (index & 7)), byte);
  });
  return Buffer.concat([Buffer.from([0xd2]), bitmap, ...cells]);
}

/** Where the client gets its token for this server: the authority and the resource. */
export function federatedInfo(authority: string, resource: string): Buffer {
  const texts = [
    [1, Buffer.from(authority, 'utf16le')],
    [2, Buffer.from(resource, 'utf16le')],
  ] as const;
  let at = 4 + texts.length * 9;
  const heads: Buffer[] = [];
  for (const [id, text] of texts) {
    heads.push(Buffer.from([id]), uint32(text.length), uint32(at));
    at += text.length;
  }
  const body = Buffer.concat([uint32(texts.length), ...heads, ...texts.map(([, text]) => text)]);
  return Buffer.concat([Buffer.from([0xee]), uint32(body.length), body]);
}

/** Federated authentication (2) is acknowledged with nothing, UTF-8 (10) with yes. */
export function featureAck(federated: boolean): Buffer {
  return Buffer.concat([
    Buffer.from([0xae]),
    ...(federated ? [Buffer.from([2]), uint32(0)] : []),
    Buffer.from([10]),
    uint32(1),
    Buffer.from([1, 0xff]),
  ]);
}
