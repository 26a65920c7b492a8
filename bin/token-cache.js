#!/usr/bin/env node
// The command from a checkout, or from the built package: the sources where they are there, else what `npm run build` made.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';

const [major = 0] = process.versions.node.split('.').map(Number);
const newer = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
if (major < 24 && existsSync(newer)) {
  // Started by an older Node.js than the packages need, past npm: the one that was installed for it takes over.
  const child = spawn(newer, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // It ends in order, and this one with it: a run would go on behind the prompt, or behind kill(1).
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
} else {
  // Young garbage is collected after 1 MB of it, not 64: the status of a key ring of 5,000 keys takes half the memory, and no longer.
  v8.setFlagsFromString('--semi-space-growth-factor=1');
  // Halves the start. Beside the packages, which are trusted as much; where that cannot be written, nothing is kept.
  module.enableCompileCache?.(fileURLToPath(new URL('../node_modules/.cache/token-cache', import.meta.url)));
  const source = new URL('../src/cli/main.ts', import.meta.url);
  await import(existsSync(source) ? source.href : new URL('../dist/src/cli/main.js', import.meta.url).href);
}
