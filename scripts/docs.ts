/** Writes what of the documents is derived from the code: `npm run docs`. A test fails where one is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withIndex } from './docs/runbookIndex.ts';
import { withReference } from './docs/settings.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Each document that is written here, wholly or in part, from the text that it has. */
const documents: Record<string, (text: string) => string> = {
  'docs/reference/settings.md': withReference,
  'docs/runbook/README.md': withIndex,
};

/** The documents by their paths, as they are and as they should be. */
export function derivedDocuments(): { path: string; is: string; should: string }[] {
  return Object.entries(documents).map(([path, write]) => {
    const is = readFileSync(join(root, path), 'utf8');
    return { path, is, should: write(is) };
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const { path, is, should } of derivedDocuments()) {
    if (is === should) continue;
    writeFileSync(join(root, path), should);
    console.log(path);
  }
