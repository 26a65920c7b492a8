/** What may lie in the folder of a key ring beside keys, and who may have left a lock there. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readKeyRing } from '../../src/lib/keyRing/reading/readKeyRing.ts';
import { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'key-ring-'));
});
afterEach(() => rm(folder, { recursive: true }));

const makers = {
  'a folder': (path: string) => mkdir(path),
  'a pipe': async (path: string) => void execFileSync('mkfifo', [path]),
};

it.each(Object.entries(makers))('tells of %s under the name of a key, which .NET would read', async (_what, make) => {
  await make(join(folder, 'key-1.xml'));
  const { damage } = readKeyRing(await new FolderStore(folder).read());
  expect(damage).toEqual([{ kind: 'notWellFormed', message: 'key-1.xml is not a file', since: 8 }]);
});

it('passes over a file that a killed process left half written', async () => {
  await writeFile(join(folder, 'key-1.tmp'), '<key id="');
  expect(readKeyRing(await new FolderStore(folder).read())).toMatchObject({ keys: [], damage: [] });
});
