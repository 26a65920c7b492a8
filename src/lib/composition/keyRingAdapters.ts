import type { TokenCredential } from '@azure/identity';
import type { Clock } from '../clock.ts';
import type { KeyProtector } from '../keyRing/keyProtector.ts';
import { KeyRingError } from '../keyRing/keyRingError.ts';
import type { KeyRingStore } from '../keyRing/keyRingStore.ts';
import type { OpenLine } from '../keyRing/stores/redisConnection.ts';
import { parseConnectionString } from '../redisCache/connectionString.ts';
import type { RingProtectorSettings, RingStoreSettings } from '../settings/keyRingSettings.ts';
import type { RedisSettings } from '../settings/redisSettings.ts';
import { lineOptions } from './redisNodes.ts';

/** The adapters of a ring. Their SDKs are loaded only now: a function app without key rings pays for none. */

export type Credential = () => Promise<TokenCredential>;

export async function openStore(
  settings: RingStoreSettings,
  credential: Credential,
  redis: RedisSettings,
  clock: Clock,
): Promise<KeyRingStore> {
  switch (settings.kind) {
    case 'folder': {
      const { FolderStore } = await import('../keyRing/stores/folder.ts');
      return new FolderStore(settings.path);
    }
    case 'blob': {
      const [{ ContainerClient }, { BlobStore }] = await Promise.all([
        import('@azure/storage-blob'),
        import('../keyRing/stores/blob.ts'),
      ]);
      if ('connectionString' in settings) {
        return new BlobStore(new ContainerClient(settings.connectionString, settings.container), settings.blob);
      }
      const { container, blob, signed } = splitBlobUrl(settings.url);
      return new BlobStore(
        signed ? new ContainerClient(container) : new ContainerClient(container, await credential()),
        blob,
      );
    }
    case 'redis': {
      const [{ openLine }, { RingConnection }, { RedisStore }] = await Promise.all([
        import('../redisCache/ioredis/ioredisLine.ts'),
        import('../keyRing/stores/redisConnection.ts'),
        import('../keyRing/stores/redis.ts'),
      ]);
      const connection = parseConnectionString(settings.connectionString);
      const options = lineOptions(connection, redis, clock);
      const open: OpenLine = (endpoint, signal) => openLine(endpoint, options, signal);
      return new RedisStore(new RingConnection(connection.endpoints, open), settings.key);
    }
  }
}

export async function openProtector(
  settings: RingProtectorSettings,
  credential: Credential,
  now: () => Date,
): Promise<KeyProtector> {
  switch (settings.kind) {
    case 'none': {
      const { noProtector } = await import('../keyRing/protectors/none.ts');
      return noProtector;
    }
    case 'certificate': {
      const [{ CertificateProtector }, { loadCertificate }] = await Promise.all([
        import('../keyRing/protectors/certificate.ts'),
        import('../keyRing/protectors/certificateFile.ts'),
      ]);
      const [first, ...others] = await Promise.all(settings.certificates.map(loadCertificate));
      if (!first)
        throw new KeyRingError('certificate_unreadable', 'The ring names no certificate.', 'Name one in KEY_RINGS.');
      return new CertificateProtector([first, ...others]);
    }
    case 'keyVault': {
      const { KeyVaultProtector } = await import('../keyRing/protectors/keyVault.ts');
      return new KeyVaultProtector({ keyId: settings.keyId, credential: await credential(), now });
    }
  }
}

/** The URL of a blob as that of its container and the blob's name; with a signature (SAS), that is all the access there is. */
export function splitBlobUrl(url: string): { container: string; blob: string; signed: boolean } {
  const parsed = new URL(url);
  const [, container, ...rest] = parsed.pathname.split('/');
  return {
    container: `${parsed.origin}/${container ?? ''}${parsed.search}`,
    blob: decodeURIComponent(rest.join('/')),
    signed: parsed.searchParams.has('sig'),
  };
}
