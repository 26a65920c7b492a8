/**
 * Apps on ASP.NET Core 8 to 11 that add keys while this project rotates, revokes and prunes the same ring: nothing is lost, and
 * everybody can read what comes out. The .NET writer of a blob is a stand-in on the real storage client (ringReader/Blobs.cs).
 */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContainerClient } from '@azure/storage-blob';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { pruneKeyRing } from '../../src/lib/keyRing/jobs/prune.ts';
import { revokeKeys } from '../../src/lib/keyRing/jobs/revoke.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { consumerVersions } from '../../src/lib/keyRing/reading/consumerVersions.ts';
import type { KeyRingStore } from '../../src/lib/keyRing/reading/keyRingStore.ts';
import { readKeyRing } from '../../src/lib/keyRing/reading/readKeyRing.ts';
import { BlobStore } from '../../src/lib/keyRing/stores/blob.ts';
import { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { startAzurite } from '../support/azurite.ts';
import { dotnetFound, dotnetTimeLimitMs } from '../support/dataProtection.ts';
import { redisRing } from '../support/redisRing.ts';
import { redisFound, startRedis } from '../support/redisServer.ts';
import { day, idFrom, plainKey } from '../support/ringBuilder.ts';
import { type ReaderQuestion, RingReaders, type RunningReader } from '../support/ringReaders.ts';
import { npgsqlForm, postgresTableRing } from '../support/tableRing.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import { fill, jobDeps } from '../support/testRing.ts';

const rounds = 20;
const database = useTestDatabase();

describe.skipIf(!dotnetFound)(`${rounds} rounds of races with .NET writers`, () => {
  let readers: RingReaders;
  beforeAll(async () => {
    readers = RingReaders.build();
  }, dotnetTimeLimitMs);

  it(
    'lose nothing in a folder',
    async () => {
      const parent = await mkdtemp(join(tmpdir(), 'races-'));
      try {
        await race('', async () => {
          const folder = join(parent, randomUUID());
          await mkdir(folder);
          return { place: { folder }, store: new FolderStore(folder) };
        });
      } finally {
        await rm(parent, { recursive: true });
      }
    },
    dotnetTimeLimitMs,
  );

  it.skipIf(!redisFound)(
    'lose nothing in Redis',
    async () => {
      const server = await startRedis();
      try {
        await race(server.node, async () => {
          const redisKey = randomUUID();
          return { place: { redisKey }, store: redisRing(server.node, redisKey) };
        });
      } finally {
        await server.stop();
      }
    },
    dotnetTimeLimitMs,
  );

  it(
    'lose nothing in a blob',
    async () => {
      const azurite = await startAzurite();
      try {
        await race(azurite.connectionString(), async () => {
          const container = new ContainerClient(azurite.connectionString(), randomUUID());
          await container.create();
          return { place: { container: container.containerName }, store: new BlobStore(container, 'keys.xml') };
        });
      } finally {
        await azurite.stop();
      }
    },
    dotnetTimeLimitMs,
  );

  it(
    'lose nothing in a table of Entity Framework',
    async () => {
      const server = npgsqlForm(database.url);
      const maker = readers.open(10, server);
      try {
        await race(server, async () => {
          const schema = `race_${randomUUID().slice(0, 8)}`;
          await database.query(`create schema ${schema}`);
          await maker.ask({ schema, makesTable: true, now: new Date().toISOString() });
          return { place: { schema }, store: postgresTableRing(database.url, `${schema}.DataProtectionKeys`) };
        });
      } finally {
        await maker.close();
      }
    },
    dotnetTimeLimitMs,
  );

  async function race(
    server: string,
    make: () => Promise<{ place: Partial<ReaderQuestion>; store: KeyRingStore }>,
  ): Promise<void> {
    const apps = consumerVersions.map((version) => readers.open(version, server));
    try {
      for (let round = 0; round < rounds; round++) {
        const { place, store } = await make();
        try {
          await raceOnce(apps, place, store, round);
        } finally {
          await store.close();
        }
      }
    } finally {
      await Promise.all(apps.map((app) => app.close()));
    }
  }
});

/** One of ours at a time, beside four apps that add two keys each. */
async function raceOnce(apps: RunningReader[], place: Partial<ReaderQuestion>, store: KeyRingStore, round: number) {
  const now = Date.now();
  const question = { ...place, now: new Date(now).toISOString() };
  const deps = jobDeps({ store, clock: systemClock, policy: { pruneAfterMs: 30 * day } });
  const old = idFrom(1);
  const first = plainKey({ id: idFrom(2), creation: now - 80 * day });
  await fill(store, [plainKey({ id: old, creation: now - 300 * day }), first]);
  const ours = [
    () => rotateKeyRing(deps),
    () => pruneKeyRing(deps, {}),
    () => revokeKeys(deps, 'web', { target: { key: idFrom(2) }, reason: 'race', confirm: 'web' }),
  ][round % 3];
  const [answers] = await Promise.all([Promise.all(apps.map((app) => app.ask({ ...question, mints: 2 }))), ours?.()]);
  const minted = answers.flatMap((answer) => answer.minted);
  // An app gives up on a blob that others wrote five times before it.
  if (place.container === undefined) expect(minted).toHaveLength(2 * apps.length);
  else expect(minted.length).toBeGreaterThan(0);
  const { keys, damage } = readKeyRing(await store.read());
  expect(damage).toEqual([]);
  const ids = keys.map(({ id }) => id).sort();
  expect(ids).toEqual(expect.arrayContaining(minted));
  for (const seen of await Promise.all(apps.map((app) => app.ask(question))))
    expect(seen.keys?.map(({ id }) => id).sort()).toEqual(ids);
}
