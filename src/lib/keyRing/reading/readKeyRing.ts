import { createHash } from 'node:crypto';
import { isNullDecryptor, namedType, readDescriptor } from './descriptor.ts';
import { parseGuid, parseXsdDate } from './dotnetValues.ts';
import type { Instant } from './instants.ts';
import type { Damage, ForeignElement, KeyRing, Protection, Revocation, RingKey } from './keyRing.ts';
import type { StoredElement, StoredRing } from './keyRingStore.ts';
import { shown } from './shown.ts';
import { childNamed, findElements, type PlacedElement, parseSealed, XmlFormError } from './xml.ts';

const xmldsig = 'http://www.w3.org/2000/09/xmldsig#';

/** Reads a ring as ASP.NET Core's XmlKeyManager does, and tells apart what it passes over and what it throws on. */
export function readKeyRing(stored: StoredRing): KeyRing {
  const keys = new Map<string, RingKey>();
  const revocations: Revocation[] = [];
  const foreign: ForeignElement[] = [];
  const damage: Damage[] = stored.damage.map(({ place, problem, isJudged }) => ({
    kind: isJudged ? 'notWellFormed' : 'notJudged',
    message: `${shown(place)} ${problem}`,
    since: 8,
  }));
  /** Ids of elements that are not keys, but for their id. */
  const halfKeys = new Map<string, string>();
  for (const element of stored.elements) {
    const root = parseSealed(element.xml);
    const { namespace } = root;
    const name = shown(root.name);
    const isOurs = namespace === '' && (name === 'key' || name === 'revocation');
    try {
      if (!isOurs) {
        const reason = namespace ? 'is in a namespace, where .NET looks for none' : 'is neither key nor revocation';
        foreign.push({ name, reason, element });
      } else if (name === 'revocation') revocations.push(readRevocation(root, element));
      else {
        const key = readKey(root, element);
        if (keys.has(key.id)) {
          const message = `key ${key.id} is there twice, the second time in ${shown(element.place)}`;
          damage.push({ kind: 'duplicateKey', message, since: 8 });
        } else keys.set(key.id, key);
      }
    } catch (error) {
      if (!(error instanceof XmlFormError)) throw error;
      if (name === 'revocation')
        damage.push({ kind: 'unreadableRevocation', message: `${shown(element.place)} ${error.message}`, since: 8 });
      else {
        foreign.push({ name, reason: error.message, element });
        const id = parseGuid(root.attributes.id ?? '');
        if (id) halfKeys.set(id, shown(element.place));
      }
    }
  }
  // From version 9 on .NET looks for a key that it knows already by the id alone.
  for (const [id, place] of halfKeys) {
    const message = `key ${id} is there twice, once as ${place}, which is not a whole key`;
    if (keys.has(id)) damage.push({ kind: 'duplicateKey', message, since: 9 });
  }
  return { keys: [...keys.values()], revocations, foreign, damage };
}

function readKey(root: PlacedElement, element: StoredElement): RingKey {
  const [creation, activation, expiration] = [
    dateOf(root, 'creationDate'),
    dateOf(root, 'activationDate'),
    dateOf(root, 'expirationDate'),
  ] as const;
  const { secret, ...descriptor } = readDescriptor(root);
  return {
    id: idOf(root.attributes.id),
    creation: creation.instant,
    activation: activation.instant,
    expiration: expiration.instant,
    hasZone: [creation, activation, expiration].every(({ hasZone }) => hasZone),
    ...descriptor,
    protection: protectionOf(secret),
    element,
  };
}

function readRevocation(root: PlacedElement, element: StoredElement): Revocation {
  const id = childNamed(root, 'key')?.attributes.id;
  // .NET reads the date of a revocation of all alone.
  if (id === '*') {
    const { instant, hasZone } = dateOf(root, 'revocationDate');
    return { key: '*', date: instant, hasZone, element };
  }
  const text = childNamed(root, 'revocationDate')?.text;
  const date = text === undefined ? undefined : parseXsdDate(text)?.instant;
  return { key: idOf(id), date, hasZone: true, element };
}

function protectionOf(secret: PlacedElement | undefined): Protection {
  if (!secret) return { kind: 'unknown', decryptorType: '' };
  if (secret.name === 'masterKey') return { kind: 'none' };
  const decryptorType = secret.attributes.decryptorType ?? '';
  const { name: type } = namedType(decryptorType);
  if (isNullDecryptor(decryptorType)) return { kind: 'none' };
  if (type.endsWith('.AzureKeyVaultXmlDecryptor')) {
    const kid = findElements(secret, 'kid')[0]?.text.trim();
    if (kid) return { kind: 'keyVault', keyId: shown(kid), decryptorType };
  }
  if (type.endsWith('.EncryptedXmlDecryptor')) {
    const certificate = findElements(secret, 'X509Certificate', xmldsig)[0]?.text;
    if (certificate)
      return { kind: 'certificate', thumbprint: thumbprint(Buffer.from(certificate, 'base64')), decryptorType };
  }
  return { kind: 'unknown', decryptorType };
}

/** SHA-1 over the certificate, in upper-case hexadecimal: what .NET and Windows call a thumbprint. */
export function thumbprint(der: Buffer): string {
  return createHash('sha1').update(der).digest('hex').toUpperCase();
}

/** The first one, as XElement.Element takes it. */
function dateOf(parent: PlacedElement, name: string): { instant: Instant; hasZone: boolean } {
  const element = childNamed(parent, name);
  if (!element) throw new XmlFormError(`has no ${name}`);
  const date = parseXsdDate(element.text);
  if (!date) throw new XmlFormError(`has a ${name} that is not a date to .NET`);
  return date;
}

function idOf(text: string | undefined): string {
  const id = parseGuid(text ?? '');
  if (!id) throw new XmlFormError('has an id that is not a GUID');
  return id;
}
