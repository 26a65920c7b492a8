import forge from 'node-forge';
import { selfSigned as makeCertificate, type SelfSignedCertificate } from '../../dev/certificate.ts';
import { type LoadedCertificate, loadCertificate } from '../../src/lib/keyRing/protectors/certificateFile.ts';
import { Secret } from '../../src/lib/secret.ts';

export interface TestCertificate extends SelfSignedCertificate {
  /** Certificate and key, as a PFX with the password `fixture`. */
  pfx: Buffer;
}

/** A self-signed RSA certificate, made for the test. */
export function selfSigned(name: string, validity: { from?: number; to?: number } = {}): TestCertificate {
  const made = makeCertificate(name, validity);
  const [key, certificate] = [
    forge.pki.privateKeyFromPem(made.keyPem),
    forge.pki.certificateFromPem(made.certificatePem),
  ];
  const pfx = forge.pkcs12.toPkcs12Asn1(key, [certificate], 'fixture', { algorithm: 'aes256', count: 1 });
  return { ...made, pfx: Buffer.from(forge.asn1.toDer(pfx).getBytes(), 'binary') };
}

/** A PFX, with the password that all of the tests have. */
export function loadPfx({ path }: { path: string }): Promise<LoadedCertificate> {
  return loadCertificate({ path, password: new Secret('fixture') });
}
