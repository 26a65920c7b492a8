/**
 * Rings as others may have made them, read by this project and by ASP.NET Core 8, 9, 10 and 11 themselves: which keys there
 * are, which can be read, which is the default, who mints and who stops. Where they differ, ASP.NET Core is right.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateProtector } from '../../src/lib/keyRing/protectors/certificate.ts';
import { type ConsumerVersion, consumerVersions } from '../../src/lib/keyRing/reading/consumerVersions.ts';
import type { KeyRing } from '../../src/lib/keyRing/reading/keyRing.ts';
import type { StoredRing } from '../../src/lib/keyRing/reading/keyRingStore.ts';
import { readKeyRing } from '../../src/lib/keyRing/reading/readKeyRing.ts';
import { RingDocument } from '../../src/lib/keyRing/reading/ringDocument.ts';
import { XmlFormError } from '../../src/lib/keyRing/reading/xml.ts';
import { type ConsumerUse, useOf } from '../../src/lib/keyRing/rule/consumers.ts';
import { type ViewedKey, viewKeys } from '../../src/lib/keyRing/rule/ringView.ts';
import { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { certificateForms } from '../support/certificateForms.ts';
import { loadPfx, selfSigned } from '../support/certificates.ts';
import { dotnetFound, dotnetTimeLimitMs } from '../support/dataProtection.ts';
import { Choices, type MutatedRing, mutatedRing } from '../support/mutatedRing.ts';
import { redisRing } from '../support/redisRing.ts';
import { redisFound, startRedis } from '../support/redisServer.ts';
import { instant } from '../support/ringBuilder.ts';
import { type ReaderAnswer, type ReaderQuestion, type ReaderUse, RingReaders } from '../support/ringReaders.ts';
import { createRingTable, npgsqlForm, postgresTableRing } from '../support/tableRing.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

/** Another seed each day, and one by hand: RING_SEED. */
const seed = Number(process.env.RING_SEED ?? Math.floor(Date.now() / 86_400_000));
const count = Number(process.env.RING_COUNT ?? 2_000);
const now = Math.floor(Date.now() / 1000) * 1000;

const database = useTestDatabase();

type Reading = StoredRing | undefined;
type ViewedRing = Pick<KeyRing, 'damage'> & { keys: ViewedKey[] };

