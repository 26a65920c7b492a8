import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

let known: string | undefined;

/** The version in the package's own file, wherever this one was built to; read once. */
export function packageVersion(): string {
  known ??= readVersion();
  return known;
}

function readVersion(): string {
  const file = findPackageJSON(import.meta.url);
  const { version } = JSON.parse(file ? readFileSync(file, 'utf8') : '{}') as { version?: string };
  return version ?? 'unknown';
}
