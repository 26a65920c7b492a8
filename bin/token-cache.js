#!/usr/bin/env node
// The command from a checkout, or from the built package: the sources where they are there, else what `npm run build` made.
import { existsSync } from 'node:fs';

const source = new URL('../src/cli/main.ts', import.meta.url);
await import(existsSync(source) ? source.href : new URL('../dist/src/cli/main.js', import.meta.url).href);
