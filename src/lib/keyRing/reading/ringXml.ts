import {
  dataProtectionNamespace,
  isMasterKeyElement,
  isNullDecryptor,
  namedType,
  readDescriptor,
  usualDeserializer,
} from './descriptor.ts';
import { type Instant, isBefore } from './instants.ts';
import type { KeyRing } from './keyRing.ts';
import {
  childNamed,
  childrenNamed,
  escapeXml,
  parseDocument,
  parseSealed,
  SealedXml,
  sealedPart,
  splice,
  XmlFormError,
} from './xml.ts';

/** Writes elements of a ring as .NET does (XmlKeyManager, AuthenticatedEncryptorDescriptor, key-storage-format.md). */

const deserializer = `${usualDeserializer}, Microsoft.AspNetCore.DataProtection`;

/** How a new key encrypts: XML of `encryption` and what follows it, and the name of the type that reads it. */
export interface KeyForm {
  deserializerType: string;
  algorithms: string;
}

const defaultForm: KeyForm = {
  deserializerType: deserializer,
  algorithms: '<encryption algorithm="AES_256_CBC" /><validation algorithm="HMACSHA256" />',
};

/**
 * The form of the ring's newest key of .NET's own kind: what the apps chose (AES-GCM, a longer hash) stays chosen, and the
 * type's name has the version that they know. The default's where there is none.
 */
export function formOfNewKeys({ keys }: KeyRing): KeyForm {
  const [newest] = keys
    .filter(({ deserializerType, defect }) => !defect && namedType(deserializerType).name === usualDeserializer)
    .sort((a, b) => (isBefore(a.creation, b.creation) ? 1 : -1));
  const algorithms = newest && algorithmsOf(newest.element.xml);
  return newest && algorithms ? { deserializerType: newest.deserializerType, algorithms } : defaultForm;
}

function algorithmsOf(xml: SealedXml): string | undefined {
  const outer = childrenNamed(parseSealed(xml), 'descriptor')[0];
  const inner = outer?.children[0];
  const encryption = inner && childNamed(inner, 'encryption')?.attributes.algorithm;
  const validation = inner && childNamed(inner, 'validation')?.attributes.algorithm;
  if (!encryption) return undefined;
  if (/^AES_(128|192|256)_GCM$/.test(encryption)) return `<encryption algorithm="${encryption}" />`;
  return /^AES_(128|192|256)_CBC$/.test(encryption) && /^HMACSHA(256|512)$/.test(validation ?? '')
    ? `<encryption algorithm="${encryption}" /><validation algorithm="${validation}" />`
    : undefined;
}

/** The `masterKey` element of 64 bytes in base64, as its serialiser writes it; marked for encryption at rest. */
export function masterKeyXml(bytes: Buffer): SealedXml {
  return new SealedXml(
    `<masterKey p4:requiresEncryption="true" xmlns:p4="${dataProtectionNamespace}"><!-- Warning: the key below is in an unencrypted form. --><value>${bytes.toString('base64')}</value></masterKey>`,
  );
}

/** The element that stands in for a protected secret; `content` is the protector's. */
export function encryptedSecretXml(decryptorType: string, content: string): SealedXml {
  return new SealedXml(
    `<encryptedSecret decryptorType="${escapeXml(decryptorType)}" xmlns="${dataProtectionNamespace}">${content}</encryptedSecret>`,
  );
}

export interface NewKey {
  id: string;
  creation: Instant;
  activation: Instant;
  expiration: Instant;
  form: KeyForm;
  /** `masterKey` or `encryptedSecret`. */
  secret: SealedXml;
}

export function keyXml({ id, creation, activation, expiration, form, secret }: NewKey): SealedXml {
  return new SealedXml(
    `<key id="${id}" version="1"><creationDate>${creation}</creationDate><activationDate>${activation}</activationDate><expirationDate>${expiration}</expirationDate><!-- ${makerMark} --><descriptor deserializerType="${escapeXml(form.deserializerType)}"><descriptor>${form.algorithms}${secret.reveal()}</descriptor></descriptor></key>`,
  );
}

/** A comment in each key that this tool writes: .NET passes over it, and `status` tells our keys from those of apps. */
const makerMark = 'Made by token-cache-maintenance.';

export function isMarkedAsOurs(xml: SealedXml): boolean {
  return xml.reveal().includes(`<!-- ${makerMark} -->`);
}

/** A revocation of one key, or with `*` of all created strictly before `date`. */
export function revocationXml(date: Instant, key: string, reason: string): SealedXml {
  const comment = key === '*' ? '<!-- All keys created before the revocation date are revoked. -->' : '';
  return new SealedXml(
    `<revocation version="1"><revocationDate>${date}</revocationDate>${comment}<key id="${key}" /><reason>${escapeXml(reason)}</reason></revocation>`,
  );
}

/** The key's element with another `encryptedSecret`; everything else stays as it is. */
export function withSecret(key: SealedXml, secret: SealedXml): SealedXml {
  const { secret: place } = readDescriptor(parseSealed(key));
  if (!place) throw new Error('the key has no secret');
  return new SealedXml(splice(key.reveal(), [{ ...place, text: secret.reveal() }]), key.scope);
}

/** The secret's element of a key; undefined where it has none. */
export function secretOf(key: SealedXml): SealedXml | undefined {
  const { secret } = readDescriptor(parseSealed(key));
  if (!secret) return undefined;
  // NullXmlDecryptor: the master key stands in a wrapping alone.
  const isPlain = secret.name === 'encryptedSecret' && isNullDecryptor(secret.attributes.decryptorType ?? '');
  return sealedPart(key.reveal(), (isPlain && secret.children[0]?.children[0]) || secret);
}

/**
 * The first element of what .NET's EncryptedXml puts in the place of encrypted data: a piece of a document, of which
 * Data Protection takes the first node.
 * @throws XmlFormError where that is not an element, or not XML
 */
export function firstElementOf(piece: SealedXml): SealedXml {
  const text = `<root>${piece.reveal()}</root>`;
  const [first] = parseDocument(text, { doctype: 'refused' }).children;
  if (first?.start !== '<root>'.length) throw new XmlFormError('does not begin with an element');
  return sealedPart(text, first);
}

/** Whether a decrypted secret is what consumers can use: a `masterKey` with bytes in base64. */
export function isMasterKey(secret: SealedXml): boolean {
  try {
    return isMasterKeyElement(parseSealed(secret));
  } catch {
    return false;
  }
}
