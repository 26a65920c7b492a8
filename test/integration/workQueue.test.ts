/** The adapters of the work queue on Azurite, and the commands that look into its poison queue. What goes through the functions is in test/e2e. */
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalStorage, startAzurite } from '../../dev/azurite.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { blobSlots, slotContainerName } from '../../src/lib/queue/blobSlots.ts';
import { storageQueue } from '../../src/lib/queue/storageQueue.ts';
import { run } from '../support/childProcess.ts';
import { testQueue, workMessage } from '../support/workQueue.ts';

const name = 'token-cache-maintenance';
let storage: LocalStorage;
beforeAll(async () => {
  storage = await startAzurite();
});
afterAll(() => storage.stop());

const service = () => QueueServiceClient.fromConnectionString(storage.connectionString);
const openQueue = () => storageQueue(name, async (queue) => service().getQueueClient(queue));
/** What a worker would be given now. */
async function visible(): Promise<unknown[]> {
  const client = service().getQueueClient(name);
  await client.createIfNotExists();
  const { peekedMessageItems } = await client.peekMessages({ numberOfMessages: 32 });
  return peekedMessageItems.map(({ messageText }) => JSON.parse(Buffer.from(messageText, 'base64').toString('utf8')));
}
afterEach(() => testQueue(storage.connectionString).clear());

describe('the work queue in Azure Queue Storage', () => {
  const message = workMessage();

  it('makes its queue, and shows a message after its delay', async () => {
    const queue = openQueue();
    await queue.put(message);
    await queue.put({ ...message, part: 2 }, 1_000);
    expect(await visible()).toEqual([message]);
    await expect.poll(visible).toHaveLength(2);
  });

  it('tells since when the next message waits, unless it was tried already', async () => {
    const queue = openQueue();
    expect(await queue.nextSince()).toBeUndefined();
    await queue.put(message);
    expect(Math.abs(Date.now() - Number(await queue.nextSince()))).toBeLessThan(60_000);
    const client = service().getQueueClient(name);
    const { receivedMessageItems } = await client.receiveMessages({ visibilityTimeout: 1 });
    expect(receivedMessageItems).toHaveLength(1);
    await expect.poll(visible).toHaveLength(1);
    expect(await queue.nextSince()).toBeUndefined();
  });

  it('says which queue cannot be reached and what to check, without an address or a key, and works later', async () => {
    let there = false;
    const queue = storageQueue(name, async (queueName) => {
      if (there) return service().getQueueClient(queueName);
      throw Object.assign(new Error('https://account/?sig=secret-1'), {
        statusCode: 403,
        code: 'AuthorizationFailure',
      });
    });
    const failure = await queue.put(message).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      code: 'queue_unavailable',
      message: expect.stringContaining('AuthorizationFailure'),
    });
    expect(JSON.stringify([failure, String(failure)])).not.toContain('secret-1');
    there = true;
    await queue.put(message);
    expect(await visible()).toEqual([message]);
  });
});

describe('the places of a server, as leases on blobs', () => {
  const container = () =>
    BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient(slotContainerName);
  const slots = (places: number) =>
    blobSlots(async () => container(), { places, clock: systemClock, random: Math.random });
  afterEach(async () => void (await container().deleteIfExists()));

  it('are so many for each server and kind, whoever asks, and free again when released', async () => {
    const [one, other] = [slots(2), slots(2)];
    const taken = [await one.tryTake('db:5432', 'change'), await other.tryTake('db:5432', 'change')];
    expect(taken).not.toContain(undefined);
    expect(await one.tryTake('db:5432', 'change')).toBeUndefined();
    expect(await other.tryTake('db:5432', 'change')).toBeUndefined();
    const elsewhere = [await one.tryTake('db:5432', 'look'), await one.tryTake('other\\instance', 'change')];
    expect(elsewhere).not.toContain(undefined);
    await taken[0]?.release();
    const again = await other.tryTake('db:5432', 'change');
    expect(again).toBeDefined();
    await Promise.all([...taken, ...elsewhere, again].map((slot) => slot?.release()));
  });

  it('are taken by one each, when many ask at once', async () => {
    const asked = await Promise.all(Array.from({ length: 12 }, () => slots(3).tryTake('db:5432', 'change')));
    expect(asked.filter((slot) => slot)).toHaveLength(3);
    await Promise.all(asked.map((slot) => slot?.release()));
  });

  it('say what to check where the storage refuses', async () => {
    const refused = blobSlots(
      async () => {
        throw Object.assign(new Error('secret-1'), { statusCode: 403, code: 'AuthorizationPermissionMismatch' });
      },
      { places: 1, clock: systemClock, random: Math.random },
    );
    const failure = await refused.tryTake('db', 'change').then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'slots_unavailable', advice: expect.stringContaining('Storage Blob Data') });
    expect(String(failure)).not.toContain('secret-1');
  });
});

