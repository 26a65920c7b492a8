/** SQL batches and calls of sp_executesql (MS-TDS 2.2.6.7 and 2.2.6.6). */
import { ByteReader } from './byteReader.ts';
import { readParameter, type Value } from './types.ts';

export type Parameters = Record<string, Value>;

export interface StatementRequest {
  text: string;
  parameters: Parameters;
  /** In a procedure, such as sp_executesql, a SET lasts until it returns; in a batch, as long as the session. */
  inProcedure: boolean;
}

const executeSql = 10;

export function readBatch(payload: Buffer): StatementRequest {
  return { text: withoutHeaders(payload).toString('utf16le'), parameters: {}, inProcedure: false };
}

/** @throws where another procedure is called */
export function readCall(payload: Buffer): StatementRequest {
  const reader = new ByteReader(withoutHeaders(payload));
  const nameLength = reader.uint16();
  if (nameLength !== 0xffff || reader.uint16() !== executeSql) throw new Error('a procedure other than sp_executesql');
  reader.uint16();
  const values: [string, Value][] = [];
  while (!reader.ended) {
    const name = reader.shortText();
    reader.uint8();
    values.push([name.replace(/^@/, ''), readParameter(reader)]);
  }
  const [[, text] = ['', ''], , ...parameters] = values;
  return { text: String(text), parameters: Object.fromEntries(parameters), inProcedure: true };
}

export type TransactionStep = 'begin' | 'commit' | 'rollback';

/** By the request types of MS-TDS 2.2.6.9. @throws for one that the driver does not send */
export function readTransactionStep(payload: Buffer): TransactionStep {
  const type = withoutHeaders(payload).readUInt16LE();
  const step = ({ 5: 'begin', 7: 'commit', 8: 'rollback' } as const)[type];
  if (!step) throw new Error(`a transaction request of type ${type}`);
  return step;
}

function withoutHeaders(payload: Buffer): Buffer {
  return payload.subarray(payload.readUInt32LE(0));
}
