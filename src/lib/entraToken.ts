import type { TokenCredential } from '@azure/identity';

/** The scope of Azure Database for PostgreSQL ("Use Microsoft Entra ID for authentication with Azure Database for PostgreSQL"). */
const postgresScope = 'https://ossrdbms-aad.database.windows.net/.default';

let credential: Promise<TokenCredential> | undefined;

/**
 * An Entra access token for Azure Database for PostgreSQL, by the identity that the environment offers (managed identity,
 * AZURE_CLIENT_ID, developer's login). The credential keeps tokens and renews them before they expire.
 */
export async function entraToken(): Promise<string> {
  const { token } = await (await azureCredential()).getToken(postgresScope).then((result) => result ?? { token: '' });
  return token;
}

/** The identity that the environment offers, for the SDKs of Azure. One for the whole process: it keeps its tokens. */
export function azureCredential(): Promise<TokenCredential> {
  credential ??= import('@azure/identity').then(({ DefaultAzureCredential }) => new DefaultAzureCredential());
  return credential;
}
