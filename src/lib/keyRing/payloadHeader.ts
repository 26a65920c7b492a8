/** The mark of a Data Protection payload (KeyRingBasedDataProtector: 09 F0 C9 F0), which 16 bytes of the key's id follow. */
export const payloadMark = Uint8Array.of(0x09, 0xf0, 0xc9, 0xf0);
const headerBytes = 20;
/** The first three groups of a .NET Guid are little-endian. */
const groups = [
  { from: 0, to: 4, reversed: true },
  { from: 4, to: 6, reversed: true },
  { from: 6, to: 8, reversed: true },
  { from: 8, to: 10, reversed: false },
  { from: 10, to: 16, reversed: false },
];

/** The id of the key that a payload names; undefined where it is no payload. */
export function keyIdOf(header: Uint8Array): string | undefined {
  if (header.length < headerBytes || !payloadMark.every((byte, index) => header[index] === byte)) return undefined;
  const bytes = Buffer.from(header.subarray(payloadMark.length, headerBytes));
  return groups
    .map(({ from, to, reversed }) =>
      (reversed ? bytes.subarray(from, to).reverse() : bytes.subarray(from, to)).toString('hex'),
    )
    .join('-');
}

/** The 20 bytes, in hexadecimal, with which every payload of a key begins. */
export function headerOf(keyId: string): string {
  const bytes = Buffer.from(keyId.replaceAll('-', ''), 'hex');
  for (const { from, to, reversed } of groups) if (reversed) bytes.subarray(from, to).reverse();
  return Buffer.concat([payloadMark, bytes]).toString('hex');
}
