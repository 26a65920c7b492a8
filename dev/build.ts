import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');
const windows = process.platform === 'win32';
/** What the build writes last. */
const product = 'dist/src/lib/pages/status/page.css';
const sources = ['src', 'scripts', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];

/** Builds the functions as they are deployed, unless the last build is newer than all that it is made of. */
export async function buildFunctions(): Promise<void> {
  const built = statSync(join(root, product), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (sources.every((source) => newest(join(root, source)) < built)) return;
  const code = await new Promise<number | null>((resolve) => {
    const build = spawn('npm', ['run', '--silent', 'build'], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: windows,
    });
    build.once('error', () => resolve(null));
    build.once('exit', resolve);
  });
  if (code !== 0) throw new Error('`npm run build` failed: fix what it says above.');
}

/** The latest change in ms; of a folder, that of anything in it or taken out of it. */
function newest(path: string): number {
  const own = statSync(path);
  if (!own.isDirectory()) return own.mtimeMs;
  return Math.max(own.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}
