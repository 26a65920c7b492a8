import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openProtector, openStore } from '../src/lib/app/keyRingAdapters.ts';
import { Maintenance } from '../src/lib/app/maintenance.ts';
import { systemClock } from '../src/lib/clock.ts';
import { readKeyRing } from '../src/lib/keyRing/reading/readKeyRing.ts';
import { secretOf } from '../src/lib/keyRing/reading/ringXml.ts';
import { noRecordStore } from '../src/lib/runs/recordStore.ts';
import { readSettings } from '../src/lib/settings/settings.ts';
import { selfSigned } from './certificate.ts';
import type { ProtectionKey } from './dataProtection.ts';
import { temporaryFolder } from './temporaryFolder.ts';

/** A key ring on this machine, and the removal of its certificate. */
export interface LocalKeyRing {
  /** @param caches names of those whose entries it protects */
  settings(caches: string[]): Record<string, string>;
  /** Its first key, which the app protects its entries with. */
  key: ProtectionKey;
  stop(): void;
}

const container = 'dataprotection';
const certificateFile = 'key-ring.pem';

/**
 * A ring that this tool manages, in a blob of the local storage. A certificate made for it protects its keys: that needs no
 * vault, and goes the way of a ring in production, where keys in plain text (`none`) would warn at each run.
 */
export async function prepareKeyRing(storage: string): Promise<LocalKeyRing> {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  await BlobServiceClient.fromConnectionString(storage).getContainerClient(container).createIfNotExists();
  const folder = temporaryFolder('key-ring');
  const path = join(folder.path, certificateFile);
  const { certificatePem, keyPem } = selfSigned('token-cache-maintenance, local');
  writeFileSync(path, certificatePem + keyPem, { mode: 0o600 });
  const ring = {
    name: 'web',
    mode: 'manage',
    store: { kind: 'blob', connectionStringSetting: 'KEY_RING_STORAGE', container, blob: 'keys.xml' },
    protector: { kind: 'certificate', certificates: [{ path }] },
  };
  const settings = (caches: string[]) => ({
    KEY_RINGS: JSON.stringify([{ ...ring, caches }]),
    KEY_RING_STORAGE: storage,
  });
  return { settings, key: await firstKey(settings([])), stop: folder.remove };
}

/** Publishes the ring's first key, as the timer would, and reads it as an app does. */
async function firstKey(environment: Record<string, string>): Promise<ProtectionKey> {
  const settings = readSettings(environment, 'table');
  const { error } = await new Maintenance(settings, () => undefined, noRecordStore).keyRings.rotate('web', 'start');
  if (error) throw new Error(`${error.message} ${error.advice}`);
  const [ring] = settings.rings;
  if (!ring) throw new Error('The local key ring is not in the settings.');
  const store = await openStore(ring.store, systemClock);
  const [key] = readKeyRing(await store.read()).keys;
  await store.close();
  const secret = key && secretOf(key.element.xml);
  if (!secret) throw new Error('The local key ring has no key.');
  const protector = await openProtector(ring.protector, () => systemClock.now());
  const [, value = ''] = /<value>([^<]+)</.exec((await protector.unprotect(secret)).reveal()) ?? [];
  return { id: key.id, masterKey: Buffer.from(value, 'base64') };
}
