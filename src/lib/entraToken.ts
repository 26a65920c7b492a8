import type { AccessToken, TokenCredential } from '@azure/identity';

/** The scope of Azure Database for PostgreSQL ("Use Microsoft Entra ID for authentication with Azure Database for PostgreSQL"). */
const postgresScope = 'https://ossrdbms-aad.database.windows.net/.default';

let credential: Promise<TokenCredential> | undefined;

/**
 * An Entra access token for Azure Database for PostgreSQL, by the identity that the environment offers (managed identity,
 * AZURE_CLIENT_ID, developer's login). The credential keeps tokens and renews them before they expire.
 */
export async function entraToken(): Promise<string> {
  return (await entraAccessToken(postgresScope)).token;
}

/** As {@link entraToken}, for any scope, with the instant at which the token expires. */
export async function entraAccessToken(scope: string): Promise<AccessToken> {
  const token = await (await entraCredential()).getToken(scope);
  return token ?? { token: '', expiresOnTimestamp: 0 };
}

/** The credential itself, for Azure's own clients. One for all: it keeps the tokens. */
export function entraCredential(): Promise<TokenCredential> {
  credential ??= import('@azure/identity').then(({ DefaultAzureCredential }) => new DefaultAzureCredential());
  return credential;
}
