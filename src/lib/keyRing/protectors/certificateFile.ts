import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import forge from 'node-forge';
import type { Secret } from '../../secret.ts';
import { KeyRingError } from '../keyRingError.ts';
import { isAbort, Patience } from '../patience.ts';
import { thumbprint } from '../reading/readKeyRing.ts';

/** A certificate, with its private key where the file has it. */
export interface LoadedCertificate {
  certificate: X509Certificate;
  thumbprint: string;
  privateKey: KeyObject | undefined;
}

export interface CertificateFile {
  path: string;
  /** A PEM file of its own with the private key; undefined where the first file has both. */
  keyPath?: string | undefined;
  password?: Secret | undefined;
}

/**
 * Reads a certificate from a PFX or PEM file. Node.js opens a PFX, but hands out no private key of it: node-forge does.
 * @throws KeyRingError `certificate_unreadable`
 */
export async function loadCertificate(
  { path, keyPath, password }: CertificateFile,
  // A mount that hangs has no end of its own.
  patience = new Patience(),
): Promise<LoadedCertificate> {
  try {
    const bytes = await patience.ask(() => readFile(path));
    const passphrase = password?.reveal() ?? '';
    const keyBytes = keyPath ? await patience.ask(() => readFile(keyPath)) : bytes;
    const { certificatePem, privateKeyPem } = isPem(bytes)
      ? { certificatePem: bytes.toString('latin1'), privateKeyPem: privateKeyIn(keyBytes.toString('latin1')) }
      : readPfx(bytes, passphrase);
    const certificate = new X509Certificate(certificatePem);
    const privateKey = privateKeyPem === undefined ? undefined : createPrivateKey({ key: privateKeyPem, passphrase });
    if (certificate.publicKey.asymmetricKeyType !== 'rsa') throw new Error('not an RSA certificate');
    if (privateKey && !certificate.checkPrivateKey(privateKey))
      throw new Error('the private key is of another certificate');
    return { certificate, thumbprint: thumbprint(certificate.raw), privateKey };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = { ENOENT: 'there is no such file', EACCES: 'it may not be read' };
    const reason = isAbort(error) ? 'it could not be read in time' : reasons[code ?? ''];
    throw new KeyRingError(
      'certificate_unreadable',
      `The certificate ${path} cannot be used: ${reason ?? 'it is not a PFX or PEM file with an RSA certificate and its key, or the password is wrong'}.`,
      "Correct the certificate's path, keyPath or passwordSetting in KEY_RINGS.",
    );
  }
}

function isPem(bytes: Buffer): boolean {
  return bytes.includes('-----BEGIN ');
}

function privateKeyIn(pem: string): string | undefined {
  return /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[\s\S]+?-----END (?:[A-Z]+ )*PRIVATE KEY-----/.exec(pem)?.[0];
}

function readPfx(bytes: Buffer, password: string): { certificatePem: string; privateKeyPem: string | undefined } {
  const asn1 = forge.asn1.fromDer(forge.util.createBuffer(bytes.toString('binary')));
  const pfx = forge.pkcs12.pkcs12FromAsn1(asn1, password);
  const bags = (type: string) => pfx.getBags({ bagType: type })[type] ?? [];
  const { certBag = '', pkcs8ShroudedKeyBag = '', keyBag = '' } = forge.pki.oids;
  const key = [...bags(pkcs8ShroudedKeyBag), ...bags(keyBag)].find((bag) => bag.key);
  const certificates = bags(certBag).flatMap(({ cert }) => cert ?? []);
  const leaf = certificates.find((candidate) => key?.key && belongTogether(candidate, key.key)) ?? certificates[0];
  if (!leaf) throw new Error('no certificate');
  return {
    certificatePem: forge.pki.certificateToPem(leaf),
    privateKeyPem: key?.key ? forge.pki.privateKeyToPem(key.key) : undefined,
  };
}

/** A PFX may hold a chain: the certificate of the key is the one with its modulus. */
function belongTogether(certificate: forge.pki.Certificate, key: forge.pki.PrivateKey): boolean {
  const ours = (certificate.publicKey as forge.pki.rsa.PublicKey).n;
  const theirs = (key as forge.pki.rsa.PrivateKey).n;
  return ours !== undefined && theirs !== undefined && ours.compareTo(theirs) === 0;
}
