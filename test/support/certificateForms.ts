import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto';
import type { TestCertificate } from './certificates.ts';
import { masterKey } from './ringForms.ts';

/** Forms of a master key that a certificate protects (W3C XML Encryption), as .NET writes it and otherwise. Nothing here says what .NET makes of them. */

const xmlenc = 'http://www.w3.org/2001/04/xmlenc#';
const xmldsig = 'http://www.w3.org/2000/09/xmldsig#';
const dp = 'http://schemas.asp.net/2015/03/dataProtection';
const decryptor = 'Microsoft.AspNetCore.DataProtection.XmlEncryption.EncryptedXmlDecryptor';

interface Parts {
  /** Named as node does, and as XML Encryption. */
  cipher: [name: string, algorithm: string, keyBytes: number, blockBytes: number];
  wrapping: [padding: number, algorithm: string];
  certificate: TestCertificate;
  content: string;
}

const algorithms: Parts['cipher'][] = [
  ['aes-128-cbc', `${xmlenc}aes128-cbc`, 16, 16],
  ['aes-192-cbc', `${xmlenc}aes192-cbc`, 24, 16],
  ['aes-256-cbc', `${xmlenc}aes192-cbc`, 32, 16],
  ['des-ede3-cbc', `${xmlenc}tripledes-cbc`, 24, 8],
  ['aes-256-cbc', `${xmlenc}aes256-cbc#`, 32, 16],
  ['aes-256-cbc', '', 32, 16],
];
const usualCipher: Parts['cipher'] = ['aes-256-cbc', `${xmlenc}aes256-cbc`, 32, 16];
const oaep: Parts['wrapping'] = [constants.RSA_PKCS1_OAEP_PADDING, `${xmlenc}rsa-oaep-mgf1p`];
const usualWrapping: Parts['wrapping'] = [constants.RSA_PKCS1_PADDING, `${xmlenc}rsa-1_5`];
const wrappings: Parts['wrapping'][] = [
  oaep,
  [constants.RSA_PKCS1_PADDING, oaep[1]],
  [constants.RSA_PKCS1_OAEP_PADDING, usualWrapping[1]],
  [constants.RSA_PKCS1_PADDING, `${xmlenc}rsa-2`],
];

function protectedBy({ cipher, wrapping, certificate, content }: Parts): string {
  const [name, algorithm, keyBytes, blockBytes] = cipher;
  const [padding, wrapAlgorithm] = wrapping;
  const contentKey = randomBytes(keyBytes);
  const iv = randomBytes(blockBytes);
  const encryption = createCipheriv(name, contentKey, iv);
  const value = Buffer.concat([iv, encryption.update(content, 'utf8'), encryption.final()]).toString('base64');
  const wrapped = publicEncrypt({ key: certificate.certificatePem, padding }, contentKey).toString('base64');
  const raw = certificate.certificatePem.replaceAll(/-----.*-----|\s/g, '');
  return `<encryptedSecret decryptorType="${decryptor}, Microsoft.AspNetCore.DataProtection" xmlns="${dp}"><EncryptedData Type="${xmlenc}Element" xmlns="${xmlenc}"><EncryptionMethod Algorithm="${algorithm}" /><KeyInfo xmlns="${xmldsig}"><EncryptedKey xmlns="${xmlenc}"><EncryptionMethod Algorithm="${wrapAlgorithm}" /><KeyInfo xmlns="${xmldsig}"><X509Data><X509Certificate>${raw}</X509Certificate></X509Data></KeyInfo><CipherData><CipherValue>${wrapped}</CipherValue></CipherData></EncryptedKey></KeyInfo><CipherData><CipherValue>${value}</CipherValue></CipherData></EncryptedData></encryptedSecret>`;
}

