import type { Protection } from '../reading/keyRing.ts';
import type { SealedXml } from '../reading/xml.ts';

/**
 * The port to what protects the secrets of a ring's keys at rest. Secrets and what stands in for them are elements of XML,
 * sealed. `test/conformance/keyProtector.ts` holds what each adapter must do.
 */
export interface KeyProtector {
  readonly kind: 'keyVault' | 'certificate' | 'none';
  /** What it is, without a secret. */
  readonly description: string;
  /**
   * Protects a `masterKey` element with the newest version or certificate. `decryptorType` is the one that the ring's
   * consumers are known to have; undefined where there is none to copy.
   */
  protect(secret: SealedXml, decryptorType: string | undefined): Promise<SealedXml>;
  /** @throws KeyRingError where the secret cannot be had; `key_unreadable` where that is the key's fault and will stay so */
  unprotect(secret: SealedXml): Promise<SealedXml>;
  /** What a new key is protected with. */
  newest(): Promise<ProtectorVersion>;
  /** All versions or certificates that there are, the newest first. */
  versions(): Promise<ProtectorVersion[]>;
  /**
   * The same secret, wrapped for the newest version; the secret itself is not decrypted. Proven by unwrapping.
   * Undefined where it is already there.
   */
  rewrap(secret: SealedXml): Promise<SealedXml | undefined>;
}

/** A version of a Key Vault key, or a certificate. */
export interface ProtectorVersion {
  /** The full key identifier, or the certificate's thumbprint. */
  id: string;
  created: Date | undefined;
  /** Not used for new keys before. */
  notBefore: Date | undefined;
  expires: Date | undefined;
  /** False for one that no longer unwraps. */
  enabled: boolean;
}

/** What names the version that a key is protected with; undefined where it is not this protector's. */
export function versionOf(protection: Protection): string | undefined {
  if (protection.kind === 'keyVault') return protection.keyId;
  return protection.kind === 'certificate' ? protection.thumbprint : undefined;
}
