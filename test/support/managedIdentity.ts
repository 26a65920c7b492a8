/**
 * A stand-in for the managed identity endpoint of App Service ("How to use managed identities", REST endpoint reference,
 * 2019-08-01), for the real identity library. It proves who is asked for and that the token is used, not that Entra grants it.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';

export interface ManagedIdentity {
  settings: Record<string, string>;
  token: string;
  requests: URLSearchParams[];
  stop(): Promise<void>;
}

export async function startManagedIdentity(): Promise<ManagedIdentity> {
  const token = 'token-of-the-managed-identity';
  const requests: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    requests.push(new URL(request.url ?? '/', 'http://localhost').searchParams);
    const expires = Math.floor(Date.now() / 1000) + 3_600;
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ access_token: token, expires_on: String(expires), resource: 'any', token_type: 'Bearer' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return {
    settings: { IDENTITY_ENDPOINT: `http://127.0.0.1:${port}/msi/token`, IDENTITY_HEADER: 'of-the-platform' },
    token,
    requests,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
