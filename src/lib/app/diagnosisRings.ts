import { openContainer } from '../azure/storage.ts';
import type { Clock } from '../clock.ts';
import { httpsProbe } from '../findings/diagnosis/connection/httpsProbe.ts';
import type { ConnectionProbe } from '../findings/diagnosis/connection/probe.ts';
import { redisProbe } from '../findings/diagnosis/connection/redisProbe.ts';
import { redisAdvice } from '../findings/diagnosis/connection/stringAdvice.ts';
import { keyRingSubject, type RingSubject } from '../findings/diagnosis/subjects/ringSubject.ts';
import type { RingStatus } from '../keyRing/jobs/ringStatus.ts';
import type { KeyRing, RingProtector, RingStore } from '../settings/subjects.ts';
import { openProtector, openStore } from './keyRingAdapters.ts';
import { nodesOf } from './redisNodes.ts';

/** Key rings as subjects of a diagnosis, from their settings. */
export async function ringSubject(
  { name, store, protector }: KeyRing,
  status: () => Promise<RingStatus>,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<RingSubject> {
  return keyRingSubject({
    name,
    store: await storeConnection(store, clock),
    protector: vaultConnection(protector, clock),
    status,
    clock,
    signal,
  });
}

async function storeConnection(store: RingStore, clock: Clock) {
  if (store.kind === 'folder') return undefined;
  if (store.kind === 'redis') {
    const { connection } = store;
    const connect = await nodesOf(connection, clock);
    return { probe: redisProbe(connection, connect), advice: redisAdvice(connection) };
  }
  return { probe: await blobProbe(store, clock), advice: [] };
}

async function blobProbe(store: Extract<RingStore, { kind: 'blob' }>, clock: Clock): Promise<ConnectionProbe> {
  const { url } = await openContainer(store.address, store.container);
  return httpsProbe({
    kind: 'Blob storage',
    url: new URL(url),
    request: async () => {
      const opened = await openStore(store, clock);
      try {
        await opened.read();
      } finally {
        await opened.close();
      }
    },
  });
}

function vaultConnection(protector: RingProtector, clock: Clock): { probe: ConnectionProbe } | undefined {
  if (protector.kind !== 'keyVault') return undefined;
  const request = async () => {
    const opened = await openProtector(protector, () => clock.now());
    await opened.versions();
  };
  return { probe: httpsProbe({ kind: 'Key Vault', url: new URL(protector.keyId), request }) };
}
