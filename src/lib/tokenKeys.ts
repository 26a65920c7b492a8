/** What Microsoft.Identity.Web keeps under a key, as far as the key tells. */
export type EntryKind = 'user' | 'app' | 'onBehalfOf' | 'other';

const guid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** `{oid}.{tid}`, with the policy after the oid for B2C, behind the prefix of a Redis cache. */
const user = new RegExp(`^(.*?)(${guid})(?:-[\\w-]+)?\\.(${guid})$`, 'is');
/** `{clientId}_{tenantId}_AppTokenCache`; the tenant may be missing. */
const app = new RegExp(`^(.*?)(${guid})(?:_[\\w.-]+)?_AppTokenCache$`, 'is');
/** The hash of the assertion that an on-behalf-of token was got for: 32 bytes in base64. */
const onBehalfOf = /^[\w+/-]{43}=?$/;

interface KeyParts {
  kind: EntryKind;
  /** In keys of app entries. */
  clientId?: string;
  /** In keys of user entries. */
  objectId?: string;
  tenantId?: string;
}

/** Undefined where it is not a key of a user's or an app's tokens, whatever stands before them. */
export function tokenKey(key: string): (KeyParts & { prefix: string; kind: 'user' | 'app' }) | undefined {
  const [, userPrefix = '', objectId, tenantId] = user.exec(key) ?? [];
  if (objectId && tenantId) return { prefix: userPrefix, kind: 'user', objectId, tenantId };
  const [, prefix = '', clientId] = app.exec(key) ?? [];
  return clientId ? { prefix, kind: 'app', clientId: clientId.toLowerCase() } : undefined;
}

/** What a key without its prefix is. */
export function keyParts(key: string): KeyParts {
  const found = tokenKey(key);
  if (found?.prefix === '') return found;
  return { kind: onBehalfOf.test(key) ? 'onBehalfOf' : 'other' };
}
