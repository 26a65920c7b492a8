import { shown } from './shown.ts';
import { childNamed, childrenNamed, findElements, type PlacedElement, textPlace, XmlFormError } from './xml.ts';

/**
 * How .NET turns the descriptor of a key into what encrypts (XmlKeyManager.DeserializeDescriptorFromKeyElement,
 * XmlEncryptionExtensions.DecryptElement, AuthenticatedEncryptorDescriptorDeserializer.ImportFromXml).
 */

export const dataProtectionNamespace = 'http://schemas.asp.net/2015/03/dataProtection';

const assembly = 'Microsoft.AspNetCore.DataProtection';
const own = `${assembly}.`;
const configurationModel = `${own}AuthenticatedEncryption.ConfigurationModel.`;
/** What AuthenticatedEncryptorDescriptor of .NET writes, and most rings hold alone. */
export const usualDeserializer = `${configurationModel}AuthenticatedEncryptorDescriptorDeserializer`;
const otherDeserializers = [
  'ManagedAuthenticatedEncryptorDescriptorDeserializer',
  'CngCbcAuthenticatedEncryptorDescriptorDeserializer',
  'CngGcmAuthenticatedEncryptorDescriptorDeserializer',
].map((name) => configurationModel + name);

const xmlEncryption = `${own}XmlEncryption.`;
const decryptors = ['NullXmlDecryptor', 'EncryptedXmlDecryptor', 'DpapiXmlDecryptor', 'DpapiNGXmlDecryptor'].map(
  (name) => xmlEncryption + name,
);

/** A type as a ring names it. */
export interface NamedType {
  name: string;
  /** `own`: of .NET's Data Protection · `other`: of an assembly that apps may have · `none`: a name that never loads. */
  owner: 'own' | 'other' | 'none';
}

/** Reads a name as the activator of Data Protection does: versions of its own types are not looked at. */
export function namedType(assemblyQualified: string): NamedType {
  // What older packages wrote (TypeForwardingActivator).
  const text = assemblyQualified.replaceAll('Microsoft.AspNet.DataProtection', assembly);
  const [first = '', second, ...properties] = text.split(',');
  const name = first.trimStart();
  const isWellFormed =
    name !== '' &&
    name === name.trimEnd() &&
    (second === undefined || second.trim() !== '') &&
    properties.every(
      (property) => /^\s*\w+\s*=/.test(property) && !/^\s*Culture\s*=(?!\s*neutral\s*$)/i.test(property),
    );
  if (!isWellFormed) return { name: name.trim(), owner: 'none' };
  const isOwn = second === undefined || second.trim().toLowerCase() === assembly.toLowerCase();
  return { name, owner: isOwn ? 'own' : 'other' };
}

/** Whether a decryptor leaves the secret as it is. */
export function isNullDecryptor(type: string): boolean {
  const { name, owner } = namedType(type);
  return owner === 'own' && name === `${xmlEncryption}NullXmlDecryptor`;
}

const encryptionNames = ['AES_128_CBC', 'AES_192_CBC', 'AES_256_CBC', 'AES_128_GCM', 'AES_192_GCM', 'AES_256_GCM'];
const validationNames = ['HMACSHA256', 'HMACSHA512'];

export interface Descriptor {
  /** Empty where there is none. */
  deserializerType: string;
  /** Why no consumer can use the key, whatever protects it. */
  defect: string | undefined;
  /** Why this tool cannot tell whether consumers can use it. */
  doubt: string | undefined;
  /** `masterKey`, or the `encryptedSecret` that stands in for it. */
  secret: PlacedElement | undefined;
}

