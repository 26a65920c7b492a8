import { randomBytes, randomUUID } from 'node:crypto';
import { type ProtectionKey, protect } from './dataProtection.ts';

/** MsalDistributedTokenCacheAdapter.cs of Microsoft.Identity.Web: the purpose that it protects entries for. */
const purpose = 'msal_cache';
/** One in so many entries is large: its user has many groups. */
const largeEvery = 100;
const applicationName = 'token-cache-demonstration';
const clientId = randomUUID();

/**
 * So many values as Microsoft.Identity.Web keeps them with `Encrypt = true`: MSAL's JSON of one user, of 2 to 9 KB, a few up to
 * 50 KB, protected with the ring's key.
 */
export function tokenEntries(key: ProtectionKey, count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => {
    const size = index % largeEvery === largeEvery - 1 ? between(9_000, 50_000) : between(2_000, 9_000);
    return protect(key, [applicationName, purpose], Buffer.from(userCache(size)));
  });
}

/** A key of no ring: where there is none, and nobody reads the entries. */
export const ownKey = (): ProtectionKey => ({ id: randomUUID(), masterKey: randomBytes(64) });

/** What MSAL keeps of a user, about `size` bytes long. */
function userCache(size: number): string {
  const tenant = randomUUID();
  const account = `${randomUUID()}.${tenant}`;
  const environment = 'login.windows.net';
  const common = { home_account_id: account, environment, client_id: clientId };
  const now = Math.floor(Date.now() / 1_000);
  const scopes = 'openid profile user.read';
  const empty = 900;
  const tokens = randomBytes(Math.max(300, Math.floor(((size - empty) * 3) / 4))).toString('base64url');
  const third = Math.floor(tokens.length / 3);
  const secret = (place: number) => tokens.slice(place * third, (place + 1) * third);
  return JSON.stringify({
    AccessToken: {
      [`${account}-${environment}-accesstoken-${clientId}-${tenant}-${scopes}`]: {
        ...common,
        credential_type: 'AccessToken',
        secret: secret(0),
        realm: tenant,
        target: scopes,
        cached_at: String(now),
        expires_on: String(now + 3_600),
      },
    },
    RefreshToken: {
      [`${account}-${environment}-refreshtoken-${clientId}--`]: {
        ...common,
        credential_type: 'RefreshToken',
        secret: secret(1),
      },
    },
    IdToken: {
      [`${account}-${environment}-idtoken-${clientId}-${tenant}-`]: {
        ...common,
        credential_type: 'IdToken',
        secret: secret(2),
        realm: tenant,
      },
    },
    Account: { [`${account}-${environment}-${tenant}`]: { home_account_id: account, environment, realm: tenant } },
    AppMetadata: { [`appmetadata-${environment}-${clientId}`]: { environment, client_id: clientId } },
  });
}

function between(least: number, most: number): number {
  return least + Math.floor(Math.random() * (most - least));
}
