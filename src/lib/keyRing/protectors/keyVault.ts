import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import {
  CryptographyClient,
  type CryptographyClientOptions,
  KeyClient,
  type KeyVaultKey,
  parseKeyVaultKeyIdentifier,
} from '@azure/keyvault-keys';
import { KeyRingError } from '../keyRingError.ts';
import { Patience } from '../patience.ts';
import { bytesPlace } from '../reading/descriptor.ts';
import { encryptedSecretXml, isMasterKey } from '../reading/ringXml.ts';
import { childNamed, escapeXml, parseSealed, SealedXml, splice, textPlace, XmlFormError } from '../reading/xml.ts';
import { decodeXml } from '../reading/xmlText.ts';
import type { KeyProtector, ProtectorVersion } from './keyProtector.ts';
import { explainVaultError, unreadable } from './keyVaultErrors.ts';

/** Without a version, any package of the apps loads it; see `decryptorTypeToCopy`. */
const decryptor =
  'Azure.Extensions.AspNetCore.DataProtection.Keys.AzureKeyVaultXmlDecryptor, Azure.Extensions.AspNetCore.DataProtection.Keys';
/** RSA-OAEP with SHA-1, AES-128-CBC: AzureKeyVaultXmlEncryptor.cs knows no other. */
const wrapAlgorithm = 'RSA-OAEP';
const contentKeyBytes = 16;
const ivBytes = 16;

export interface KeyVaultOptions {
  /** The key's address; with a version, that version is the newest. */
  keyId: string;
  credential: TokenCredential;
  now: () => Date;
  client?: CryptographyClientOptions;
  /** The SDK would wait for an answer without end. */
  patience?: Patience;
}

/** Protects with a Key Vault key, as ProtectKeysWithAzureKeyVault. Wraps and unwraps in the vault. */
export class KeyVaultProtector implements KeyProtector {
  readonly kind = 'keyVault';
  readonly description: string;
  readonly #options: KeyVaultOptions;
  readonly #keys: KeyClient;
  readonly #vaultUrl: string;
  readonly #name: string;
  readonly #version: string | undefined;
  readonly #patience: Patience;

  constructor(options: KeyVaultOptions) {
    const { vaultUrl, name, version } = parseKeyVaultKeyIdentifier(options.keyId);
    this.#options = options;
    this.#patience = options.patience ?? new Patience();
    this.#vaultUrl = vaultUrl;
    this.#name = name;
    this.#version = version;
    this.#keys = new KeyClient(vaultUrl, options.credential, options.client);
    this.description = `Key Vault key ${options.keyId}`;
  }

  async protect(secret: SealedXml, decryptorType: string | undefined): Promise<SealedXml> {
    const { id } = await this.newest();
    const contentKey = randomBytes(contentKeyBytes);
    const iv = randomBytes(ivBytes);
    try {
      const cipher = createCipheriv('aes-128-cbc', contentKey, iv);
      const value = Buffer.concat([cipher.update(secret.reveal(), 'utf8'), cipher.final()]).toString('base64');
      const key = (await this.#wrap(id, contentKey)).toString('base64');
      return encryptedSecretXml(
        decryptorType ?? decryptor,
        `<encryptedKey xmlns=""><!-- This key is encrypted with Azure Key Vault. --><kid>${escapeXml(id)}</kid><key>${key}</key><iv>${iv.toString('base64')}</iv><value>${value}</value></encryptedKey>`,
      );
    } finally {
      contentKey.fill(0);
    }
  }

  async unprotect(secret: SealedXml): Promise<SealedXml> {
    const { kid, key, iv, value } = read(secret);
    const contentKey = await this.#unwrap(kid.text.trim(), key.bytes);
    try {
      const decipher = createDecipheriv(`aes-${contentKey.length * 8}-cbc`, contentKey, iv.bytes);
      const plain = Buffer.concat([decipher.update(value.bytes), decipher.final()]);
      const result = new SealedXml(decodeXml(plain).text);
      plain.fill(0);
      if (!isMasterKey(result)) throw unreadable('its value decrypts to no master key');
      return result;
    } catch (error) {
      throw error instanceof KeyRingError ? error : unreadable('its value does not decrypt');
    } finally {
      contentKey.fill(0);
    }
  }

  async newest(): Promise<ProtectorVersion> {
    const now = this.#options.now();
    const { keyId } = this.#options;
    const versions = await this.versions();
    const named = this.#version ? versions.filter(({ id }) => isSameId(id, keyId)) : versions;
    const found = named.find(
      ({ enabled, notBefore, expires }) => enabled && (!notBefore || notBefore <= now) && (!expires || expires > now),
    );
    if (found) return found;
    if (named.length === 0) {
      throw new KeyRingError(
        'key_vault_no_version',
        `The vault has no version ${keyId}.`,
        'Correct keyId in KEY_RINGS; best is the key without a version, as in the apps.',
      );
    }
    throw new KeyRingError(
      'key_vault_no_version',
      `The key ${keyId} has no version that wraps: all are disabled or expired.`,
      'Create a new version of the key, or enable one.',
    );
  }

  async versions(): Promise<ProtectorVersion[]> {
    const versions = await this.#ask(this.#options.keyId, 'list the versions of', (signal) => this.#list(signal));
    return versions.sort((a, b) => (b.created?.getTime() ?? 0) - (a.created?.getTime() ?? 0));
  }

  async rewrap(secret: SealedXml): Promise<SealedXml | undefined> {
    const { kid, key } = read(secret);
    const { id } = await this.newest();
    if (isSameId(kid.text.trim(), id)) return undefined;
    const contentKey = await this.#unwrap(kid.text.trim(), key.bytes);
    try {
      const wrapped = await this.#wrap(id, contentKey);
      const again = await this.#unwrap(id, wrapped);
      if (again.length !== contentKey.length || !timingSafeEqual(again, contentKey))
        throw unreadable('re-wrapping failed');
      again.fill(0);
      return new SealedXml(
        splice(secret.reveal(), [
          { ...kid, text: escapeXml(id) },
          { ...key, text: wrapped.toString('base64') },
        ]),
        secret.scope,
      );
    } finally {
      contentKey.fill(0);
    }
  }

  async #list(abortSignal: AbortSignal): Promise<ProtectorVersion[]> {
    const versions: ProtectorVersion[] = [];
    const pages = this.#keys.listPropertiesOfKeyVersions(this.#name, { abortSignal });
    for await (const { id, createdOn, notBefore, expiresOn, enabled } of pages)
      if (id) versions.push({ id, created: createdOn, notBefore, expires: expiresOn, enabled: enabled ?? true });
    return versions;
  }

