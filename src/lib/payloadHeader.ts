/** The mark of a Data Protection payload (KeyRingBasedDataProtector: 09 F0 C9 F0), which 16 bytes of the key's id follow. */
export const payloadMark = Uint8Array.of(0x09, 0xf0, 0xc9, 0xf0);
/** The same in hexadecimal, for statements. */
export const payloadMarkHex = Buffer.from(payloadMark).toString('hex');
const headerBytes = 20;
/** The first three groups of a .NET Guid are little-endian: turns one order of its bytes into the other, in place. */
function turned(guid: Buffer): Buffer {
  guid.subarray(0, 4).reverse();
  guid.subarray(4, 8).swap16();
  return guid;
}

/** The id of the key that a payload names; undefined where it is not a payload. */
export function keyIdOf(header: Uint8Array): string | undefined {
  if (header.length < headerBytes || !payloadMark.every((byte, index) => header[index] === byte)) return undefined;
  const guid = turned(Buffer.from(header.subarray(payloadMark.length, headerBytes))).toString('hex');
  return guid.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** The 20 bytes, in hexadecimal, with which every payload of a key begins. */
export function headerOf(keyId: string): string {
  return Buffer.concat([payloadMark, turned(Buffer.from(keyId.replaceAll('-', ''), 'hex'))]).toString('hex');
}
