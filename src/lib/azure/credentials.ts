import type { AccessToken, TokenCredential } from '@azure/identity';
import type { Secret } from '../secret.ts';

/** Who asks Entra ID for tokens. `default`: whoever the environment offers (managed identity, AZURE_CLIENT_ID, developer's login). */
export type Identity =
  | { kind: 'default' | 'managedIdentity' | 'workloadIdentity'; clientId: string | undefined }
  | { kind: 'servicePrincipal'; clientId: string; clientSecret: Secret; tenantId: string };

/** A token that a connection needs, where no password stands for itself. */
export interface TokenNeed {
  scope: string;
  identity: Identity;
}

/** By the client id of a user-assigned identity, where it is given. */
export function identityOf(clientId?: string): Identity {
  return { kind: clientId ? 'managedIdentity' : 'default', clientId };
}

const kept = new Map<string, Promise<TokenCredential>>();

/** One for each identity: it keeps tokens, and renews them before they expire. The library is loaded only now: it is the largest. */
export function credentialOf(identity: Identity = identityOf()): Promise<TokenCredential> {
  const { kind, clientId } = identity;
  const service = 'clientSecret' in identity ? [identity.tenantId, identity.clientSecret.reveal()] : [];
  const key = [kind, clientId, ...service].join(' ');
  const credential = kept.get(key) ?? makeCredential(identity);
  kept.set(key, credential);
  return credential;
}

/** The token, with the instant at which it expires. */
export async function accessToken({ scope, identity }: TokenNeed): Promise<AccessToken> {
  const token = await (await credentialOf(identity)).getToken(scope);
  return token ?? { token: '', expiresOnTimestamp: 0 };
}

async function makeCredential(identity: Identity): Promise<TokenCredential> {
  const library = await import('@azure/identity');
  const { clientId } = identity;
  switch (identity.kind) {
    case 'managedIdentity':
      return clientId ? new library.ManagedIdentityCredential({ clientId }) : new library.ManagedIdentityCredential();
    case 'workloadIdentity':
      return new library.WorkloadIdentityCredential(clientId ? { clientId } : {});
    case 'default':
      return new library.DefaultAzureCredential(clientId ? { managedIdentityClientId: clientId } : {});
    case 'servicePrincipal':
      return new library.ClientSecretCredential(identity.tenantId, identity.clientId, identity.clientSecret.reveal());
  }
}