/** Changes of what .NET writes. */
const changes: ((xml: string) => string)[] = [
  (xml) => xml,
  (xml) => xml.replace(', Microsoft.AspNetCore.DataProtection"', '"'),
  (xml) =>
    xml.replace(
      'DataProtection"',
      'DataProtection, Version=11.0.0.0, Culture=neutral, PublicKeyToken=adb9793829ddae60"',
    ),
  (xml) => xml.replaceAll(/=+<\/CipherValue>/g, '</CipherValue>'),
  (xml) => xml.replaceAll('CipherValue>', 'CipherValue>\n  '),
  (xml) => xml.replace(/(<CipherValue>.{20})/, '$1\n'),
  (xml) => xml.replace(/(<CipherValue>.{20})/, '$1!'),
  (xml) => xml.replace(/(.*<CipherValue>.{20})/s, '$1\n'),
  (xml) => xml.replace(/(.*<CipherValue>.{20})/s, '$1!'),
  (xml) => xml.replaceAll('+', '-').replaceAll(/(?<=<CipherValue>[^<]*)\//g, '_'),
  (xml) => xml.replace(/(<CipherValue>)[^<]*/, '$1'),
  (xml) => xml.replace(/(.*<CipherValue>)[^<]*/s, '$1'),
  (xml) => xml.replace(/<CipherData>.*?<\/CipherData>/s, ''),
  (xml) => xml.replace(/(<X509Certificate>.{20})/, '$1\n'),
  (xml) => xml.replace(/(<X509Certificate>.{20})/, '$1!'),
  (xml) => xml.replace(/<X509Certificate>[^<]*/, '<X509Certificate>'),
  (xml) => xml.replace(/<X509Data>.*<\/X509Data>/s, ''),
  (xml) => xml.replace(/<X509Data>.*<\/X509Data>/s, '<KeyName>somebody</KeyName>'),
  (xml) => xml.replace(/<X509Data>/, '<KeyName>somebody</KeyName><X509Data>'),
  (xml) => xml.replace(/(<X509Certificate>.*<\/X509Certificate>)/s, '$1$1'),
  (xml) => xml.replace(/<EncryptedKey .*<\/EncryptedKey>/s, '$&$&'),
  (xml) => xml.replace(/<EncryptedKey .*<\/EncryptedKey>/s, ''),
  (xml) => xml.replace(/<EncryptionMethod [^>]*>/, ''),
  (xml) => xml.replace(/(.*)<EncryptionMethod [^>]*>/s, '$1'),
  (xml) => xml.replace(/ Type="[^"]*"/, ''),
  (xml) => xml.replace(/ Type="[^"]*"/, ` Type="${xmlenc}Content"`),
  (xml) => xml.replace(/ Type="[^"]*"/, ' Type="urn:x"'),
  (xml) =>
    xml
      .replaceAll(/<(\/?)(Enc|Cipher)/g, '<$1e:$2')
      .replaceAll('xmlns="http://www.w3.org/2001/04', 'xmlns:e="http://www.w3.org/2001/04'),
  (xml) => xml.replaceAll(xmlenc, 'http://www.w3.org/2009/xmlenc11#'),
  (xml) => xml.replace('<EncryptedData', '<EncryptedDatum').replace('</EncryptedData', '</EncryptedDatum'),
  (xml) => xml.replaceAll('><', '>\n    <'),
  (xml) => xml.replaceAll('><', '><!-- note --><'),
  (xml) => xml.replace('<EncryptedData ', '<EncryptedData Id="one" '),
  (xml) => xml.replace(/<CipherValue>([^<]*)/, '<CipherValue><![CDATA[$1]]>'),
  (xml) => xml.replace(/(<KeyInfo.*<\/KeyInfo>)(<CipherData>.*<\/CipherData>)(<\/EncryptedData>)/s, '$2$1$3'),
  (xml) =>
    xml.replace(
      '</EncryptedData>',
      '<EncryptionProperties><EncryptionProperty /></EncryptionProperties></EncryptedData>',
    ),
];

/** From a master key's bytes to the element that holds it, for mutatedRing. `other` is a certificate that nobody has. */
export function certificateForms(known: TestCertificate, other: TestCertificate): ((base64: string) => string)[] {
  const form =
    (parts: Partial<Parts> = {}, content: (base64: string) => string = masterKey) =>
    (base64: string) =>
      protectedBy({
        cipher: usualCipher,
        wrapping: usualWrapping,
        certificate: known,
        content: content(base64),
        ...parts,
      });
  return [
    ...changes.map((change) => (base64: string) => change(form()(base64))),
    ...algorithms.map((cipher) => form({ cipher })),
    ...wrappings.map((wrapping) => form({ wrapping })),
    form({ certificate: other }),
    form({}, () => 'no XML'),
    form({}, (base64) => `<wrap>${masterKey(base64)}</wrap>`),
    form({}, (base64) => masterKey(base64).repeat(2)),
    form({}, (base64) => `<?xml version="1.0"?>${masterKey(base64)}`),
    form({}, (base64) => ` ${masterKey(base64)}\n`),
    form({}, (base64) => `\ufeff${masterKey(base64)}`),
    form({}, (base64) => masterKey(`${base64}=`)),
    form({}, (base64) => `<masterKey><value>${base64}</value></masterKey>`),
    form({}, () => ''),
    // The values of the two ciphers, each of another key.
    (base64) =>
      form()(base64).replace(
        /(.*<CipherValue>)[^<]*/s,
        (_, head) => head + (/.*<CipherValue>([^<]*)/s.exec(form()(base64))?.[1] ?? ''),
      ),
  ];
}
