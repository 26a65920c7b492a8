import type { Clock } from '../clock.ts';
import { httpsProbe } from '../diagnosis/connection/httpsProbe.ts';
import type { ConnectionProbe } from '../diagnosis/connection/probe.ts';
import { redisProbe } from '../diagnosis/connection/redisProbe.ts';
import { redisAdvice } from '../diagnosis/connection/stringAdvice.ts';
import { RingSubject } from '../diagnosis/subjects/ringSubject.ts';
import { entraCredential } from '../entraToken.ts';
import type { RingStatus } from '../keyRing/ringStatus.ts';
import { parseConnectionString as parseRedis } from '../redisCache/connectionString.ts';
import type { KeyRingSettings, RingProtectorSettings, RingStoreSettings } from '../settings/keyRingSettings.ts';
import type { Settings } from '../settings/settings.ts';
import { openProtector, openStore, splitBlobUrl } from './keyRingAdapters.ts';
import { connectorTo } from './redisNodes.ts';

/** Key rings as subjects of a diagnosis, from their settings. */
export async function ringSubject(
  { name, store, protector }: KeyRingSettings,
  status: () => Promise<RingStatus>,
  { settings, clock, signal }: { settings: Settings; clock: Clock; signal: AbortSignal },
): Promise<RingSubject> {
  return new RingSubject({
    name,
    store: await storeConnection(store, settings, clock),
    protector: vaultConnection(protector, clock),
    status,
    clock,
    signal,
  });
}

async function storeConnection(store: RingStoreSettings, { redis }: Settings, clock: Clock) {
  if (store.kind === 'folder') return undefined;
  if (store.kind === 'redis') {
    const connection = parseRedis(store.connectionString);
    const connect = await connectorTo(connection, redis, clock);
    return { probe: redisProbe(connection, connect, redis.ca), advice: redisAdvice(connection) };
  }
  return { probe: await blobProbe(store, redis, clock), advice: [] };
}

async function blobProbe(
  store: Extract<RingStoreSettings, { kind: 'blob' }>,
  redis: Settings['redis'],
  clock: Clock,
): Promise<ConnectionProbe> {
  const { ContainerClient } = await import('@azure/storage-blob');
  const address =
    'url' in store
      ? splitBlobUrl(store.url).container
      : new ContainerClient(store.connectionString, store.container).url;
  return httpsProbe({
    kind: 'Blob storage',
    url: new URL(address),
    request: async () => {
      const opened = await openStore(store, entraCredential, redis, clock);
      try {
        await opened.read();
      } finally {
        await opened.close();
      }
    },
  });
}

function vaultConnection(protector: RingProtectorSettings, clock: Clock): { probe: ConnectionProbe } | undefined {
  if (protector.kind !== 'keyVault') return undefined;
  const request = async () => {
    const opened = await openProtector(protector, entraCredential, () => clock.now());
    await opened.versions();
  };
  return { probe: httpsProbe({ kind: 'Key Vault', url: new URL(protector.keyId), request }) };
}
