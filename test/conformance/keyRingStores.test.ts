/** Every store of key rings, on the real thing: a folder, Azurite, Redis. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContainerClient } from '@azure/storage-blob';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe } from 'vitest';
import { BlobStore } from '../../src/lib/keyRing/stores/blob.ts';
import { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { type Azurite, startAzurite } from '../support/azurite.ts';
import { redisRing } from '../support/redisRing.ts';
import { redisFound, startRedis } from '../support/redisServer.ts';
import { storeConformance } from './keyRingStore.ts';

storeConformance('a folder', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'key-ring-'));
  const folder = join(parent, 'keys');
  return {
    open: () => new FolderStore(folder),
    addByApp: (id, xml) => writeFile(join(folder, `key-${id}.xml`), xml),
    texts: async () => {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.xml'));
      return Promise.all(names.sort().map((name) => readFile(join(folder, name), 'utf8')));
    },
    remove: () => rm(parent, { recursive: true }),
  };
});

describe('Azurite', () => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(() => azurite.stop());

  storeConformance('a blob', async () => {
    const container = new ContainerClient(azurite.connectionString(), `keys-${randomUUID()}`);
    await container.create();
    const blob = container.getBlockBlobClient('ring/keys.xml');
    const read = async () => (await blob.downloadToBuffer()).toString('utf8');
    return {
      open: () =>
        new BlobStore(new ContainerClient(azurite.connectionString(), container.containerName), 'ring/keys.xml'),
      addByApp: async (_id, xml) => {
        const text = (await read()).replace('</repository>', `${xml}</repository>`);
        await blob.upload(text, Buffer.byteLength(text));
      },
      texts: async () => [await read()],
      remove: async () => void (await container.delete()),
    };
  });
});

describe.skipIf(!redisFound)('Redis', () => {
  let server: Awaited<ReturnType<typeof startRedis>>;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  storeConformance('a Redis list', async () => {
    const key = `ring-${randomUUID()}`;
    const app = new Redis(server.port, '127.0.0.1');
    return {
      open: () => redisRing(server.node, key),
      addByApp: async (_id, xml) => void (await app.rpush(key, xml)),
      texts: () => app.lrange(key, 0, -1),
      remove: async () => {
        await app.del(key);
        app.disconnect();
      },
    };
  });
});
