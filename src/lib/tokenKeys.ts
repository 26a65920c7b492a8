/** What Microsoft.Identity.Web keeps under a key, as far as the key tells (CacheKeyFactory.cs of MSAL.NET). */
export type EntryKind = 'user' | 'app' | 'onBehalfOf' | 'other';

const guid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** `{oid}.{tid}`, with the policy after the oid for B2C, behind the prefix of a Redis cache. */
const user = new RegExp(`^(.*?)(${guid})(?:-[\\w-]+)?\\.(${guid})$`, 'is');
/** A SHA-256 hash in base64. */
const hash = '[\\w+/-]{43}';
/**
 * `{clientId}_{tenantId}_AppTokenCache`: before it the thumbprint of a proof-of-possession key, where the token is bound to
 * one; the tenant may be empty, and a hash of further parameters of the request may follow it.
 */
const app = new RegExp(`^(.*?)(?:${hash})?(${guid})(?:_[\\w.-]*)?_AppTokenCache$`, 'is');
/**
 * The hash of the assertion that an on-behalf-of token was got for, or the key of a long-running session: an app chooses that,
 * most of them a GUID.
 */
const assertion = new RegExp(`^${hash}=?$`);
const session = new RegExp(`^(?:${guid}|[0-9a-f]{32})$`, 'i');

/** Whether an on-behalf-of entry goes by its assertion: no other assertion finds it. */
export function isAssertion(key: string): boolean {
  return assertion.test(key);
}

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
  return { kind: isAssertion(key) || session.test(key) ? 'onBehalfOf' : 'other' };
}
