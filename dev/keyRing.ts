import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { selfSigned } from './certificate.ts';
import { temporaryFolder } from './temporaryFolder.ts';

/** The settings of a key ring on this machine, and the removal of its certificate. */
export interface LocalKeyRing {
  settings: Record<string, string>;
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
  return { settings: { KEY_RINGS: JSON.stringify([ring]), KEY_RING_STORAGE: storage }, stop: folder.remove };
}
