import type { TokenCredential } from '@azure/identity';
import { MaintenanceError } from '../../errors.ts';
import type { Login } from './connectionString.ts';

export type EntraLogin = Exclude<Login, { kind: 'sql' }>;

/** Loaded only when Entra ID is used: it is the largest of the dependencies. */
export async function credentialFor(login: EntraLogin): Promise<TokenCredential> {
  const identity = await import('@azure/identity');
  switch (login.kind) {
    case 'managedIdentity':
      return login.clientId
        ? new identity.ManagedIdentityCredential({ clientId: login.clientId })
        : new identity.ManagedIdentityCredential();
    case 'workloadIdentity':
      return new identity.WorkloadIdentityCredential(login.clientId ? { clientId: login.clientId } : {});
    case 'default':
      return new identity.DefaultAzureCredential(login.clientId ? { managedIdentityClientId: login.clientId } : {});
    case 'servicePrincipal': {
      const tenantId = login.tenantId ?? process.env.AZURE_TENANT_ID;
      if (tenantId) return new identity.ClientSecretCredential(tenantId, login.clientId, login.clientSecret);
      throw new MaintenanceError(
        'connection_string_invalid',
        'A service principal needs its tenant.',
        'Add `Tenant ID=…` to the connection string, or set AZURE_TENANT_ID.',
      );
    }
  }
}