describe('token-cache queue', () => {
  const script = 'bin/token-cache.js';
  const queue = (args: string[]) => run(script, ['queue', ...args], { AzureWebJobsStorage: storage.connectionString });
  const message = workMessage({ subject: 'web', until: new Date() }, { tries: 2 });

  beforeEach(async () => {
    const { poison } = openQueue();
    // Twice the same work, one of another cache, and one that cannot be read.
    for (const one of [message, workMessage({ subject: 'web' }), workMessage({ subject: 'api' })])
      await poison.put(one);
    const text = Buffer.from('no JSON').toString('base64');
    await service().getQueueClient(`${name}-poison`).sendMessage(text);
  });

  it('lists what lies in the poison queue, and changes nothing', async () => {
    const { code, stdout } = await queue(['list']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/about 4 messages/);
    expect(stdout).toMatch(/purge +api .*\n.*unreadable/s);
    const { stdout: json } = await queue(['list', '--json', '--cache', 'web']);
    expect(JSON.parse(json)).toMatchObject({
      count: 4,
      messages: [{ message: { subject: 'web' } }, { message: { subject: 'web' } }],
    });
    expect(await testQueue(storage.connectionString).poisoned()).toHaveLength(4);
  });

  it('retries nothing unless told to, then each work once and as new work of the same run', async () => {
    const dry = await queue(['retry']);
    expect(dry.stdout).toMatch(/^Dry run: 3 messages/);
    expect(await visible()).toEqual([]);
    const { code, stdout } = await queue(['retry', '--execute', '--cache', 'web']);
    expect({ code, stdout: stdout.split('\n')[0] }).toEqual({
      code: 0,
      stdout: '2 messages of token-cache-maintenance-poison put back.',
    });
    const [back, ...more] = await visible();
    expect(more).toEqual([]);
    expect(back).toMatchObject({ runId: message.runId, subject: 'web' });
    for (const field of ['until', 'tries']) expect(back).not.toHaveProperty(field);
    expect(await openQueue().poison.count()).toBe(2);
  });

  it('discards what cannot be read, when told to', async () => {
    expect((await queue(['discard', '--unreadable'])).stdout).toMatch(/^Dry run: 1 messages/);
    expect((await queue(['discard', '--unreadable', '--execute'])).code).toBe(0);
    expect(await openQueue().poison.count()).toBe(3);
  });

  it('says what is missing without a storage account, and what is wrong with one that does not answer', async () => {
    const none = await run(script, ['queue', 'list'], {});
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('AzureWebJobsStorage');
    const away = storage.connectionString.replace(
      /QueueEndpoint=[^;]+/,
      'QueueEndpoint=http://127.0.0.1:9/devstoreaccount1',
    );
    const gone = await run(script, ['queue', 'list'], { AzureWebJobsStorage: away });
    expect(gone.code).toBe(1);
    expect(gone.stderr).toContain('queue_unavailable');
    expect(gone.stderr).not.toContain('AccountKey');
  });
});
