/** Rings in a blob, on Azurite behind a proxy that breaks single requests: what others write meanwhile, and what gets lost. */

import { randomUUID } from 'node:crypto';
import { ContainerClient, StorageRetryPolicyType } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { revokeKeys } from '../../src/lib/keyRing/jobs/revoke.ts';
import { ringStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { Patience } from '../../src/lib/keyRing/patience.ts';
import { BlobStore } from '../../src/lib/keyRing/stores/blob.ts';
import { type Azurite, startAzurite } from '../support/azurite.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../support/faultProxy.ts';
import { day, idFrom, plainKey, ringOf } from '../support/ringBuilder.ts';
import { jobDeps, turnableClock } from '../support/testRing.ts';

let azurite: Azurite;
let proxy: FaultProxy;
beforeAll(async () => {
  azurite = await startAzurite();
  proxy = await startFaultProxy(azurite.port);
});
afterAll(async () => {
  await proxy.close();
  await azurite.stop();
});

const now = Date.now();
const clock = turnableClock(now);
const blobName = 'keys.xml';
let container: ContainerClient;
let store: BlobStore;
beforeEach(async () => {
  clock.set(now);
  proxy.setFaults(() => 'pass');
  container = new ContainerClient(azurite.connectionString(), `keys-${randomUUID()}`);
  await container.create();
  store = new BlobStore(throughProxy(), blobName);
});
afterEach(async () => void (await container.deleteIfExists()));

/** One try, so that each fault reaches the store. */
function throughProxy(): ContainerClient {
  const options = { retryOptions: { maxTries: 1, retryPolicyType: StorageRetryPolicyType.FIXED } };
  return new ContainerClient(azurite.connectionString(proxy.port), container.containerName, options);
}

const deps = () => jobDeps({ store, clock });
const blob = () => container.getBlockBlobClient(blobName);
const text = async () => (await blob().downloadToBuffer()).toString('utf8');
const put = (content: string) => blob().upload(content, Buffer.byteLength(content));
const put1 = (...keys: string[]) =>
  put(`<?xml version="1.0" encoding="utf-8"?><repository>${keys.join('')}</repository>`);
const aged = plainKey({ id: idFrom(1), creation: now - 80 * day });

/** The fault for the n-th write of the ring, counted from 1. */
function onWrite(faults: Record<number, Fault>): void {
  let writes = 0;
  proxy.setFaults(({ method }) => (method === 'PUT' ? (faults[++writes] ?? 'pass') : 'pass'));
}

/** What an app does when it adds a key, as AzureBlobXmlRepository. */
async function appAdds(number: number): Promise<void> {
  const before = await text();
  await put(
    before.replace(
      '</repository>',
      `${plainKey({ id: idFrom(number), creation: now, activation: now + 60 * day })}</repository>`,
    ),
  );
}

const ids = async () => {
  const elements = (await store.read()).elements.map(({ xml }) => xml.reveal());
  return ringOf(elements).keys.map(({ id }) => id);
};

describe('a ring in a blob', () => {
  it('begins in an empty container, in an empty blob, and in a root that closes itself', async () => {
    expect(await rotateKeyRing(deps())).toMatchObject({ outcome: 'published', keys: [{ reason: 'empty' }] });
    for (const content of ['', '<?xml version="1.0"?>\r\n<keys />\r\n', '<r><!-- </r> --></r>']) {
      await put(content);
      expect(await rotateKeyRing(deps())).toMatchObject({ outcome: 'published', keys: [{ reason: 'empty' }] });
      expect(await ids()).toHaveLength(1);
    }
    expect((await blob().getProperties()).contentType).toBe('application/xml; charset=utf-8');
  });

  it('that is one file of a folder is a critical finding, since apps look for keys inside of it', async () => {
    await put(`<?xml version="1.0" encoding="utf-8"?>\n${aged}`);
    const { keys, findings } = await ringStatus(deps());
    expect(keys).toEqual([]);
    expect(findings.find(({ check }) => check === 'ring_not_seen')).toMatchObject({ level: 'critical' });
  });

  it('keeps everything else byte for byte, whatever its line ends, marks and foreign elements', async () => {
    const foreign =
      '\r\n  <!-- 𝒳 --><odd xmlns="urn:o" a=\'1\'\r\n b="&#x9;&amp;"><![CDATA[<key id="x">]]>é𝄞</odd>\r\n';
    const before = `\uFEFF<?xml version='1.0' encoding="UTF-8" ?>\r\n<!-- top --><repository  x = "1">${foreign}${aged}\r\n</repository>\r\n<!-- end -->\r\n`;
    await put(before);
    await blob().setMetadata({ owner: 'platform' });
    expect(await rotateKeyRing(deps())).toMatchObject({ outcome: 'published' });
    expect((await blob().getProperties()).metadata).toEqual({ owner: 'platform' });
    const after = await text();
    const added = /<key id="[^"]+" version="1">(?:(?!<key ).)*<\/key>(?=<\/repository>)/s.exec(after)?.[0] ?? '';
    expect(added).toContain('Made by token-cache-maintenance');
    expect(after.replace(added, '')).toBe(before);
  });

  it('loses nothing when an app writes at the same moment, and decides again', async () => {
    await put1(aged);
    onWrite({ 1: () => appAdds(2), 2: () => appAdds(3) });
    const { outcome, keys } = await rotateKeyRing(deps());
    expect(outcome).toBe('published');
    expect([...(await ids())].sort()).toEqual([idFrom(1), idFrom(2), idFrom(3), keys[0]?.id].sort());
  });

  it('gives up a request that is never answered, and publishes one key though the write arrives in the end', async () => {
    await put1(aged);
    store = new BlobStore(throughProxy(), blobName, new Patience({ eachMs: 500 }));
    const arrival = Promise.withResolvers<void>();
    proxy.setFaults(() => () => arrival.promise);
    await expect(store.read()).rejects.toMatchObject({ code: 'key_ring_unavailable', transient: true });
    onWrite({ 1: () => arrival.promise });
    expect(await rotateKeyRing(deps())).toMatchObject({ outcome: 'published', keys: [{ reason: 'successor' }] });
    arrival.resolve();
    await store.read();
    expect(await ids()).toHaveLength(2);
  });

  it('publishes none of its own when an app was faster with the same', async () => {
    await put1(aged);
    const successor = plainKey({
      id: idFrom(9),
      creation: now,
      activation: now + 10 * day,
      expiration: now + 90 * day,
    });
    onWrite({ 1: async () => void (await put1(aged, successor)) });
    expect(await rotateKeyRing(deps())).toMatchObject({ outcome: 'nothingToDo' });
    expect(await ids()).toEqual([idFrom(1), idFrom(9)]);
  });

  it.each([
    ['a write whose answer is lost', { 1: 'loseAnswer' }],
    ['a write that never arrives', { 1: 'cut' }],
    ['several writes that get lost on the way', { 1: 'cut', 2: 'cut', 3: 'loseAnswer' }],
    ['409', { 1: { status: 409, code: 'BlobAlreadyExists' } }],
    ['412', { 1: { status: 412, code: 'ConditionNotMet' }, 2: { status: 412, code: 'ConditionNotMet' } }],
    ['500', { 1: { status: 500, code: 'InternalError' } }],
    ['503', { 1: { status: 503, code: 'ServerBusy' }, 2: { status: 503, code: 'ServerBusy' } }],
  ] as [string, Record<number, Fault>][])('gets over %s with one new key', async (_kind, faults) => {
    await put1(aged);
    onWrite(faults);
    const { outcome, keys } = await rotateKeyRing(deps());
    expect(outcome).toBe('published');
    expect(await ids()).toEqual([idFrom(1), keys[0]?.id]);
  });

  it('writes revocation and successor in one write, and the same ones after a lost answer', async () => {
    await put1(aged);
    let writes = 0;
    const isRing = (url: string) => !url.includes('.bak');
    proxy.setFaults(({ method, url }) => (method === 'PUT' && isRing(url) && ++writes === 1 ? 'loseAnswer' : 'pass'));
    const report = await revokeKeys(deps(), 'web', {
      target: { createdBefore: undefined },
      reason: 'test',
      confirm: 'web',
    });
    expect(report.outcome).toBe('revoked');
    expect(writes).toBe(1);
    const ring = ringOf((await store.read()).elements.map(({ xml }) => xml.reveal()));
    expect(ring.keys.map(({ id }) => id)).toEqual([idFrom(1), report.successor?.id]);
    expect(ring.revocations).toHaveLength(1);
  });

  it('gives up after a bounded number of conflicts, and has written nothing', async () => {
    await put1(aged);
    proxy.setFaults(({ method }) => (method === 'PUT' ? { status: 412, code: 'ConditionNotMet' } : 'pass'));
    await expect(rotateKeyRing(deps())).rejects.toMatchObject({ code: 'key_ring_busy', transient: true });
    expect(await ids()).toEqual([idFrom(1)]);
  });

  it('reads again where reading fails for a moment', async () => {
    await put1(aged);
    let reads = 0;
    proxy.setFaults(({ method }) => (method === 'GET' && ++reads <= 3 ? { status: 503, code: 'ServerBusy' } : 'pass'));
    expect(await rotateKeyRing(deps())).toMatchObject({ outcome: 'published' });
  });

  it.each([
    ['truncated', (good: string) => good.slice(0, good.length - 40)],
    ['no XML', () => 'not found'],
    [
      'with a document type',
      (good: string) => good.replace('<repository>', '<!DOCTYPE r [<!ENTITY a "b">]><repository>'),
    ],
    ['with an entity of its own', (good: string) => good.replace('<repository>', '<repository>&evil;')],
    ['with a duplicate id', (good: string) => good.replace('</repository>', `${aged}</repository>`)],
    ['in another encoding', (good: string) => Buffer.from(good, 'utf16le').toString('latin1')],
  ])('is left alone when it is %s', async (_kind, damage) => {
    await put1(aged);
    const damaged = Buffer.from(damage(await text()), 'latin1');
    await blob().upload(damaged, damaged.length);
    const error = await rotateKeyRing(deps()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'key_ring_damaged' });
    expect(JSON.stringify(error)).not.toMatch(/<value>|masterKey/);
    expect(await blob().downloadToBuffer()).toEqual(damaged);
  });

  it('says that the container is missing, the blob leased or archived, or access denied', async () => {
    await put1(aged);
    const lease = blob().getBlobLeaseClient();
    await lease.acquireLease(-1);
    await expect(rotateKeyRing(deps())).rejects.toMatchObject({ code: 'key_ring_leased' });
    await lease.breakLease(0);
    for (const status of [401, 403]) {
      proxy.setFaults(() => ({ status, code: 'AuthorizationFailure' }));
      await expect(ringStatus(deps())).rejects.toMatchObject({ code: 'key_ring_forbidden' });
    }
    proxy.setFaults(() => ({ status: 409, code: 'BlobArchived' }));
    await expect(ringStatus(deps())).rejects.toThrow(/in the archive tier/);
    proxy.setFaults(() => 'pass');
    await container.delete();
    await expect(ringStatus(deps())).rejects.toMatchObject({ code: 'key_ring_container_missing' });
  });

  it.each([-600_000, 600_000])(
    'begins by the clock of the store where its own is off by %i ms: apps need not mint',
    async (skewMs) => {
      clock.turn(skewMs);
      await rotateKeyRing(deps());
      const keys = ringOf((await store.read()).elements.map(({ xml }) => xml.reveal())).keys;
      expect(Math.abs((keys[0]?.activation.epochMilliseconds ?? 0) - Date.now())).toBeLessThan(120_000);
      clock.set(Date.now());
      expect((await ringStatus(deps())).appsWouldMint).toBe(false);
    },
  );

  it.each([-600_000, 600_000])('rotates with a clock that is off by %i ms, and says so', async (skewMs) => {
    await put1(aged);
    clock.turn(skewMs);
    const { status, outcome } = await rotateKeyRing(deps());
    expect(outcome).toBe('published');
    expect(status.findings.map(({ check }) => check)).toContain('clock_skew');
    clock.set(now);
    const seen = await ringStatus(deps());
    expect([seen.defaultKey, seen.appsWouldMint]).toEqual([idFrom(1), false]);
  });
});
