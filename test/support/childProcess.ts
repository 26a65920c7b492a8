import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** What `npm run package` makes, from the project's root. */
export const packageFolder = 'dist/package';

/** What V8 makes of the scripts of such processes, for the next ones of a run: a third of what a start takes. */
export const compileCache = join(root, 'node_modules/.cache/tests');

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Starts a script of the project with this Node.js. The environment is the given one alone, beside PATH, HOME and the compile cache. */
export function start(
  script: string,
  args: string[],
  environment: Record<string, string> = {},
): { child: ChildProcess; finished: Promise<Finished> } {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
    cwd: root,
    env: { PATH, HOME, NODE_COMPILE_CACHE: compileCache, ...environment },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const finished = new Promise<Finished>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal, ...output })),
  );
  return { child, finished };
}

export function run(script: string, args: string[], environment: Record<string, string> = {}): Promise<Finished> {
  return start(script, args, environment).finished;
}
