import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Budget } from './budget.ts';
import { isFolderWanted, isWanted, type SourceFile, type Sources } from './sourceFile.ts';
import { textOf } from './text.ts';

/** The files of a folder, in the order of their names. */
export async function readFolder(root: string, budget: Budget): Promise<Sources> {
  const files: SourceFile[] = [];
  const open = [''];
  for (let folder = open.shift(); folder !== undefined; folder = open.shift()) {
    const entries = await readdir(join(root, folder), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && isFolderWanted(path)) open.push(path);
      if (entry.isSymbolicLink() && (isWanted(path) || isFolderWanted(path))) budget.leftOut.push(`the link ${path}`);
      if (!entry.isFile() || !isWanted(path)) continue;
      const file = await readFile(join(root, path), path, budget);
      if (file) files.push(file);
    }
  }
  return { files, leftOut: budget.leftOut };
}

/** One file; undefined where it is beyond the budget. A link that has taken its place meanwhile is not followed. */
export async function readFile(location: string, path: string, budget: Budget): Promise<SourceFile | undefined> {
  const handle = await open(location, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await handle.stat();
    if (!budget.take(size)) return undefined;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, 0);
    return { path, text: textOf(buffer.subarray(0, bytesRead)) };
  } finally {
    await handle.close();
  }
}
