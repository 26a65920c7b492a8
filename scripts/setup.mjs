/**
 * Installs the dependencies where `node_modules` is missing or older than the lock file, so that each npm script works
 * from a fresh clone; with `tests`, also those of the workspace `test`, which `npm start` goes without. Runs on the Node.js
 * that the machine has (20 or later), before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(`Node.js 20 or later is needed; this is ${process.version}.`);
  process.exit(1);
}

/** Modification time in ms, 0 where there is no such file. */
const modified = (path) => statSync(new URL(`../${path}`, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;

const hasTests = existsSync(new URL('../node_modules/token-cache-maintenance-test', import.meta.url));
const withTests = hasTests || process.argv[2] === 'tests';
// npm writes node_modules/.package-lock.json at the end of a complete install: one that was cut off is done again.
if (modified('node_modules/.package-lock.json') < modified('package-lock.json') || withTests !== hasTests) {
  console.error(
    `Installing the dependencies${withTests ? ', with those of the tests' : ''} (npm ci), a minute or so …`,
  );
  const npm = process.env.npm_execpath;
  const [command, args] = npm ? [process.execPath, [npm, 'ci']] : ['npm', ['ci']];
  const flags = ['--no-fund', '--no-audit', '--loglevel=error', ...(withTests ? [] : ['--no-workspaces'])];
  const { status, error } = spawnSync(command, [...args, ...flags], {
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
