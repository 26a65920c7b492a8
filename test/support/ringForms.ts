import { randomBytes } from 'node:crypto';

/**
 * Forms in which the parts of a ring occur or are broken: what `mutatedRing` puts into real rings. Nothing here says what
 * .NET makes of a form.
 */

const day = 86_400_000;
const dp = 'http://schemas.asp.net/2015/03/dataProtection';
const model = 'Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel.';
const usual = `${model}AuthenticatedEncryptorDescriptorDeserializer`;
const xmlEncryption = 'Microsoft.AspNetCore.DataProtection.XmlEncryption.';

/** Offsets from the present, at and beside the limits of the rule. */
export const offsets = [
  0,
  1,
  -1,
  299_999,
  300_000,
  300_001,
  -300_000,
  2 * day,
  2 * day - 1,
  -2 * day,
  3 * day,
  3 * day - 1,
];

export const dates: ((time: number) => string)[] = [
  (time) => iso(time).toLowerCase(),
  (time) => iso(time).replace('Z', 'z'),
  (time) => iso(time).replace('T', ' '),
  (time) => iso(time).replace('Z', '+0200'),
  (time) => iso(time).replace('Z', '+02:00'),
  (time) => iso(time).replace('Z', '-00:00'),
  (time) => iso(time).replace('Z', '+14:00'),
  (time) => iso(time).replace('Z', '-14:01'),
  (time) => iso(time).replace('Z', '+99:99'),
  (time) => iso(time).replace('Z', ' Z'),
  (time) => iso(time).replace('Z', ''),
  (time) => iso(time).replace(/:\d\d\.\d+Z/, 'Z'),
  (time) => iso(time).replace('.', ','),
  (time) => iso(time).replace(/\.\d+Z/, '.Z'),
  (time) => iso(time).replace(/\.\d+Z/, '.123456749Z'),
  (time) => iso(time).replace(/\.\d+Z/, '.12345675Z'),
  (time) => iso(time).replace(/\.\d+Z/, '.12345665Z'),
  (time) => iso(time).replace(/\.\d+Z/, '.9999999999Z'),
  (time) => iso(time).slice(0, 10),
  (time) => `${iso(time).slice(0, 10)}Z`,
  (time) => `${iso(time).slice(0, 10)}+02:00`,
  (time) => iso(time).slice(0, 7),
  (time) => iso(time).slice(0, 4),
  (time) => `--${iso(time).slice(5, 10)}`,
  (time) => `---${iso(time).slice(8, 10)}`,
  (time) => `--${iso(time).slice(5, 7)}`,
  (time) => `--${iso(time).slice(5, 7)}--`,
  (time) => `${iso(time).slice(0, 10)}T24:00:00Z`,
  (time) => `${iso(time).slice(0, 10)}T24:00:01Z`,
  (time) => `${iso(time).slice(0, 10)}T23:59:60Z`,
  (time) => ` \n\t${iso(time)} `,
  (time) => `\u00a0${iso(time)}`,
  (time) => iso(time).replace('T', '<!-- between -->T'),
  (time) => `<![CDATA[${iso(time)}]]>`,
  (time) => `<value>${iso(time)}</value>`,
  (time) => iso(time).replace('T', '&#x54;'),
  () => '9999-12-31T23:59:59.9999999Z',
  () => '9999-12-31T23:54:59.9999999Z',
  () => '9999-12-31T23:55:00Z',
  () => '9999-12-31T23:59:59.9999999-00:01',
  () => '10000-01-01T00:00:00Z',
  () => '0001-01-01T00:00:00Z',
  () => '0001-01-01T00:00:00+00:01',
  () => '0000-01-01T00:00:00Z',
  () => '2026-02-30T00:00:00Z',
  () => '2028-02-29T00:00:00Z',
  () => '-2026-01-01T00:00:00Z',
  () => '',
  () => 'soon',
];

