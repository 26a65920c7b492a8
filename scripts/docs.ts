/** Writes what of the documents is derived from the code: `npm run docs`. A test fails where one is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withCommands } from './docs/commandLine.ts';
import { withErrors } from './docs/errors.ts';
import { withRoutes } from './docs/http.ts';
import { withMetrics } from './docs/metrics.ts';
import { withRights } from './docs/rights.ts';
import { withFindings, withIndex } from './docs/runbookIndex.ts';
import { withSettings } from './docs/settings.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Each document that is written here, in part, from the text that it has. */
const documents: Record<string, (text: string) => string | Promise<string>> = {
  'docs/reference/command-line.md': withCommands,
  'docs/reference/errors.md': withErrors,
  'docs/reference/findings.md': withFindings,
  'docs/reference/http.md': withRoutes,
  'docs/reference/metrics.md': withMetrics,
  'docs/reference/rights.md': withRights,
  'docs/reference/settings.md': withSettings,
  'docs/runbook/README.md': withIndex,
};

/** The documents by their paths, as they are and as they should be. */
export async function derivedDocuments(): Promise<{ path: string; is: string; should: string }[]> {
  return Promise.all(
    Object.entries(documents).map(async ([path, write]) => {
      const is = readFileSync(join(root, path), 'utf8');
      return { path, is, should: await write(is) };
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const { path, is, should } of await derivedDocuments()) {
    if (is === should) continue;
    writeFileSync(join(root, path), should);
    console.log(path);
  }
