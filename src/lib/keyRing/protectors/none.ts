import { KeyRingError } from '../keyRingError.ts';
import { parseSealed } from '../reading/xml.ts';
import type { KeyProtector } from './keyProtector.ts';

/** No protection: whoever reads the store has the keys. */
export const noProtector: KeyProtector = {
  kind: 'none',
  description: 'none',
  protect: async (secret) => secret,
  unprotect: async (secret) => {
    if (parseSealed(secret).name === 'masterKey') return secret;
    throw new KeyRingError(
      'key_unreadable',
      'The key is protected, and the ring has no protector set.',
      "Name the apps' protector in KEY_RINGS.",
    );
  },
  newest: async () => ({ id: 'none', created: undefined, notBefore: undefined, expires: undefined, enabled: true }),
  versions: async () => [],
  rewrap: async () => undefined,
};
