/** What Microsoft.Identity.Web keeps under a key, as far as the key tells. */
export type EntryKind = 'user' | 'app' | 'onBehalfOf' | 'other';

const guid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** `{oid}.{tid}`, with the policy after the oid for B2C. */
const user = new RegExp(`^(${guid})(-[\\w-]+)?\\.(${guid})$`, 'i');
/** `{clientId}_{tenantId}_AppTokenCache`; the tenant may be missing. */
const app = new RegExp(`^(${guid})(_(${guid}|[\\w.-]+))?_AppTokenCache$`, 'i');
/** The hash of the assertion that an on-behalf-of token was got for: 32 bytes in base64. */
const onBehalfOf = /^[\w+/-]{43}=?$/;

export interface KeyParts {
  kind: EntryKind;
  /** Of app entries. */
  clientId?: string;
  /** Of user entries. */
  objectId?: string;
  tenantId?: string;
}

export function keyParts(key: string): KeyParts {
  const ofUser = user.exec(key);
  if (ofUser?.[1] && ofUser[3]) return { kind: 'user', objectId: ofUser[1], tenantId: ofUser[3] };
  const ofApp = app.exec(key);
  if (ofApp?.[1]) return { kind: 'app', clientId: ofApp[1].toLowerCase() };
  return { kind: onBehalfOf.test(key) ? 'onBehalfOf' : 'other' };
}
