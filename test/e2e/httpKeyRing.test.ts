/** POST /api/key-ring/{ring}/{rotate,rewrap,revoke}: a managed ring in a blob of Azurite, with the records beside it. */
import { join } from 'node:path';
import { BlobServiceClient, type BlockBlobClient } from '@azure/storage-blob';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalStorage, startAzurite } from '../../dev/azurite.ts';
import { root } from '../support/childProcess.ts';
import { type FunctionsApp, startFunctionsApp } from '../support/functionsApp.ts';
import { day, idFrom, plainKey } from '../support/ringBuilder.ts';

const firstKey = idFrom(1);

describe('key rings over HTTP', () => {
  let storage: LocalStorage;
  let app: FunctionsApp;
  let blob: BlockBlobClient;
  beforeAll(async () => {
    storage = await startAzurite();
    const container = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('keys');
    await container.createIfNotExists();
    blob = container.getBlockBlobClient('web.xml');
    const ring = (name: string, protector: object) => ({
      name,
      mode: 'manage',
      store: { kind: 'blob', connectionStringSetting: 'RING_STORAGE', container: 'keys', blob: 'web.xml' },
      protector,
    });
    app = await startFunctionsApp({
      AzureWebJobsStorage: storage.connectionString,
      RING_STORAGE: storage.connectionString,
      KEY_RINGS: JSON.stringify([
        ring('web', { kind: 'none' }),
        ring('lost', { kind: 'certificate', certificates: [{ path: join(root, 'nothing.pfx') }] }),
      ]),
    });
  });
  afterAll(async () => {
    await app.stop();
    await storage.stop();
  });
  beforeEach(async () => {
    const xml = `<repository>${plainKey({ id: firstKey, creation: Date.now() - 85 * day })}</repository>`;
    await blob.upload(xml, Buffer.byteLength(xml));
  });
  const content = async () => (await blob.downloadToBuffer()).toString();
  const keyIds = async () => [...(await content()).matchAll(/<key id="([^"*]+)" version/g)].map(([, id]) => id);
  const post = (action: string, body: object, ring = 'web') => app.call('POST', `key-ring/${ring}/${action}`, { body });

  it('rotate in a dry run unless told otherwise', async () => {
    const before = await content();
    for (const body of [{}, { dryRun: true }]) {
      const { status, json } = await post('rotate', body);
      expect([status, json]).toMatchObject([
        200,
        { job: 'rotateKeyRing', subject: 'web', dryRun: true, trigger: 'http', report: { outcome: 'wouldPublish' } },
      ]);
    }
    expect(await content()).toBe(before);
  });

  it('rotate when told so, and leave a record of who asked', async () => {
    const { status, json } = await app.call('POST', 'key-ring/web/rotate', {
      body: { dryRun: false },
      headers: { 'x-forwarded-for': '198.51.100.7:5123' },
    });
    expect([status, json]).toMatchObject([200, { report: { outcome: 'published' } }]);
    expect(json.requestedBy).toEqual({ by: 'function key', from: '198.51.100.7:5123' });
    expect(await keyIds()).toHaveLength(2);
    expect((await app.call('GET', `runs/${json.runId}`)).json).toEqual(json);
    expect((await app.call('GET', 'runs?cache=web&limit=1')).json).toMatchObject({ runs: [{ runId: json.runId }] });
    expect(await app.call('GET', 'runs?cache=web&job=purge')).toMatchObject({ status: 200, json: { runs: [] } });
    expect(await app.call('GET', 'runs?cache=nope')).toMatchObject({ status: 404, json: { code: 'cache_unknown' } });
    expect((await post('rotate', { dryRun: false })).json).toMatchObject({ report: { outcome: 'nothingToDo' } });
  });

  it('begin a ring anew that lost its keys where acceptEmpty says so alone', async () => {
    expect((await post('rotate', {})).status).toBe(200);
    await blob.upload('<repository/>', 13);
    const refused = await post('rotate', { dryRun: false });
    expect([refused.status, refused.json]).toMatchObject([
      502,
      { code: 'key_ring_emptied', advice: expect.stringContaining('--accept-empty') },
    ]);
    expect(await content()).toBe('<repository/>');
    const { status, json } = await post('rotate', { dryRun: false, acceptEmpty: true });
    expect([status, json]).toMatchObject([200, { report: { outcome: 'published', keys: [{ reason: 'empty' }] } }]);
  });

  it('rewrap with the report', async () => {
    const { status, json } = await post('rewrap', { dryRun: false });
    expect([status, json]).toMatchObject([200, { job: 'rewrapKeyRing', report: { outcome: 'nothingToDo' } }]);
  });

  it.each([{ all: true }, { key: firstKey.toUpperCase() }, { createdBefore: new Date().toISOString() }])(
    'revoke %o: a plan first, then done when confirmed with the name of the ring',
    async (target) => {
      const before = await content();
      const plan = await post('revoke', target);
      expect([plan.status, plan.json]).toMatchObject([200, { report: { outcome: 'planned', keys: [firstKey] } }]);
      expect(await content()).toBe(before);
      const body = { ...target, dryRun: false, confirm: 'web', reason: 'drill 7' };
      const { status, json } = await post('revoke', body);
      expect([status, json]).toMatchObject([
        200,
        { job: 'revokeKeys', requestedBy: { by: 'function key' }, report: { outcome: 'revoked', keys: [firstKey] } },
      ]);
      expect(await content()).toContain('drill 7');
      expect(await keyIds()).toHaveLength(2);
      expect((await app.call('GET', 'runs?job=revokeKeys&limit=1')).json).toMatchObject({
        runs: [{ runId: json.runId }],
      });
    },
  );

  it('answer with the code where the protector cannot be had, and never with key material', async () => {
    const { status, json, text } = await post('rotate', { dryRun: false }, 'lost');
    expect([status, json]).toMatchObject([502, { code: 'certificate_unreadable', advice: expect.any(String) }]);
    const secret = /<value>([^<]+)<\/value>/.exec(await content())?.[1] ?? 'no value';
    expect(secret).not.toBe('no value');
    expect(text + app.log()).not.toContain(secret);
  });

  it('are described in openapi.json, with their fields', async () => {
    const { json } = await app.call('GET', 'openapi.json');
    expect(json).toMatchObject({
      paths: {
        '/clear': { post: {} },
        '/key-ring/{ring}/rotate': { post: {} },
        '/key-ring/{ring}/rewrap': { post: {} },
        '/key-ring/{ring}/revoke': { post: {} },
      },
      components: {
        schemas: {
          ClearRequest: { additionalProperties: false, properties: { dryRun: { default: true }, confirm: {} } },
          RevokeRequest: { additionalProperties: false, properties: { key: {}, createdBefore: {}, all: {} } },
        },
      },
    });
  });
});
