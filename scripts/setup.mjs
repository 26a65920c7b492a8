/**
 * Installs the dependencies where `node_modules` is missing or older than the lock file, so that each npm script works
 * from a fresh clone. Runs on the Node.js that the machine has (20 or later), before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(`Node.js 20 or later is needed; this is ${process.version}.`);
  process.exit(1);
}

/** Modification time in ms, 0 where there is no such file. */
const modified = (path) => statSync(new URL(`../${path}`, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;

// npm writes node_modules/.package-lock.json at the end of a complete install: one that was cut off is done again.
if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
  console.error('Installing the dependencies (npm ci) …');
  const npm = process.env.npm_execpath;
  const [command, args] = npm ? [process.execPath, [npm, 'ci']] : ['npm', ['ci']];
  const { status, error } = spawnSync(command, [...args, '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: new URL('..', import.meta.url),
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
    shell: process.platform === 'win32' && !npm,
  });
  if (status !== 0) {
    console.error(
      `npm ci failed${error ? `: ${error.message}` : ''}. Fix what it says above and run the command again.`,
    );
    process.exit(1);
  }
}
