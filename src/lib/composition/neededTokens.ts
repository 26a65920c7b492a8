import type { AccessToken } from '@azure/identity';
import { entraAccessToken } from '../entraToken.ts';
import { isAzureHost } from '../redisCache/azureHosts.ts';
import { parseConnectionString as parseRedis } from '../redisCache/connectionString.ts';
import { redisScope } from '../redisCache/entraLogin.ts';
import type { CacheSettings } from '../settings/cacheSettings.ts';
import type { KeyRingSettings } from '../settings/keyRingSettings.ts';
import type { Settings } from '../settings/settings.ts';
import { parseConnectionString as parsePostgres } from '../sqlCache/postgres/connectionString.ts';
import { parseConnectionString as parseSqlServer } from '../sqlCache/sqlServer/connectionString.ts';

/** A token that some cache or ring needs, each in the way in which its adapter gets it. */
type TokenRequest = () => Promise<AccessToken | null>;

/** Undefined where no setting needs an identity. */
export function identityCheckOf({ caches, rings, redis }: Settings) {
  const requests = new Map<string, TokenRequest>();
  for (const cache of caches) addCache(requests, cache, redis.authentication);
  for (const ring of rings) addRing(requests, ring);
  if (requests.size === 0) return undefined;
  return async () => {
    const tokens = await Promise.all([...requests.values()].map((request) => request()));
    const expires = Math.min(...tokens.map((token) => token?.expiresOnTimestamp ?? 0));
    return { scopes: requests.size, expires: new Date(expires) };
  };
}

function addCache(
  requests: Map<string, TokenRequest>,
  { engine, connectionString }: CacheSettings,
  authentication: Settings['redis']['authentication'],
): void {
  const ofScope = (scope: string) => requests.set(scope, () => entraAccessToken(scope));
  switch (engine) {
    case 'postgres':
      // A password stands for itself; else a function that fetches a token.
      if (typeof parsePostgres(connectionString, async () => '').password === 'function')
        ofScope('https://ossrdbms-aad.database.windows.net/.default');
      return;
    case 'sqlserver': {
      const { login } = parseSqlServer(connectionString);
      if (login.kind === 'sql') return;
      requests.set(`sql ${login.kind} ${login.clientId ?? ''}`, async () => {
        const { credentialFor } = await import('../sqlCache/sqlServer/credentials.ts');
        return (await credentialFor(login)).getToken('https://database.windows.net/.default');
      });
      return;
    }
    case 'redis': {
      const { endpoints, password } = parseRedis(connectionString);
      const azure = endpoints.every(({ host }) => isAzureHost(host));
      if (authentication === 'entra' || (authentication === 'auto' && password === undefined && azure))
        ofScope(redisScope);
    }
  }
}

function addRing(requests: Map<string, TokenRequest>, { store, protector }: KeyRingSettings): void {
  const ofScope = (scope: string) => requests.set(scope, () => entraAccessToken(scope));
  if (store.kind === 'blob' && 'url' in store && !new URL(store.url).searchParams.has('sig'))
    ofScope('https://storage.azure.com/.default');
  if (protector.kind === 'keyVault') ofScope('https://vault.azure.net/.default');
}