export const ids: ((id: string) => string)[] = [
  (id) => id.toUpperCase(),
  (id) => id.replaceAll('-', ''),
  (id) => `{${id}}`,
  (id) => `(${id})`,
  (id) => `{${id})`,
  (id) => ` ${id} `,
  (id) => `\u00a0${id}`,
  (id) => `{${id.replaceAll('-', '')}}`,
  (id) => `urn:uuid:${id}`,
  (id) => id.slice(1),
  (id) => `${id}0`,
  (id) => id.replace(/^../, '0x'),
  (id) => id.replace(/^./, '+'),
  (id) => id.replace('-', ''),
  (id) => id.replace(/.$/, 'g'),
  hexId,
  (id) => hexId(id).replaceAll(',', ', '),
  (id) => hexId(id).replaceAll('0x', '0X'),
  (id) => hexId(id).replace('0x', '0x0'),
  () => '',
  () => '*',
];

function hexId(id: string): string {
  const digits = id.replaceAll('-', '');
  const bytes = digits.slice(16).match(/../g) ?? [];
  const group = (from: number, to: number) => `0x${digits.slice(from, to)}`;
  return `{${group(0, 8)},${group(8, 12)},${group(12, 16)},{${bytes.map((byte) => `0x${byte}`).join(',')}}}`;
}

/** From the master key's bytes in base64 to the elements that hold it. */
export const masterKeys: ((base64: string) => string)[] = [
  (base64) => masterKey(base64.replace(/=+$/, '')),
  (base64) => masterKey(base64.replaceAll('+', '-').replaceAll('/', '_')),
  (base64) => masterKey(base64.replace(/.{20}/g, '$&\n  ')),
  (base64) => masterKey(`${base64}\u00a0`),
  (base64) => masterKey(`${base64.slice(0, 20)}=${base64.slice(20)}`),
  (base64) => masterKey(`${base64}==`),
  () => masterKey('!!!'),
  () => masterKey(''),
  () => masterKey('AA=='),
  () => masterKey('AB=='),
  () => masterKey(randomBytes(15).toString('base64')),
  () => masterKey(randomBytes(200).toString('base64')),
  (base64) => `<masterKey>${base64}</masterKey>`,
  (base64) => `<masterKey><value>${base64.slice(0, 40)}</value><value>${base64.slice(40)}</value></masterKey>`,
  (base64) => `<masterKey xmlns="urn:x"><value>${base64}</value></masterKey>`,
  (base64) => `<MasterKey><value>${base64}</value></MasterKey>`,
  (base64) => masterKey(base64).repeat(2),
  (base64) => `<wrap>${masterKey(base64)}</wrap>`,
  () => '',
  (base64) =>
    secret(`${xmlEncryption}NullXmlDecryptor`, `<unencryptedKey xmlns="">${masterKey(base64)}</unencryptedKey>`),
  (base64) =>
    secret(`${xmlEncryption}NullXmlDecryptor, Microsoft.AspNetCore.DataProtection`, `<any>${masterKey(base64)}</any>`),
  (base64) => secret(`${xmlEncryption}NullXmlDecryptor`, masterKey(base64)),
  (base64) => secret(`${xmlEncryption}NullXmlDecryptor`, `<a xmlns="">${masterKey(base64)}${masterKey(base64)}</a>`),
  (base64) => secret(`${xmlEncryption}NullXmlDecryptor`, `<a xmlns="">${masterKey('!!!')}</a>${masterKey(base64)}`),
  (base64) =>
    secret(`${xmlEncryption}NullXmlDecryptor`, `<a xmlns="">${masterKey(base64)}</a>`).replace(` xmlns="${dp}"`, ''),
  (base64) =>
    `<p:encryptedSecret xmlns:p="${dp}" decryptorType="${xmlEncryption}NullXmlDecryptor"><a>${masterKey(base64)}</a></p:encryptedSecret>`,
  (base64) => secret(`${xmlEncryption}NullXmlDecryptor`, `<a xmlns="">${masterKey(base64)}</a>`) + masterKey(base64),
  () =>
    secret(`${xmlEncryption}DpapiXmlDecryptor`, '<encryptedKey xmlns=""><value>AQAAANCMnd8=</value></encryptedKey>'),
  () => secret(`${xmlEncryption}DpapiNGXmlDecryptor`, '<encryptedKey xmlns=""><value>AQAA</value></encryptedKey>'),
  () => secret('Nobody.HasThis, Nowhere', '<x xmlns="" />'),
  () => secret('', '<x xmlns="" />'),
  () => secret('Nobody.HasThis, Nowhere', '<x xmlns="" />').replace(/decryptorType="[^"]*"/, ''),
  () =>
    secret(
      'Azure.Extensions.AspNetCore.DataProtection.Keys.AzureKeyVaultXmlDecryptor, Azure.Extensions.AspNetCore.DataProtection.Keys, Version=9.9.9.9',
      '<encryptedKey xmlns=""><kid>https://other.vault.azure.net/keys/k/1</kid><key>AA==</key><iv>AA==</iv><value>AA==</value></encryptedKey>',
    ),
  () => secret(`${xmlEncryption}EncryptedXmlDecryptor, Microsoft.AspNetCore.DataProtection`, '<x xmlns="" />'),
];

