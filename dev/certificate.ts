import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

export interface SelfSignedCertificate {
  certificatePem: string;
  keyPem: string;
}

const day = 86_400_000;

/** A new RSA certificate that nobody but its maker vouches for, by default valid from yesterday and for two years. */
export function selfSigned(
  name: string,
  { from = Date.now() - day, to = Date.now() + 730 * day } = {},
): SelfSignedCertificate {
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
  return { certificatePem: forge.pki.certificateToPem(certificate), keyPem };
}
