import { openContainer } from '../azure/storage.ts';
import type { Clock } from '../clock.ts';
import { httpsProbe } from '../findings/diagnosis/connection/httpsProbe.ts';
import type { ConnectionProbe } from '../findings/diagnosis/connection/probe.ts';
import { redisProbe } from '../findings/diagnosis/connection/redisProbe.ts';
import { sqlProbe } from '../findings/diagnosis/connection/sqlProbe.ts';
import { redisAdvice, sqlAdvice } from '../findings/diagnosis/connection/stringAdvice.ts';
import { keyRingSubject, type RingSubject } from '../findings/diagnosis/subjects/ringSubject.ts';
import type { RingStatus } from '../keyRing/jobs/ringStatus.ts';
import type { KeyRing, RingProtector, RingStore, RingTable } from '../settings/subjects.ts';
import { openTable } from './cacheTables.ts';
import { probeLimitMs } from './diagnosisSubjects.ts';
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
  if (store.kind === 'blob') return { probe: await blobProbe(store, clock), advice: [] };
  return { probe: tableProbe(store, clock), advice: sqlAdvice[store.kind](store.connection) };
}

function tableProbe(store: RingTable, clock: Clock): ConnectionProbe {
  return sqlProbe(store, async () => {
    // Whatever the database can be asked, a cache's adapter asks; the table is the ring's.
    const database = await openTable({ ...store, name: 'ring', index: 'observe' }, probeLimitMs, clock);
    const ring = await openStore(store, clock);
    return {
      inspection: database.inspection,
      clock: () => ring.read(),
      close: async () => void (await Promise.all([database.close(), ring.close()])),
    };
  });
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
