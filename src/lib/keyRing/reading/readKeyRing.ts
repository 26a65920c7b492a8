import { createHash } from 'node:crypto';
import { parseInstant } from './instants.ts';
import type { Damage, ForeignElement, KeyRing, Protection, Revocation, RingKey } from './keyRing.ts';
import type { StoredElement, StoredRing } from './keyRingStore.ts';
import { childrenNamed, findElement, type PlacedElement, parseDocument, textPlace, XmlFormError } from './xml.ts';

const guid = /^\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?$/i;

/** Reads a ring as ASP.NET Core's XmlKeyManager does, and tells apart what it passes over and what it throws on. */
export function readKeyRing(stored: StoredRing): KeyRing {
  const keys: RingKey[] = [];
  const revocations: Revocation[] = [];
  const foreign: ForeignElement[] = [];
  const damage: Damage[] = stored.damage.map(({ place, problem }) => ({
    kind: 'notWellFormed',
    message: `${place} ${problem}`,
  }));
  for (const element of stored.elements) {
    const root = parseDocument(element.xml.reveal());
    const { name } = root.element;
    try {
      if (name === 'key') {
        const key = readKey(root, element);
        if (keys.some(({ id }) => id === key.id)) {
          damage.push({
            kind: 'duplicateKey',
            message: `key ${key.id} is there twice, the second time in ${element.place}`,
          });
        } else keys.push(key);
      } else if (name === 'revocation') revocations.push(readRevocation(root, element));
      else foreign.push({ name, reason: 'is neither key nor revocation', element });
    } catch (error) {
      if (!(error instanceof XmlFormError)) throw error;
      if (name === 'revocation')
        damage.push({ kind: 'unreadableRevocation', message: `${element.place} ${error.message}` });
      else foreign.push({ name, reason: error.message, element });
    }
  }
  return { keys, revocations, foreign, damage };
}

function readKey(root: PlacedElement, element: StoredElement): RingKey {
  const descriptor = only(root, 'descriptor');
  const deserializerType = descriptor.element.attributes.deserializerType;
  if (!deserializerType) throw new XmlFormError('has a descriptor without deserializerType');
  return {
    id: idOf(root.element.attributes.id),
    creation: instantOf(root, 'creationDate'),
    activation: instantOf(root, 'activationDate'),
    expiration: instantOf(root, 'expirationDate'),
    deserializerType,
    protection: protectionOf(descriptor),
    element,
  };
}

function readRevocation(root: PlacedElement, element: StoredElement): Revocation {
  const id = only(root, 'key').element.attributes.id;
  // .NET reads the date of a revocation of all alone.
  if (id === '*') return { key: '*', date: instantOf(root, 'revocationDate'), element };
  const text = childrenNamed(root.element, 'revocationDate')[0]?.element.text;
  return { key: idOf(id), date: text === undefined ? undefined : parseInstant(text), element };
}

/** The element that stands in for the secret, or the secret itself. Undefined where the descriptor has neither. */
export function secretElement(key: PlacedElement): PlacedElement | undefined {
  return findElement(key.element, 'encryptedSecret') ?? findElement(key.element, 'masterKey');
}

function protectionOf(descriptor: PlacedElement): Protection {
  const secret = secretElement(descriptor);
  if (!secret) return { kind: 'unknown', decryptorType: '' };
  if (secret.element.name === 'masterKey') return { kind: 'none' };
  const decryptorType = secret.element.attributes.decryptorType ?? '';
  const [typeName = ''] = decryptorType.split(',');
  if (typeName.trim().endsWith('.AzureKeyVaultXmlDecryptor')) {
    const kid = findElement(secret.element, 'kid')?.element.text.trim();
    if (kid) return { kind: 'keyVault', keyId: kid, decryptorType };
  }
  if (typeName.trim().endsWith('.EncryptedXmlDecryptor')) {
    const certificate = findElement(secret.element, 'X509Certificate')?.element.text;
    if (certificate)
      return { kind: 'certificate', thumbprint: thumbprint(Buffer.from(certificate, 'base64')), decryptorType };
  }
  return { kind: 'unknown', decryptorType };
}

/** SHA-1 over the certificate, in upper-case hexadecimal: what .NET and Windows call a thumbprint. */
export function thumbprint(der: Buffer): string {
  return createHash('sha1').update(der).digest('hex').toUpperCase();
}

function only(parent: PlacedElement, name: string): PlacedElement {
  const [first, ...others] = childrenNamed(parent.element, name);
  if (!first || others.length > 0) throw new XmlFormError(`has not exactly one ${name}`);
  return first;
}

function instantOf(parent: PlacedElement, name: string) {
  const instant = parseInstant(textPlace(only(parent, name)).text);
  if (!instant) throw new XmlFormError(`has a ${name} that is not a date with its zone`);
  return instant;
}

function idOf(text: string | undefined): string {
  const id = guid.exec(text?.trim() ?? '')?.[1];
  if (!id) throw new XmlFormError('has an id that is not a GUID');
  return id.toLowerCase();
}
