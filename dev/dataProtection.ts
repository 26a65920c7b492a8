import { createCipheriv, createHmac, randomBytes } from 'node:crypto';

/** A key of a Data Protection ring, with its secret of 64 bytes. */
export interface ProtectionKey {
  id: string;
  masterKey: Buffer;
}

const magic = Buffer.from('09f0c9f0', 'hex');
const encryptionBytes = 32;
const validationBytes = 32;
const blockBytes = 16;

/**
 * Protects as ASP.NET Core Data Protection does with its default algorithms, AES-256-CBC and HMACSHA256, for apps that have
 * the same purposes, of which the first is the application's name. ManagedAuthenticatedEncryptor.cs and
 * KeyRingBasedDataProtector.cs of aspnetcore; a payload of .NET's is made anew in test/unit/dataProtection.test.ts.
 */
export function protect(
  key: ProtectionKey,
  purposes: readonly string[],
  plain: Buffer,
  random: (bytes: number) => Buffer = randomBytes,
): Buffer {
  const header = Buffer.concat([magic, guidBytes(key.id)]);
  const label = Buffer.concat([header, uint32(purposes.length), ...purposes.map(lengthAndText)]);
  const modifier = random(16);
  const iv = random(blockBytes);
  const [encryptionKey, validationKey] = deriveKeys(key.masterKey, label, Buffer.concat([contextHeader, modifier]));
  const encrypted = Buffer.concat([iv, encrypt(encryptionKey, iv, plain)]);
  return Buffer.concat([header, modifier, encrypted, hmac('sha256', validationKey, encrypted)]);
}

/** NIST SP800-108 in counter mode with HMACSHA512, whose 64 bytes are both keys: one round. */
function deriveKeys(secret: Buffer, label: Buffer, context: Buffer): [Buffer, Buffer] {
  const bits = uint32((encryptionBytes + validationBytes) * 8);
  const keys = hmac('sha512', secret, Buffer.concat([uint32(1), label, Buffer.from([0]), context, bits]));
  return [keys.subarray(0, encryptionBytes), keys.subarray(encryptionBytes)];
}

/** Names the algorithms: their sizes, and what they make of nothing. */
const contextHeader = (() => {
  const none = Buffer.alloc(0);
  const [encryptionKey, validationKey] = deriveKeys(none, none, none);
  return Buffer.concat([
    Buffer.from([0, 0]),
    ...[encryptionBytes, blockBytes, validationBytes, validationBytes].map(uint32),
    encrypt(encryptionKey, Buffer.alloc(blockBytes), none),
    hmac('sha256', validationKey, none),
  ]);
})();

function encrypt(key: Buffer, iv: Buffer, plain: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  return Buffer.concat([cipher.update(plain), cipher.final()]);
}

function hmac(algorithm: string, key: Buffer, bytes: Buffer): Buffer {
  return createHmac(algorithm, key).update(bytes).digest();
}

/** .NET writes the first three groups with the lowest byte first. */
function guidBytes(id: string): Buffer {
  const bytes = Buffer.from(id.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** BinaryWriter's strings: their length in groups of 7 bits, then their UTF-8. */
function lengthAndText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}
