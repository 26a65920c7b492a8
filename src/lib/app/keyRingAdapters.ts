import { credentialOf } from '../azure/credentials.ts';
import { openContainer } from '../azure/storage.ts';
import type { Clock } from '../clock.ts';
import { KeyRingError } from '../keyRing/keyRingError.ts';
import type { KeyProtector } from '../keyRing/protectors/keyProtector.ts';
import type { KeyRingStore } from '../keyRing/reading/keyRingStore.ts';
import type { OpenLine } from '../keyRing/stores/redisConnection.ts';
import type { RingProtector, RingStore } from '../settings/subjects.ts';
import { lineOptions } from './redisNodes.ts';

/** The adapters of a ring. Their SDKs are loaded only now: a function app without key rings pays for none. */

export async function openStore(store: RingStore, clock: Clock): Promise<KeyRingStore> {
  switch (store.kind) {
    case 'folder': {
      const { FolderStore } = await import('../keyRing/stores/folder.ts');
      return new FolderStore(store.path);
    }
    case 'blob': {
      const { BlobStore } = await import('../keyRing/stores/blob.ts');
      return new BlobStore(await openContainer(store.address, store.container), store.blob);
    }
    case 'redis': {
      const [{ openPrimaryLine }, { Patience }, { RingConnection }, { RedisStore }] = await Promise.all([
        import('../redis/line/sentinelLine.ts'),
        import('../keyRing/patience.ts'),
        import('../keyRing/stores/redisConnection.ts'),
        import('../keyRing/stores/redis.ts'),
      ]);
      const options = lineOptions(store.connection, clock);
      const open: OpenLine = (endpoint, signal) => openPrimaryLine(endpoint, options, signal);
      return new RedisStore(new RingConnection(store.connection.endpoints, open, new Patience({ clock })), store.key);
    }
    case 'postgres':
      return (await import('../keyRing/stores/postgresTable.ts')).postgresRing({ ...store, clock });
    case 'sqlserver':
      return (await import('../keyRing/stores/sqlServerTable.ts')).sqlServerRing({ ...store, clock });
  }
}

export async function openProtector(protector: RingProtector, now: () => Date): Promise<KeyProtector> {
  switch (protector.kind) {
    case 'none': {
      const { noProtector } = await import('../keyRing/protectors/none.ts');
      return noProtector;
    }
    case 'certificate': {
      const [{ CertificateProtector }, { loadCertificate }] = await Promise.all([
        import('../keyRing/protectors/certificate.ts'),
        import('../keyRing/protectors/certificateFile.ts'),
      ]);
      const [first, ...others] = await Promise.all(protector.certificates.map((file) => loadCertificate(file)));
      if (!first)
        throw new KeyRingError('certificate_unreadable', 'The ring names no certificate.', 'Name one in KEY_RINGS.');
      return new CertificateProtector([first, ...others]);
    }
    case 'keyVault': {
      const { KeyVaultProtector } = await import('../keyRing/protectors/keyVault.ts');
      return new KeyVaultProtector({ keyId: protector.keyId, credential: await credentialOf(), now });
    }
  }
}
