import {
  constants,
  createCipheriv,
  createDecipheriv,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { byName } from '../../byName.ts';
import { KeyRingError } from '../keyRingError.ts';
import { type Bytes, bytesPlace } from '../reading/descriptor.ts';
import { thumbprint } from '../reading/readKeyRing.ts';
import { encryptedSecretXml, firstElementOf, isMasterKey } from '../reading/ringXml.ts';
import { childNamed, findElements, parseSealed, SealedXml, splice, XmlFormError } from '../reading/xml.ts';
import type { LoadedCertificate } from './certificateFile.ts';
import type { KeyProtector, ProtectorVersion } from './keyProtector.ts';

/** W3C XML Encryption, as .NET's EncryptedXml writes and reads it for a certificate. */
const xmlenc = 'http://www.w3.org/2001/04/xmlenc#';
const xmldsig = 'http://www.w3.org/2000/09/xmldsig#';
const aes256 = `${xmlenc}aes256-cbc`;
const rsa15 = `${xmlenc}rsa-1_5`;
const rsaOaep = `${xmlenc}rsa-oaep-mgf1p`;
/** What EncryptedXml decrypts with, by the bytes of the content key; AES by that length alone, whatever the name says. */
const ciphers = byName<(keyBytes: number) => string>({
  [aes256]: aesOf,
  [`${xmlenc}aes192-cbc`]: aesOf,
  [`${xmlenc}aes128-cbc`]: aesOf,
  [`${xmlenc}tripledes-cbc`]: (keyBytes) => (keyBytes === 16 ? 'des-ede-cbc' : 'des-ede3-cbc'),
});
const decryptor =
  'Microsoft.AspNetCore.DataProtection.XmlEncryption.EncryptedXmlDecryptor, Microsoft.AspNetCore.DataProtection';
const blockBytes = 16;

/**
 * Protects with an X.509 certificate, as ProtectKeysWithCertificate. The first one protects, all of them unprotect
 * (UnprotectKeysWithAnyCertificate).
 */
export class CertificateProtector implements KeyProtector {
  readonly kind = 'certificate';
  readonly description: string;
  readonly #certificates: readonly LoadedCertificate[];
  readonly #first: LoadedCertificate;

  constructor(certificates: readonly [LoadedCertificate, ...LoadedCertificate[]]) {
    this.#certificates = certificates;
    this.#first = certificates[0];
    this.description = `certificate ${this.#first.thumbprint}`;
  }

  async protect(secret: SealedXml, decryptorType: string | undefined): Promise<SealedXml> {
    const contentKey = randomBytes(32);
    const iv = randomBytes(blockBytes);
    const cipher = createCipheriv('aes-256-cbc', contentKey, iv);
    const value = Buffer.concat([iv, cipher.update(secret.reveal(), 'utf8'), cipher.final()]).toString('base64');
    const content = `<EncryptedData Type="${xmlenc}Element" xmlns="${xmlenc}"><EncryptionMethod Algorithm="${aes256}" /><KeyInfo xmlns="${xmldsig}"><EncryptedKey xmlns="${xmlenc}"><EncryptionMethod Algorithm="${rsa15}" /><KeyInfo xmlns="${xmldsig}"><X509Data><X509Certificate>${this.#first.certificate.raw.toString('base64')}</X509Certificate></X509Data></KeyInfo><CipherData><CipherValue>${this.#wrap(contentKey, rsa15)}</CipherValue></CipherData></EncryptedKey></KeyInfo><CipherData><CipherValue>${value}</CipherValue></CipherData></EncryptedData>`;
    contentKey.fill(0);
    return encryptedSecretXml(decryptorType ?? decryptor, content);
  }

  async unprotect(secret: SealedXml): Promise<SealedXml> {
    const parts = read(secret);
    const contentKey = this.#unwrap(parts);
    try {
      const { bytes } = parts.value;
      const cipher = ciphers[parts.cipher]?.(contentKey.length);
      if (cipher === undefined) throw unreadable('it is encrypted by an algorithm that .NET does not have');
      const ivBytes = cipher.startsWith('aes') ? blockBytes : blockBytes / 2;
      const decipher = createDecipheriv(cipher, contentKey, bytes.subarray(0, ivBytes));
      decipher.setAutoPadding(false);
      const padded = Buffer.concat([decipher.update(bytes.subarray(ivBytes)), decipher.final()]);
      // XML Encryption: the last byte says how many bytes of padding there are; the others may be anything.
      const padding = padded.at(-1) ?? 0;
      const plain = firstElementOf(new SealedXml(padded.subarray(0, padded.length - padding).toString('utf8')));
      if (padding < 1 || padding > ivBytes || !isMasterKey(plain)) throw unreadable('its value does not decrypt');
      return plain;
    } catch (error) {
      // With a wrong key RSA 1.5 gives random bytes and no error: what it was shows only here.
      throw error instanceof KeyRingError ? error : unreadable('its value does not decrypt');
    } finally {
      contentKey.fill(0);
    }
  }

  async newest(): Promise<ProtectorVersion> {
    return versionOf(this.#first);
  }

  async versions(): Promise<ProtectorVersion[]> {
    return this.#certificates.map(versionOf);
  }

  async rewrap(secret: SealedXml): Promise<SealedXml | undefined> {
    const parts = read(secret);
    if (parts.thumbprint === this.#first.thumbprint) return undefined;
    const contentKey = this.#unwrap(parts);
    try {
      const moved = new SealedXml(
        splice(secret.reveal(), [
          { ...parts.certificate, text: this.#first.certificate.raw.toString('base64') },
          { ...parts.wrappedKey, text: this.#wrap(contentKey, parts.algorithm) },
        ]),
        secret.scope,
      );
      const again = this.#unwrap(read(moved));
      if (again.length !== contentKey.length || !timingSafeEqual(again, contentKey))
        throw unreadable('re-wrapping failed');
      return moved;
    } finally {
      contentKey.fill(0);
    }
  }

  #wrap(contentKey: Buffer, algorithm: string | undefined): string {
    return publicEncrypt(
      { key: this.#first.certificate.publicKey, padding: paddingOf(algorithm) },
      contentKey,
    ).toString('base64');
  }

  #unwrap(parts: Parts): Buffer {
    const found = this.#certificates.find(({ thumbprint: candidate }) => candidate === parts.thumbprint);
    if (!found) throw notConfigured(parts.thumbprint);
    if (!found.privateKey) {
      throw new KeyRingError(
        'certificate_without_key',
        `The private key of certificate ${found.thumbprint} is missing.`,
        'Name a PFX file, or a PEM file with the private key (keyPath): without it nobody can see whether a key can be read.',
      );
    }
    try {
      return privateDecrypt({ key: found.privateKey, padding: paddingOf(parts.algorithm) }, parts.wrappedKey.bytes);
    } catch {
      throw unreadable('its content key does not decrypt');
    }
  }
}

function versionOf({ certificate, thumbprint: id }: LoadedCertificate): ProtectorVersion {
  const from = new Date(certificate.validFrom);
  return { id, created: from, notBefore: from, expires: new Date(certificate.validTo), enabled: true };
}

function aesOf(keyBytes: number): string {
  return `aes-${keyBytes * 8}-cbc`;
}

/** EncryptedXml takes every other name for RSA 1.5, and none for it too. */
function paddingOf(algorithm: string | undefined): number {
  return algorithm === rsaOaep ? constants.RSA_PKCS1_OAEP_PADDING : constants.RSA_PKCS1_PADDING;
}

interface Parts {
  thumbprint: string;
  /** Encrypts the content. */
  cipher: string;
  /** By which the content key is wrapped. */
  algorithm: string | undefined;
  certificate: Bytes;
  wrappedKey: Bytes;
  value: Bytes;
}

/** @throws KeyRingError `key_unreadable` where the element is of another form */
function read(secret: SealedXml): Parts {
  try {
    const data = childNamed(parseSealed(secret), 'EncryptedData', xmlenc);
    const key = data && findElements(data, 'EncryptedKey', xmlenc)[0];
    const certificate = key && findElements(key, 'X509Certificate', xmldsig)[0];
    const wrappedKey = key && findElements(key, 'CipherValue', xmlenc)[0];
    const method = key && childNamed(key, 'EncryptionMethod', xmlenc)?.attributes.Algorithm;
    // The value's CipherData is a child of EncryptedData; the one found first belongs to the EncryptedKey.
    const holder = data && childNamed(data, 'CipherData', xmlenc);
    const value = holder && childNamed(holder, 'CipherValue', xmlenc);
    if (!certificate || !wrappedKey || !value) {
      throw unreadable('it is not protected with a certificate');
    }
    const place = bytesPlace(certificate);
    return {
      thumbprint: thumbprint(place.bytes),
      cipher: (data && childNamed(data, 'EncryptionMethod', xmlenc)?.attributes.Algorithm) ?? '',
      algorithm: method,
      certificate: place,
      wrappedKey: bytesPlace(wrappedKey),
      value: bytesPlace(value),
    };
  } catch (error) {
    if (error instanceof XmlFormError) throw unreadable(`it ${error.message}`);
    throw error;
  }
}

/** It may be that the apps have the certificate: whether they can read the key is open. */
function notConfigured(id: string): KeyRingError {
  return new KeyRingError(
    'key_protected_otherwise',
    `A key is protected with the certificate ${id}, which the ring's settings do not name.`,
    'Add that certificate, with its private key, to the certificates of the ring in KEY_RINGS.',
  );
}

function unreadable(reason: string): KeyRingError {
  return new KeyRingError(
    'key_unreadable',
    `The key cannot be read: ${reason}.`,
    'The key was damaged: revoke it, so that a new one is published.',
  );
}
