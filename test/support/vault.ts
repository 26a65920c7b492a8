/**
 * Key Vault's REST interface for keys, on HTTPS and with real RSA keys, for the real @azure/keyvault-keys client: get key, its
 * versions, wrapKey, unwrapKey, challenge authentication. Written from the public REST reference. It proves the client, our
 * use of it and our handling of its errors; it does not prove Azure's rights, its throttling limits, or HSM-backed keys.
 */
import { constants, generateKeyPairSync, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { TokenCredential } from '@azure/identity';
import type { CryptographyClientOptions } from '@azure/keyvault-keys';
import { selfSigned } from './certificates.ts';

const token = 'token-of-the-test';

interface Version {
  version: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
  created: Date;
  expires?: Date;
  enabled: boolean;
}

/** A refusal in the vault's place, an answer that gets lost after the work was done, or none ever. */
type VaultFault = { status: number; code?: string; retryAfter?: string } | 'loseAnswer' | 'silence';

interface VaultRequest {
  operation: 'versions' | 'get' | 'wrapkey' | 'unwrapkey';
  version: string;
}

export interface Vault {
  url: string;
  keyId: string;
  credential: TokenCredential;
  now: () => Date;
  client: CryptographyClientOptions;
  /** Its TLS certificate, in PEM. */
  certificate: string;
  /** Requests that were authenticated, in order. */
  requests: VaultRequest[];
  /** A new version, by default created now. Returns its identifier. */
  addVersion(options?: { created?: Date; expires?: Date }): string;
  change(keyId: string, change: { enabled?: boolean; expires?: Date; deleted?: true }): void;
  setFaults(faults: (request: VaultRequest) => VaultFault | undefined): void;
  /** The private key of a version, as PEM. */
  pem(keyId: string): string;
  close(): Promise<void>;
}

export async function startVault(): Promise<Vault> {
  const tls = selfSigned('127.0.0.1');
  const versions: Version[] = [];
  const requests: VaultRequest[] = [];
  let faults: (request: VaultRequest) => VaultFault | undefined = () => undefined;
  const server = createServer({ key: tls.keyPem, cert: tls.certificatePem }, (incoming, answer) => {
    handle(incoming, answer).catch(() => incoming.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('no port');
  const url = `https://127.0.0.1:${address.port}`;
  const keyId = `${url}/keys/data-protection`;

  async function handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const send = (status: number, body: object, headers: Record<string, string> = {}) => {
      answer.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
      answer.end(JSON.stringify(body));
    };
    const refuse = (status: number, code: string, headers?: Record<string, string>) =>
      send(
        status,
        { error: { code: status === 403 ? 'Forbidden' : code, message: 'refused', innererror: { code } } },
        headers,
      );
    if (incoming.headers.authorization !== `Bearer ${token}`) {
      const challenge =
        'Bearer authorization="https://login.microsoftonline.com/tenant", resource="https://vault.azure.net"';
      return refuse(401, 'Unauthorized', { 'www-authenticate': challenge });
    }
    const [, , , version = '', action] = new URL(incoming.url ?? '/', url).pathname.split('/');
    const operation = version === 'versions' ? 'versions' : ((action as 'wrapkey' | 'unwrapkey' | undefined) ?? 'get');
    const asked: VaultRequest = { operation, version: operation === 'versions' ? '' : version };
    requests.push(asked);
    const fault = faults(asked);
    if (fault === 'silence') return;
    if (fault && fault !== 'loseAnswer') {
      return refuse(fault.status, fault.code ?? 'Error', fault.retryAfter ? { 'retry-after': fault.retryAfter } : {});
    }
    const body = work(asked, chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {});
    if (fault === 'loseAnswer') {
      incoming.socket.destroy();
      return;
    }
    if ('refusal' in body) return refuse(body.refusal.status, body.refusal.code);
    send(200, body);
  }

  function work({ operation, version }: VaultRequest, { alg, value }: { alg?: string; value?: string }) {
    if (operation === 'versions')
      return { value: versions.map(({ version: name }) => properties(name)), nextLink: null };
    const found = version ? versions.find((candidate) => candidate.version === version) : versions.at(-1);
    if (!found) return { refusal: { status: 404, code: 'KeyNotFound' } };
    if (operation === 'get') {
      const { kid, attributes } = properties(found.version);
      return {
        key: { ...found.publicKey.export({ format: 'jwk' }), kid, key_ops: ['wrapKey', 'unwrapKey'] },
        attributes,
      };
    }
    if (!found.enabled) return { refusal: { status: 403, code: 'KeyDisabled' } };
    if (alg !== 'RSA-OAEP' || value === undefined) return { refusal: { status: 400, code: 'BadParameter' } };
    const input = Buffer.from(value, 'base64url');
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    if (operation === 'wrapkey') {
      if (found.expires && found.expires < new Date()) return { refusal: { status: 403, code: 'KeyExpired' } };
      return {
        kid: `${keyId}/${version}`,
        value: publicEncrypt({ key: found.publicKey, padding }, input).toString('base64url'),
      };
    }
    try {
      return {
        kid: `${keyId}/${version}`,
        value: privateDecrypt({ key: found.privateKey, padding }, input).toString('base64url'),
      };
    } catch {
      return { refusal: { status: 400, code: 'BadParameter' } };
    }
  }

  function properties(version: string) {
    const found = versionOf(version);
    const seconds = (date: Date) => Math.floor(date.getTime() / 1000);
    const { created, expires, enabled } = found;
    return {
      kid: `${keyId}/${version}`,
      attributes: {
        enabled,
        created: seconds(created),
        updated: seconds(created),
        ...(expires && { exp: seconds(expires) }),
      },
    };
  }

  function versionOf(id: string): Version {
    const found = versions.find(({ version }) => id.endsWith(version));
    if (!found) throw new Error(`no version ${id}`);
    return found;
  }

  return {
    url,
    keyId,
    certificate: tls.certificatePem,
    requests,
    now: () => new Date(),
    credential: { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
    client: {
      tlsOptions: { ca: tls.certificatePem },
      retryOptions: { maxRetries: 2, retryDelayInMs: 1, maxRetryDelayInMs: 5 },
      // The vault of the test has no name under vault.azure.net.
      disableChallengeResourceVerification: true,
    } as CryptographyClientOptions,
    addVersion: ({ created = new Date(), expires } = {}) => {
      const version = (versions.length + 1).toString(16).padStart(32, '0');
      const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
      versions.push({ version, ...pair, created, enabled: true, ...(expires && { expires }) });
      return `${keyId}/${version}`;
    },
    change: (id, { enabled, expires, deleted }) => {
      const found = versionOf(id);
      if (enabled !== undefined) found.enabled = enabled;
      if (expires) found.expires = expires;
      if (deleted) versions.splice(versions.indexOf(found), 1);
    },
    setFaults: (chosen) => {
      faults = chosen;
    },
    pem: (id) => versionOf(id).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