  async #wrap(keyId: string, contentKey: Buffer): Promise<Buffer> {
    const wrap = (abortSignal: AbortSignal) => this.#remote(keyId).wrapKey(wrapAlgorithm, contentKey, { abortSignal });
    return Buffer.from((await this.#ask(keyId, 'wrap with', wrap)).result);
  }

  async #unwrap(keyId: string, wrapped: Buffer): Promise<Buffer> {
    const unwrap = (abortSignal: AbortSignal) => this.#remote(keyId).unwrapKey(wrapAlgorithm, wrapped, { abortSignal });
    return Buffer.from((await this.#ask(keyId, 'unwrap with', unwrap)).result);
  }

  async #ask<T>(keyId: string, doing: string, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await this.#patience.ask(call);
    } catch (error) {
      throw explainVaultError(error, keyId, doing);
    }
  }

  /**
   * A client that asks the vault and decides nothing itself. From a bare identifier it would fetch the key, wrap locally,
   * and refuse to unwrap with an expired version, which the vault still does.
   */
  #remote(keyId: string): CryptographyClient {
    const { vaultUrl, name, version } = parseIdentifier(keyId);
    // Tokens go to the vault of the settings alone, whatever a ring says.
    if (!isSameId(vaultUrl, this.#vaultUrl)) {
      throw new KeyRingError(
        'key_protected_otherwise',
        `A key is protected by another vault (${vaultUrl}) than the one of the settings.`,
        'Make the protector of the ring in KEY_RINGS the one that the apps use.',
      );
    }
    const key: KeyVaultKey = {
      id: keyId,
      name,
      properties: { id: keyId, name, vaultUrl, ...(version !== undefined && { version }) },
    };
    return new CryptographyClient(key, this.#options.credential, this.#options.client);
  }
}

/** Vaults, keys and versions have names in which the letter case does not count. */
function isSameId(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function parseIdentifier(keyId: string) {
  try {
    return parseKeyVaultKeyIdentifier(keyId);
  } catch {
    throw unreadable('its kid is not an identifier of a Key Vault key');
  }
}

/** @throws KeyRingError `key_unreadable` where the element is of another form */
function read(secret: SealedXml) {
  try {
    const [root] = parseSealed(secret).children;
    const part = (name: string) => {
      const found = root && childNamed(root, name);
      if (!found) throw unreadable(`it has no ${name}`);
      return found;
    };
    const bytes = (name: string) => bytesPlace(part(name));
    return { kid: textPlace(part('kid')), key: bytes('key'), iv: bytes('iv'), value: bytes('value') };
  } catch (error) {
    if (error instanceof XmlFormError) throw unreadable(`it ${error.message}`);
    throw error;
  }
}
