import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

export interface TestCertificate {
  certificatePem: string;
  keyPem: string;
  /** Both, as a PFX with the password `fixture`. */
  pfx: Buffer;
}

const day = 86_400_000;

/** A self-signed RSA certificate, made for the test. */
export function selfSigned(
  name: string,
  { from = Date.now() - day, to = Date.now() + 365 * day } = {},
): TestCertificate {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keyPem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const key = forge.pki.privateKeyFromPem(keyPem);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  certificate.serialNumber = `00${Math.floor(Math.random() * 2 ** 40).toString(16)}`;
  certificate.validity.notBefore = new Date(from);
  certificate.validity.notAfter = new Date(to);
  const subject = [{ name: 'commonName', value: name }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  if (/^[\d.]+$/.test(name)) certificate.setExtensions([{ name: 'subjectAltName', altNames: [{ type: 7, ip: name }] }]);
  certificate.sign(key, forge.md.sha256.create());
  const pfx = forge.pkcs12.toPkcs12Asn1(key, [certificate], 'fixture', { algorithm: 'aes256' });
  return {
    certificatePem: forge.pki.certificateToPem(certificate),
    keyPem,
    pfx: Buffer.from(forge.asn1.toDer(pfx).getBytes(), 'binary'),
  };
}
