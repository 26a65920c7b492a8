import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileRecordStore } from '../../src/lib/runs/fileRecordStore.ts';
import { describeRecordStore, runRecord } from './recordStore.ts';

const makeFolder = () => mkdtemp(join(tmpdir(), 'records-'));

describeRecordStore('files', async () => {
  const folder = await makeFolder();
  return { store: new FileRecordStore(folder), remove: () => rm(folder, { recursive: true }) };
});

describe('the record store in files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await makeFolder();
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('keeps the newest 200 runs', async () => {
    const store = new FileRecordStore(folder);
    for (let second = 0; second < 205; second += 1)
      await store.addRun(runRecord('web', new Date(2026, 0, 1, 0, 0, second)));
    expect(await readdir(join(folder, 'runs', 'purge', 'web'))).toHaveLength(200);
    expect((await store.latestRuns('purge', 'web', 1))[0]?.startedAt).toBe(
      new Date(2026, 0, 1, 0, 0, 204).toISOString(),
    );
  });

  it.runIf(process.platform === 'linux')('fails at once where a folder takes no other', async () => {
    await expect(new FileRecordStore('/proc/nope').writeState('x', 1)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is readable by the owner alone', async () => {
    await new FileRecordStore(folder).writeState('x', 1);
    expect((await stat(join(folder, 'state', 'x.json'))).mode & 0o077).toBe(0);
  });

  it('takes a file that is not JSON for none', async () => {
    const store = new FileRecordStore(folder);
    await store.writeState('x', 1);
    await writeFile(join(folder, 'state', 'x.json'), '{ broken');
    expect(await store.readState('x')).toBeUndefined();
  });
});