export const deserializers: string[] = [
  usual,
  `${usual}, Microsoft.AspNetCore.DataProtection`,
  `${usual}, Microsoft.AspNetCore.DataProtection, Version=8.0.0.0, Culture=neutral, PublicKeyToken=adb9793829ddae60`,
  `${usual}, Microsoft.AspNetCore.DataProtection, Version=99.0.0.0, Culture=neutral, PublicKeyToken=adb9793829ddae60`,
  `${usual}, microsoft.aspnetcore.dataprotection`,
  `${usual.toLowerCase()}, Microsoft.AspNetCore.DataProtection`,
  ` ${usual} , Microsoft.AspNetCore.DataProtection`,
  `${usual.replace('AspNetCore', 'AspNet')}, Microsoft.AspNet.DataProtection`,
  `${usual}, Nowhere`,
  `${model}NoSuchDeserializer, Microsoft.AspNetCore.DataProtection`,
  `${model}CngCbcAuthenticatedEncryptorDescriptorDeserializer, Microsoft.AspNetCore.DataProtection`,
  `${model}ManagedAuthenticatedEncryptorDescriptorDeserializer, Microsoft.AspNetCore.DataProtection`,
  'Nobody.HasThis, Nowhere',
  '',
  ' ',
];

const cbc = '<encryption algorithm="AES_256_CBC" />';
const sha = '<validation algorithm="HMACSHA256" />';
export const algorithms: string[] = [
  '<encryption algorithm="AES_128_CBC" /><validation algorithm="HMACSHA512" />',
  '<encryption algorithm="AES_256_GCM" />',
  `<encryption algorithm="AES_192_GCM" /><validation algorithm="nothing" />`,
  '<encryption algorithm="AES_256_XTS" />',
  `<encryption algorithm="aes_256_cbc" />${sha}`,
  `<encryption algorithm=" AES_256_CBC " />${sha}`,
  `<encryption algorithm="2" />${sha}`,
  `<encryption algorithm="+2" />${sha}`,
  `<encryption algorithm="5" />`,
  `<encryption algorithm="6" />${sha}`,
  `<encryption algorithm="-1" />${sha}`,
  `<encryption />${sha}`,
  `<encryption algorithm="" />${sha}`,
  cbc,
  `${sha}${cbc}`,
  `${cbc}<validation />`,
  `${cbc}<validation algorithm="MD5" />`,
  `${cbc}<validation algorithm="1" />`,
  `${cbc}<validation algorithm="7" />`,
  `${cbc}<encryption algorithm="nothing" />${sha}`,
  `<encryption xmlns="urn:x" algorithm="AES_256_CBC" />${sha}`,
  '',
];

export function iso(time: number): string {
  return new Date(time).toISOString();
}

export function masterKey(base64: string): string {
  return `<masterKey p4:requiresEncryption="true" xmlns:p4="${dp}"><!-- Warning: the key below is in an unencrypted form. --><value>${base64}</value></masterKey>`;
}

function secret(decryptorType: string, content: string): string {
  return `<encryptedSecret decryptorType="${decryptorType}" xmlns="${dp}">${content}</encryptedSecret>`;
}

export const usualAlgorithms = cbc + sha;
export const usualDeserializer = `${usual}, Microsoft.AspNetCore.DataProtection, Version=10.0.0.0, Culture=neutral, PublicKeyToken=adb9793829ddae60`;