describe.skipIf(!dotnetFound)(`${count} rings with seed ${seed}`, () => {
  let readers: RingReaders;
  let folder: string;
  const certificate = selfSigned('known');
  const secrets = certificateForms(certificate, selfSigned('unknown'));
  const rings = Array.from({ length: count }, (_, index) => mutatedRing(seed, index, now, secrets));
  let protector: CertificateProtector;
  let pfx: string;
  beforeAll(async () => {
    console.log(`Rings of seed ${seed}; RING_SEED=${seed} repeats them.`);
    readers = RingReaders.build();
    folder = await mkdtemp(join(tmpdir(), 'rings-'));
    pfx = join(folder, 'certificate.pfx');
    await writeFile(pfx, certificate.pfx);
    protector = new CertificateProtector([await loadPfx({ path: pfx })]);
  }, dotnetTimeLimitMs);
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it(
    'are read as .NET reads blobs',
    async () => {
      const stored = (ring: MutatedRing): Reading => {
        try {
          const { elements } = RingDocument.parse(ring.blob);
          return { exists: true, elements, damage: [], storeTime: undefined };
        } catch (error) {
          if (!(error instanceof XmlFormError)) throw error;
          return undefined;
        }
      };
      const questions = rings.map(({ blob }) => ({ blob: Buffer.from(blob).toString('base64') }));
      await compare(questions, async (index) => stored(rings[index] as MutatedRing));
    },
    dotnetTimeLimitMs,
  );

  it(
    'are read as .NET reads folders',
    async () => {
      const folders = await Promise.all(
        rings.map((ring, index) => writeFolder(join(folder, String(index)), ring, index)),
      );
      await compare(
        folders.map((path) => ({ folder: path })),
        (index) => new FolderStore(folders[index] as string).read(),
      );
    },
    dotnetTimeLimitMs,
  );

  it.skipIf(!redisFound)(
    'are read as .NET reads lists of Redis',
    async () => {
      const server = await startRedis();
      const client = new Redis(server.port, '127.0.0.1');
      const stores = rings.map((_, index) => redisRing(server.node, `ring-${index}`));
      try {
        const pipeline = client.pipeline();
        for (const [index, { items }] of rings.entries()) pipeline.rpush(`ring-${index}`, ...items.map(Buffer.from));
        await pipeline.exec();
        const questions = rings.map((_, index) => ({ redisKey: `ring-${index}` }));
        await compare(
          questions,
          async (index) => {
            const store = stores[index];
            const ring = await store?.read();
            await store?.close();
            return ring;
          },
          server.node,
        );
      } finally {
        client.disconnect();
        await server.stop();
      }
    },
    dotnetTimeLimitMs,
  );

  it(
    'are read as .NET reads tables of Entity Framework',
    async () => {
      // Each ring has a schema of its own, which takes its time; but for what is empty, a row is read as an item of Redis.
      const some = rings.slice(0, Math.ceil(count / 8));
      const table = (index: number) => `ring_${index}."DataProtectionKeys"`;
      await database.query(
        some.map((_, index) => `create schema ring_${index}; ${createRingTable(table(index))}`).join(';'),
      );
      for (const [index, ring] of some.entries())
        await database.query(`insert into ${table(index)} ("Xml") select unnest($1::text[])`, [rowsOf(ring, index)]);
      await compare(
        some.map((_, index) => ({ schema: `ring_${index}` })),
        async (index) => {
          const store = postgresTableRing(database.url, table(index));
          const ring = await store.read();
          await store.close();
          return ring;
        },
        npgsqlForm(database.url),
      );
    },
    dotnetTimeLimitMs,
  );

  async function compare(
    places: Omit<ReaderQuestion, 'now'>[],
    read: (index: number) => Promise<Reading>,
    server?: string,
  ): Promise<void> {
    const questions = places.map((place) => ({
      ...place,
      now: new Date(now).toISOString(),
      certificates: [pfx],
    }));
    const answers = await readers.ask(questions, server);
    const differences: unknown[] = [];
    const seen = { stops: 0, mints: 0, read: 0, differs: 0, notJudged: 0 };
    for (const index of places.keys()) {
      const reading = await read(index);
      const ring = reading && readKeyRing(reading);
      const viewed = ring && { damage: ring.damage, keys: await viewKeys(ring, protector) };
      const verdicts = consumerVersions.map((version) => answers.get(version)?.[index] as ReaderAnswer);
      if (new Set(verdicts.map(({ generating }) => generating?.mints)).size > 1) seen.differs += 1;
      for (const [at, version] of consumerVersions.entries()) {
        const theirs = verdicts[at] as ReaderAnswer;
        seen[theirs.keys === null ? 'stops' : theirs.generating?.mints ? 'mints' : 'read'] += 1;
        const told = differenceOf(viewed, theirs, version);
        if (told === 'notJudged') seen.notJudged += 1;
        else if (told)
          differences.push({ index, version, ...told, ring: rings[index]?.elements.join('').slice(0, 3000) });
      }
    }
    console.log(JSON.stringify(seen), differences.length, 'differences');
    expect(differences.slice(0, 3)).toEqual([]);
    // The sample has all the cases in good number.
    for (const part of [seen.stops, seen.mints, seen.read]) expect(part).toBeGreaterThan(places.length / 10);
    expect(seen.notJudged).toBeLessThan(places.length / 20);
  }
});

