/** What the hooks of azd have in common: `az` and `azd` as an operator would call them, and how they speak. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** On Windows both are command files, which only a shell starts. */
const shell = process.platform === 'win32';

/**
 * Runs a program to its end.
 * @returns what it said; `status` is undefined where it is not installed
 */
export function run(program, args, options = {}) {
  const quoted = shell ? args.map((arg) => `"${arg.replaceAll('"', '\\"')}"`) : args;
  const { status, stdout, stderr, error } = spawnSync(program, quoted, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    shell: shell && program !== process.execPath,
    ...options,
  });
  if (error && error.code !== 'ENOENT') throw error;
  return { status: error ? undefined : status, stdout: stdout ?? '', stderr: stderr ?? '' };
}

/** What `az` answers as JSON; `{ error }` with its text where it does not. */
export function az(...args) {
  const { status, stdout, stderr } = run('az', [...args, '--only-show-errors', '--output', 'json']);
  if (status !== 0) return { error: stderr.trim() || `az ended with ${status}` };
  try {
    return { value: stdout.trim() === '' ? undefined : JSON.parse(stdout) };
  } catch {
    return { error: 'az did not answer with JSON' };
  }
}

/** Keeps a value in azd's environment: the next step, and the next hook, read it. */
export function remember(name, value) {
  if ((process.env[name] ?? '') === value) return;
  const { status, stderr } = run('azd', ['env', 'set', name, value]);
  if (status !== 0) say('warning', `${name} could not be kept in azd's environment: ${stderr.trim()}`);
}

/** A list or object among azd's values, in which outputs are JSON. */
export function outputOf(name, otherwise) {
  const text = process.env[name];
  return text ? JSON.parse(text) : otherwise;
}

const marks = { ok: '✓', warning: '!', error: '✗' };

/** A line for whoever watches the deployment. */
export function say(level, text) {
  console[level === 'error' ? 'error' : 'log'](`${marks[level] ?? ' '} ${text}`);
}
