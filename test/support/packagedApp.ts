import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import yauzl from 'yauzl';
import { root } from './childProcess.ts';

export interface PackagedApp {
  /** Where package.json lies. */
  folder: string;
  remove(): Promise<void>;
}

/** The zip that `npm run package` makes, unpacked into a folder of its own: no node_modules of the project is in reach. */
export async function unpackApp(): Promise<PackagedApp> {
  const folder = await mkdtemp(join(tmpdir(), 'token-cache-package-'));
  const open = promisify<string, yauzl.Options, yauzl.ZipFile>(yauzl.open);
  const zip = await open(join(root, 'dist/package.zip'), { lazyEntries: true });
  const openEntry = promisify(zip.openReadStream.bind(zip)) as (entry: yauzl.Entry) => Promise<NodeJS.ReadableStream>;
  const ended = once(zip, 'end');
  zip.on('entry', async (entry: yauzl.Entry) => {
    const path = join(folder, entry.fileName);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(await openEntry(entry), createWriteStream(path));
    zip.readEntry();
  });
  zip.readEntry();
  await ended;
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
