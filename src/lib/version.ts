import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** The version in the package's own file, wherever this one was built to. */
export function packageVersion(): string {
  const file = findPackageJSON(import.meta.url);
  const { version } = JSON.parse(file ? readFileSync(file, 'utf8') : '{}') as { version?: string };
  return version ?? 'unknown';
}