export function readDescriptor(key: PlacedElement): Descriptor {
  const outer = childNamed(key, 'descriptor');
  const deserializerType = outer?.attributes.deserializerType ?? '';
  const secrets = outer ? findElements(outer, 'encryptedSecret', dataProtectionNamespace) : [];
  const told = (rest: Partial<Descriptor>): Descriptor => ({
    deserializerType,
    defect: undefined,
    doubt: undefined,
    secret: secrets[0] ?? (outer && findElements(outer, 'masterKey')[0]),
    ...rest,
  });
  if (!outer) return told({ defect: 'has no descriptor' });
  if (!deserializerType) return told({ defect: 'has a descriptor without deserializerType' });
  const [inner, ...others] = outer.children;
  if (!inner || others.length > 0) return told({ defect: 'has not exactly one element in its descriptor' });
  if (secrets.some((secret) => secret.attributes.decryptorType === undefined || secret.children.length !== 1))
    return told({ defect: 'has an encryptedSecret without its decryptorType or its one element' });
  if (secrets.some((secret) => isLost(secret.attributes.decryptorType ?? '', decryptors)))
    return told({ defect: 'has a decryptorType that .NET does not have' });
  if (isLost(deserializerType, [usualDeserializer, ...otherDeserializers]))
    return told({ defect: 'has a deserializerType that .NET does not have' });
  const { name, owner } = namedType(deserializerType);
  if (owner === 'other' || name !== usualDeserializer)
    return told({ doubt: `It is read by ${shown(name)}, which the apps may have, and this tool has not.` });
  return told(secretIn(inner, secrets));
}

/** A type that nobody can load. */
function isLost(type: string, known: readonly string[]): boolean {
  const { name, owner } = namedType(type);
  return owner === 'none' || (owner === 'own' && !known.includes(name));
}

function secretIn(inner: PlacedElement, secrets: readonly PlacedElement[]): Partial<Descriptor> {
  const isUsual =
    secrets.length === 0 || (secrets.length === 1 && inner.children.includes(secrets[0] as PlacedElement));
  if (!isUsual) return { doubt: 'It has more than its master key encrypted.' };
  const algorithm = algorithmProblem(inner);
  if (algorithm) return { defect: algorithm };
  const candidates = [...childrenNamed(inner, 'masterKey'), ...secrets];
  const [secret, ...more] = candidates;
  if (!secret || more.length > 0) return { defect: 'has not exactly one master key' };
  const isUnwrapped = secret.name === 'encryptedSecret' && isNullDecryptor(secret.attributes.decryptorType ?? '');
  if (isUnwrapped && secret.children[0]?.children.length !== 1)
    return { defect: 'has not exactly one element in its NullXmlDecryptor' };
  const plain = isUnwrapped ? secret.children[0]?.children[0] : secret.name === 'masterKey' ? secret : undefined;
  return plain && !isMasterKeyElement(plain) ? { defect: 'has a master key that is not base64 to .NET' } : { secret };
}

function algorithmProblem(inner: PlacedElement): string | undefined {
  const encryption = member(encryptionNames, childNamed(inner, 'encryption')?.attributes.algorithm);
  if (encryption === undefined) return 'names no encryption that .NET has';
  if (encryption.endsWith('_GCM')) return undefined;
  const validation = member(validationNames, childNamed(inner, 'validation')?.attributes.algorithm);
  return validation === undefined ? 'names no validation that .NET has' : undefined;
}

/** A member of an enumeration, by name or number, as Enum.Parse takes it. */
function member(names: readonly string[], text: string | undefined): string | undefined {
  const trimmed = text?.trim() ?? '';
  return names.find((name, index) => trimmed === name || (/^[+-]?\d+$/.test(trimmed) && Number(trimmed) === index));
}

/** Whether consumers can use the element as a master key. */
export function isMasterKeyElement({ name, namespace, text }: PlacedElement): boolean {
  return name === 'masterKey' && namespace === '' && strictBase64(text) !== undefined;
}

/** An element's text that is base64, with its bytes and its place. @throws XmlFormError where it is none to .NET */
export function bytesPlace(element: PlacedElement): Bytes {
  const place = textPlace(element);
  const bytes = strictBase64(place.text);
  if (!bytes) throw new XmlFormError(`has a ${element.name} that is not base64`);
  return { ...place, bytes };
}

export interface Bytes {
  text: string;
  start: number;
  end: number;
  bytes: Buffer;
}

/** The bytes of base64 in the form that Convert.FromBase64String takes: padded, with blanks anywhere. */
function strictBase64(text: string): Buffer | undefined {
  const digits = text.replaceAll(/[ \t\r\n]/g, '');
  const isRight = digits.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(digits);
  return isRight ? Buffer.from(digits, 'base64') : undefined;
}
