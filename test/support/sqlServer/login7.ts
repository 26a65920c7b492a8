/** LOGIN7 (MS-TDS 2.2.6.4). */
import { ByteReader } from './byteReader.ts';

export interface Login7 {
  tdsVersion: number;
  user: string;
  password: string;
  database: string;
  applicationName: string;
  /** `later`: the client asks where to get a token, and sends it in a message of its own. */
  federated: { kind: 'token'; token: string } | { kind: 'later' } | undefined;
}

const at = { tdsVersion: 4, flags3: 27, user: 40, password: 44, application: 48, extension: 56, database: 68 };
const extensionUsed = 0x10;
const feature = { federated: 0x02, terminator: 0xff };
const library = { securityToken: 1 };

export function readLogin7(payload: Buffer): Login7 {
  const raw = (field: number) => {
    const start = payload.readUInt16LE(field);
    return payload.subarray(start, start + payload.readUInt16LE(field + 2) * 2);
  };
  const text = (field: number) => raw(field).toString('utf16le');
  return {
    tdsVersion: payload.readUInt32LE(at.tdsVersion),
    user: text(at.user),
    password: unscramble(raw(at.password)),
    database: text(at.database),
    applicationName: text(at.application),
    federated: payload.readUInt8(at.flags3) & extensionUsed ? readFederated(payload) : undefined,
  };
}

/** Each byte has its halves swapped, and is combined with 0xa5. */
function unscramble(bytes: Buffer): string {
  return Buffer.from(bytes.map((byte) => (((byte ^ 0xa5) << 4) & 0xf0) | ((byte ^ 0xa5) >> 4))).toString('utf16le');
}

function readFederated(payload: Buffer): Login7['federated'] {
  const features = new ByteReader(payload.subarray(payload.readUInt32LE(payload.readUInt16LE(at.extension))));
  for (let id = features.uint8(); id !== feature.terminator; id = features.uint8()) {
    const data = new ByteReader(features.bytes(features.uint32()));
    if (id !== feature.federated) continue;
    if (data.uint8() >> 1 !== library.securityToken) return { kind: 'later' };
    return { kind: 'token', token: data.text(data.uint32()) };
  }
  return undefined;
}

/** FEDAUTH token message (MS-TDS 2.2.6.3). */
export function readFederatedToken(payload: Buffer): string {
  const reader = new ByteReader(payload);
  reader.uint32();
  return reader.text(reader.uint32());
}