/** Undefined where both say the same. */
function differenceOf(read: ViewedRing | undefined, theirs: ReaderAnswer, version: ConsumerVersion) {
  const damage = read?.damage.filter(({ since }) => version >= since).map(({ message }) => message) ?? ['all of it'];
  if (read?.damage.some(({ kind }) => kind === 'notJudged')) return 'notJudged';
  // A key that is known from before makes .NET 9 to 11 throw at the second reading alone.
  const isKnown = [theirs.generating, theirs.reading].some((use) => use?.error?.includes('already exists'));
  const isThrown = theirs.keys === null || isKnown;
  if (!read || theirs.keys === null || isThrown || damage.length > 0)
    return isThrown && damage.length > 0 ? undefined : { ours: damage, theirs: theirs.error ?? 'is read' };
  const ours = read.keys.map((key) => {
    const known = theirs.keys?.find(({ id }) => id === key.id);
    // What another protector's key is to the apps, this tool cannot know.
    const isOpen = key.unwraps === 'unknown' || (version === 11 && isBeyondHost(key.element.xml.reveal()));
    return { ...key, readable: isOpen ? (known?.readable ?? false) : key.unwraps === 'yes' };
  });
  const seen = theirs.keys.map(({ created, activated, expires, ...key }) =>
    [key.id, ...[created, activated, expires].map(instant), key.revoked, key.readable].join(' '),
  );
  const own = ours.map(({ id, creation, activation, expiration, revoked, readable }) =>
    [id, creation, activation, expiration, revoked, readable].join(' '),
  );
  if (own.sort().join() !== seen.sort().join()) return { ours: own, theirs: seen };
  const uses = [true, false].map((generation) => useText(useOf(ours, instant(now), version, generation)));
  const real = [theirs.generating, theirs.reading].map(realText);
  return uses.join() === real.join() ? undefined : { ours: uses, theirs: real };
}

/** On .NET 10, version 11 is its build for .NET Standard, which has no AES-GCM, and refuses an empty key. */
function isBeyondHost(xml: string): boolean {
  return /algorithm="(AES_\d+_GCM|[345])"|<value><\/value>/.test(xml);
}

function useText({ key, mints, stops }: ConsumerUse): string {
  return stops ? `stops${mints ? ', mints' : ''}` : `${key ?? 'none'}${mints ? ', mints' : ''}`;
}

function realText(use: ReaderUse | null): string {
  if (!use) return 'nothing';
  return useText({ key: use.key ?? undefined, mints: use.mints, stops: use.error !== null });
}

/** A row for each element, and some with none. A text of PostgreSQL holds no NUL. */
function rowsOf({ items }: MutatedRing, index: number): (string | null)[] {
  const choose = new Choices(seed, -1 - index);
  const rows: (string | null)[] = items.map((item) => Buffer.from(item).toString('utf8').replaceAll('\0', ' '));
  if (choose.oneIn(4)) rows.splice(choose.below(rows.length + 1), 0, choose.oneOf(['', null]));
  return rows;
}

/** A file for each element; some under names that .NET does not read, or that are not files. */
async function writeFolder(path: string, { items }: MutatedRing, index: number): Promise<string> {
  const choose = new Choices(seed, -1 - index);
  await mkdir(path);
  for (const [at, content] of items.entries()) {
    const name = choose.oneIn(30)
      ? choose.oneOf(['K.XML', 'k.xml.bak', 'k.tmp', '.xml', 'k.Xml', 'k xml', 'xml'])
      : `key-${at}.xml`;
    await writeFile(join(path, name), content);
  }
  if (choose.oneIn(40)) await symlink(choose.oneOf(['nowhere', 'link.xml', 'key-0.xml/x']), join(path, 'link.xml'));
  if (choose.oneIn(40)) await symlink('key-0.xml', join(path, 'again.xml'));
  if (choose.oneIn(40)) await mkdir(join(path, 'folder.xml'));
  if (choose.oneIn(40)) {
    await mkdir(join(path, 'sub'));
    await writeFile(join(path, 'sub', 'key.xml'), 'nonsense');
  }
  return path;
}
