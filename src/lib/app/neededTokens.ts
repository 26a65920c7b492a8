import { accessToken, identityOf, type TokenNeed } from '../azure/credentials.ts';
import { storageScope } from '../azure/storage.ts';
import type { Settings } from '../settings/settings.ts';
import type { KeyRing } from '../settings/subjects.ts';

/** Whether a token can be had for whatever needs one; undefined where nothing does. */
export function identityCheckOf({ sqlCaches, redisCaches, rings }: Settings) {
  const needs = new Map<string, TokenNeed>();
  for (const need of [
    ...[...sqlCaches, ...redisCaches].flatMap(({ connection }) => connection.token ?? []),
    ...rings.flatMap(tokensOf),
  ])
    needs.set(JSON.stringify(need), need);
  if (needs.size === 0) return undefined;
  return async () => {
    const tokens = await Promise.all([...needs.values()].map(accessToken));
    const expires = Math.min(...tokens.map(({ expiresOnTimestamp }) => expiresOnTimestamp));
    return { scopes: needs.size, expires: new Date(expires) };
  };
}

function tokensOf({ store, protector }: KeyRing): TokenNeed[] {
  const needs: TokenNeed[] = [];
  if (store.kind === 'blob' && 'identity' in store.address)
    needs.push({ scope: storageScope, identity: store.address.identity });
  if ('connection' in store && store.connection.token) needs.push(store.connection.token);
  if (protector.kind === 'keyVault') needs.push({ scope: 'https://vault.azure.net/.default', identity: identityOf() });
  return needs;
}
