/** A ring of 5,000 keys before the command line: what its status takes of the machine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../dev/temporaryFolder.ts';
import { startAzurite } from '../support/azurite.ts';
import { root } from '../support/childProcess.ts';
import { day, idFrom, plainKey } from '../support/ringBuilder.ts';

const count = 5_000;
const mostBytes = 200 * 2 ** 20;

/** Tells the largest resident memory, in KiB, when the process ends. */
const meter = `data:text/javascript,process.on('exit',()=>process.stderr.write('peak '+process.resourceUsage().maxRSS))`;

describe(`the status of a ring of ${count} keys`, () => {
  const folder = temporaryFolder('large-ring');
  const keys = Array.from({ length: count }, (_, at) =>
    plainKey({ id: idFrom(at + 1), creation: Date.now() - (count - at) * (day / 10) - 10 * day }),
  );
  const path = join(folder.path, 'keys');
  beforeAll(() => {
    mkdirSync(path);
    for (const [at, xml] of keys.entries()) writeFileSync(join(path, `key-${idFrom(at + 1)}.xml`), xml);
  });
  afterAll(() => folder.remove());

  async function status(store: object, env: NodeJS.ProcessEnv = {}) {
    const ring = { name: 'web', store, protector: { kind: 'none' } };
    const args = ['--import', meter, join(root, 'bin/token-cache.js'), 'key-ring', 'status', '--json'];
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...env, KEY_RINGS: JSON.stringify([ring]), RECORD_STORE: 'none', NODE_OPTIONS: '' },
    });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    await once(child, 'close');
    const [, peak] = /peak (\d+)$/.exec(errors) ?? [];
    if (peak === undefined) throw new Error(`no peak was told: ${errors}`);
    return { keys: output.match(/"unwraps": true/g)?.length, bytes: Number(peak) * 1024 };
  }

  it('takes 200 MB at most from a folder', async () => {
    const { keys: seen, bytes } = await status({ kind: 'folder', path });
    expect(seen).toBe(count);
    expect(bytes).toBeLessThan(mostBytes);
  }, 60_000);

  it('takes 200 MB at most from a blob', async () => {
    const azurite = await startAzurite();
    try {
      const container = new ContainerClient(azurite.connectionString(), 'keys');
      await container.create();
      const xml = `<repository>${keys.join('')}</repository>`;
      await container.getBlockBlobClient('web.xml').upload(xml, Buffer.byteLength(xml));
      const store = { kind: 'blob', connectionStringSetting: 'RING', container: 'keys', blob: 'web.xml' };
      const { keys: seen, bytes } = await status(store, { RING: azurite.connectionString() });
      expect(seen).toBe(count);
      expect(bytes).toBeLessThan(mostBytes);
    } finally {
      await azurite.stop();
    }
  }, 60_000);
});
