import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type Entry, open, type ZipFile } from 'yauzl';
import type { Budget } from './budget.ts';
import { isWanted, type SourceFile, type Sources } from './sourceFile.ts';
import { textOf } from './text.ts';

/** File type of a symbolic link, in the upper half of an entry's external attributes (as Unix writes them). */
const linkMode = 0o120000;

/**
 * The files of a zip, in the order of their names. Names that lead out of it are refused by the library (`validateFileName`),
 * and so is an entry that is longer than it says.
 */
export async function readZip(location: string, budget: Budget): Promise<Sources> {
  const zip = await opened(location);
  const files: SourceFile[] = [];
  try {
    for (let entry = await nextOf(zip); entry; entry = await nextOf(zip)) {
      const text = await contentOf(zip, entry, budget);
      if (text !== undefined) files.push({ path: entry.fileName, text });
    }
  } finally {
    zip.close();
  }
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)), leftOut: budget.leftOut };
}

function opened(location: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    open(location, { lazyEntries: true, autoClose: false }, (error, zip) => (error ? reject(error) : resolve(zip)));
  });
}

function nextOf(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    zip.removeAllListeners();
    zip.once('entry', resolve);
    zip.once('end', () => resolve(undefined));
    zip.once('error', reject);
    zip.readEntry();
  });
}

async function contentOf(zip: ZipFile, entry: Entry, budget: Budget): Promise<string | undefined> {
  if (!isWanted(entry.fileName)) return undefined;
  if (((entry.externalFileAttributes >>> 16) & 0o170000) === linkMode) {
    budget.leftOut.push(`the link ${entry.fileName}`);
    return undefined;
  }
  if (entry.isEncrypted()) {
    budget.leftOut.push(`${entry.fileName}, which is encrypted`);
    return undefined;
  }
  if (!budget.take(entry.uncompressedSize)) return undefined;
  const stream = await new Promise<Readable>((resolve, reject) => {
    zip.openReadStream(entry, (error, content) => (error ? reject(error) : resolve(content)));
  });
  return textOf(await buffer(stream));
}
