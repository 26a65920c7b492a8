/**
 * docs/tutorial.md, every command of it, as a new user pastes them; but `npm start`, which start.test.ts tries, and its own
 * PostgreSQL in place of the reader's.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { root } from '../support/childProcess.ts';
import { connect } from '../support/postgresConnections.ts';

const name = `tutorial_${randomUUID().replaceAll('-', '')}`;
const url = inject('postgresUrl').replace(/\/postgres$/, `/${name}`);
const blocks = [...readFileSync(`${root}/docs/tutorial.md`, 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(
  ([, block = '']) => block,
);

let state: string;
beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'token-cache-tutorial-'));
});
afterAll(async () => {
  await rm(state, { recursive: true });
  const client = await connect({ connectionString: inject('postgresUrl') });
  await client.query(`drop database if exists ${name} with (force)`);
  await client.end();
});

it('works as it is pasted', async () => {
  const example = /export TOKEN_CACHE_CONNECTION_STRING='(postgres:[^']+)'/;
  const pasted = blocks.filter((block) => !/^npm start/.test(block));
  expect(pasted.length).toBeGreaterThan(3);
  expect(pasted.filter((block) => example.test(block))).toHaveLength(1);
  const script = pasted
    .join('')
    .replace(example, `export TOKEN_CACHE_CONNECTION_STRING='${url}'`)
    // A diagnosis that finds a cause has the exit code 1, as it says; all else succeeds.
    .replaceAll(/^(npm run token-cache -- diagnose.*)$/gm, '$1 || [ $? -eq 1 ]');
  const { stdout } = await promisify(execFile)('bash', ['-e', '-c', script], {
    cwd: root,
    env: { ...process.env, XDG_STATE_HOME: state },
  });
  expect(stdout).toContain('10,000 entries, of which 70 % have expired');
  expect(stdout).toContain('drained');
  const counted = [...stdout.matchAll(/^expired\s+([\d,]+)/gm)].map(([, count]) => count);
  expect([counted[0], counted.at(-1)]).toEqual([expect.stringMatching(/^[67],\d{3}$/), '0']);
  // The status of a cache that has just been purged.
  expect(stdout).toMatch(/Health is ok, /);
});