/** Changes of an element's text. */
export const elementForms: ((xml: string) => string)[] = [
  (xml) => xml.replace(/<(creationDate|activationDate|expirationDate|revocationDate)>[^<]*<\/\1>/, ''),
  (xml) => xml.replace(/<expirationDate>.*?<\/expirationDate>/, ''),
  (xml) => xml.replace(/<creationDate>(.*?)<\/creationDate>/, '$&<creationDate>2001-01-01T00:00:00Z</creationDate>'),
  (xml) => xml.replace(/<creationDate>(.*?)<\/creationDate>/, '<creationDate>2001-01-01T00:00:00Z</creationDate>$&'),
  (xml) => xml.replace('<descriptor deser', '<descriptor/><descriptor deser'),
  (xml) => xml.replace(/(<\/descriptor>)(<\/key>)/, '$1<descriptor/>$2'),
  (xml) => xml.replace(/<descriptor deser.*<\/descriptor>/s, ''),
  (xml) => xml.replace(/ deserializerType="[^"]*"/, ''),
  (xml) => xml.replace(/<descriptor>/, '<x/><descriptor>'),
  (xml) => xml.replace(/<descriptor>.*<\/descriptor><\/descriptor>/s, '</descriptor>'),
  (xml) => xml.replace(/<descriptor>/, '<anything>').replace('</descriptor></descriptor>', '</anything></descriptor>'),
  (xml) => xml.replace(/^<(\w+)/, '<$1 xmlns="urn:x"'),
  (xml) => xml.replace(/^<(\w+)(.*)<\/\w+>$/s, '<p:$1 xmlns:p="urn:x"$2</p:$1>'),
  (xml) => xml.replace(/^<(\w+)(.*)<\/\w+>$/s, '<p:$1$2</p:$1>'),
  (xml) => xml.replace(/^<(\w+)/, '<$1 q:a="1"'),
  (xml) => xml.replace(/^<(\w+)/, '<$1 xmlns:q="" q:a="1"'),
  (xml) => xml.replace(/^<(\w+)/, '<$1 xmlns:q="urn:q" xmlns:r="urn:q" q:a="1" r:a="2"'),
  (xml) => xml.replace(/^<(\w+)/, '<$1 xmlns:xml="http://www.w3.org/XML/1998/namespace"'),
  (xml) => xml.replace(/^<(\w+)/, '<$1 xmlns:xmlns="urn:q"'),
  (xml) => xml.replace(/^<(\w+)/, '<$1 a:b:c="1"'),
  (xml) => xml.replace(/ id="/, ' p:id="1" xmlns:p="urn:p" id="'),
  (xml) => xml.replace(/ id="([^"]*)"/, ' p:id="$1" xmlns:p="urn:p"'),
  (xml) => xml.replace(/ id="[^"]*"/, ''),
  (xml) => xml.replace(/ id="/, ' Id="'),
  (xml) => xml.replace(/ version="1"/, ' version="2"'),
  (xml) => xml.replace(/ version="1"/, ''),
  (xml) => xml.replace(/^<key/, '<Key').replace(/<\/key>$/, '</Key>'),
  (xml) => xml.replaceAll('><', '>\r\n  <'),
  (xml) => xml.replace(/<\/(key|revocation)>$/, ''),
  (xml) => xml.replace('>', '>&#x1b;'),
  (xml) => xml.replace('>', '>&#xfffe;'),
  (xml) => xml.replace('>', '>\u0007'),
  (xml) => xml.replace('>', '>\ufffe'),
  (xml) => xml.replace('>', '>\u{1f600}é'),
  (xml) => xml.replace('>', '>&nbsp;'),
  (xml) => xml.replace('>', '>]]>'),
  (xml) => xml.replace('>', '><!-- a -- b -->'),
  (xml) => xml.replace('>', '><?note of="somebody"?><!-- note -->'),
  (xml) => xml.replace('>', `><!-- ${'long '.repeat(20_000)}-->`),
  (xml) => xml.replace(/<reason>.*?<\/reason>/, '<reason/>'),
  (xml) => xml.replace(/<key id="[^"]*" \/>/, ''),
  (xml) => xml.replace(/<key id="[^"]*" \/>/, '<key id="*" />$&'),
  (xml) => xml.replace(/<key id="[^"]*" \/>/, '$&<key id="*" />'),
  (xml) => xml.replace(/<key id="[^"]*" \/>/, '<key id=" * " />'),
  (xml) => xml.replace(/<key id="[^"]*" \/>/, '<key />'),
  () => '<mystery />',
  () => '<key />',
  () => '<revocation />',
];

const prologs: string[] = [
  '',
  '<?xml version="1.0" encoding="utf-8"?>',
  '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n',
  "<?xml version='1.0'?>",
  '<?xml version="1.1"?>',
  '<?xml version="2.0"?>',
  '<?xml encoding="utf-8"?>',
  '<?xml version="1.0" encoding="utf-16"?>',
  '<?xml version="1.0" encoding="iso-8859-1"?>',
  '<?xml version="1.0" encoding="windows-1252"?>',
  '<?xml version="1.0" encoding="us-ascii"?>',
  '<?xml version="1.0" encoding="nonsense"?>',
  '<?xml version="1.0" encoding=""?>',
  ' <?xml version="1.0" encoding="utf-8"?>',
  '<!-- before -->',
  '<?note of="somebody"?>',
  '<!DOCTYPE repository>',
  '<!DOCTYPE key [<!ENTITY note "hello">]>',
  '<!DOCTYPE key [<!ENTITY nbsp " ">]>',
  '<!DOCTYPE key [<!ELEMENT key ANY>]>',
  '<!DOCTYPE key SYSTEM "http://127.0.0.1:1/none.dtd">',
  '<!DOCTYPE key PUBLIC "-//x//y" "none.dtd">',
];

/** From a document's text to its bytes. */
export const documentForms: ((xml: string) => Uint8Array)[] = [
  ...prologs.map((prolog) => (xml: string) => Buffer.from(prolog + xml)),
  (xml) => Buffer.from(`\ufeff${xml}`),
  (xml) => Buffer.from(`\ufeff<?xml version="1.0" encoding="utf-8"?>${xml}`),
  (xml) => Buffer.from(`\ufeff<?xml version="1.0" encoding="iso-8859-1"?>${xml}`),
  (xml) => Buffer.from(`\ufeff<?xml version="1.0" encoding="utf-16"?>${xml}`),
  (xml) => Buffer.from(`\ufeff\ufeff${xml}`),
  (xml) => utf16(`\ufeff${xml}`),
  (xml) => utf16(`\ufeff<?xml version="1.0" encoding="utf-16"?>${xml}`),
  (xml) => utf16(`\ufeff<?xml version="1.0" encoding="utf-8"?>${xml}`),
  (xml) => utf16(`<?xml version="1.0" encoding="utf-16"?>${xml}`),
  (xml) => utf16(xml),
  (xml) => utf16(`\ufeff<?xml version="1.0" encoding="utf-16"?>${xml}`).swap16(),
  (xml) => utf16(`<?xml version="1.0" encoding="utf-16"?>${xml}`).swap16(),
  (xml) => latin1(`<?xml version="1.0" encoding="iso-8859-1"?><!-- \u00e9 -->${xml}`),
  (xml) => latin1(`<?xml version="1.0" encoding="latin1"?><!-- \u00e9 -->${xml}`),
  (xml) => latin1(`<?xml version="1.0" encoding="us-ascii"?><!-- \u00e9 -->${xml}`),
  (xml) => latin1(`<!-- \u00e9 -->${xml}`),
  (xml) => Buffer.from(`${xml}\n<!-- after -->\n`),
  (xml) => Buffer.from(`${xml}after`),
  (xml) => Buffer.from(`${xml}<more />`),
  (xml) => Buffer.from(`${xml}\0`),
  (xml) => Buffer.from(xml.slice(0, xml.length / 2)),
  () => Buffer.from(''),
  () => Buffer.from(' \n'),
  () => Buffer.from('{"not": "XML"}'),
  () => Buffer.from('\ufeff'),
];

function utf16(text: string): Buffer {
  return Buffer.from(text, 'utf16le');
}

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** From the elements of a ring to the text of a blob. */
export const rootForms: ((content: string) => string)[] = [
  (content) => `<keys>${content}</keys>`,
  (content) => `<repository xmlns="urn:x">${content}</repository>`,
  (content) => `<p:repository xmlns:p="urn:x">${content}</p:repository>`,
  (content) => `<repository xmlns:p="urn:x" xmlns:p4="${dp}">${content}</repository>`,
  (content) => `<repository><repository>${content}</repository></repository>`,
  (content) => `<repository>text${content}text</repository>`,
  (content) => `<repository\n  a='1'\t>\n  ${content}\n</repository >`,
  () => '<repository />',
  (content) => content,
  (content) => `<key id="33333333-3333-4333-8333-333333333333" version="1">${content}</key>`,
];
