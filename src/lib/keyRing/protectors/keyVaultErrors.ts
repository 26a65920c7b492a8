import { isCredentialError, KeyRingError } from '../keyRingError.ts';
import { isAbort } from '../patience.ts';

/** What the SDK throws (RestError of core-rest-pipeline), as far as it is looked at. */
interface VaultFailure {
  name?: string;
  statusCode?: number;
  code?: string;
  /** The service says `innererror`, the SDK's models `innerError`. */
  details?: { error?: { code?: string; innererror?: { code?: string }; innerError?: { code?: string } } };
}

export function unreadable(reason: string): KeyRingError {
  return new KeyRingError(
    'key_unreadable',
    `The key cannot be read: ${reason}.`,
    'Enable or recover the Key Vault key version that it names; if that is lost, revoke the key so that a new one is published.',
  );
}

/** What a vault's refusal means, without its answer: that may quote the request. */
export function explainVaultError(error: unknown, keyId: string, doing: string): KeyRingError {
  if (error instanceof KeyRingError) return error;
  const { name, statusCode, code, details } = error as VaultFailure;
  const refusal = details?.error;
  const inner = refusal?.innererror?.code ?? refusal?.innerError?.code ?? refusal?.code ?? code ?? '';
  if (statusCode === 404) return unreadable(`${keyId} does not exist in the vault, or was deleted (${inner || 404})`);
  if (statusCode === 403 && inner === 'KeyDisabled') return unreadable(`${keyId} is disabled`);
  if (statusCode === 403 && /expired/i.test(inner)) {
    return new KeyRingError(
      'key_vault_expired',
      `${keyId} has expired: it wraps no more.`,
      'Create a new version of the key.',
    );
  }
  if (statusCode === 400 && doing.startsWith('wrap')) {
    return new KeyRingError(
      'key_vault_unsuitable',
      `${keyId} refuses to wrap (${inner || 400}): it is not an RSA key, or may not be used for wrapKey.`,
      'Name an RSA key with the operations wrapKey and unwrapKey, in the apps and in KEY_RINGS: an EC key can wrap nothing.',
    );
  }
  if (statusCode === 400) return unreadable(`${keyId} does not unwrap it (${inner || 400})`);
  if (statusCode === 401 || statusCode === 403 || isCredentialError(error)) {
    return new KeyRingError(
      'key_vault_forbidden',
      `This identity may not ${doing} ${keyId} (${inner || statusCode || name}).`,
      'Give it the role Key Vault Crypto User on the key (get, list, wrapKey, unwrapKey), and look at the firewall of the vault.',
    );
  }
  return new KeyRingError(
    'key_vault_unavailable',
    `The vault did not answer as it should when asked to ${doing} ${keyId} (${isAbort(error) ? 'no answer in time' : inner || statusCode || name}).`,
    "If it lasts, look at the vault's health, its throttling and the network; the next run tries again.",
    true,
  );
}
