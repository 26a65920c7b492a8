import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './childProcess.ts';

export const dotnetFound = spawnSync('dotnet', ['--version']).status === 0;
if (!dotnetFound) console.log('dotnet is not installed: nothing is held against the libraries of .NET');

/** Building and running, on a busy machine. */
export const dotnetTimeLimitMs = 300_000;

/** The built programs, and what a later build of them starts from. */
const programs = join(root, 'test/interop/obj');
/** Which sources they are built of. */
const stamp = join(programs, 'built');

/**
 * The program of an assembly. All are built at once: what they share, as the start of the compiler, is much of it. Once for all
 * files and runs until a source changes.
 */
export function buildDotnet(assembly: string): string {
  const key = sourcesKey();
  const isBuilt = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === key;
  if (!isBuilt()) oneAtATime(join(programs, 'lock'), () => isBuilt() || build(key));
  return join(programs, 'bin', assembly, 'release', `${assembly}.dll`);
}

function build(key: string): void {
  // Whole or not there, also where this process is ended.
  rmSync(stamp, { force: true });
  // One compiler for all, known in this folder alone; otherwise it would outlive the test.
  const folder = mkdtempSync(join(tmpdir(), 'dotnet-'));
  const compiler = { TMPDIR: folder };
  try {
    const options = ['--configuration', 'Release', '--artifacts-path', programs];
    dotnet(['build', join(root, 'test/programs.slnx'), ...options, '-nodeReuse:false'], '', compiler);
  } finally {
    dotnet(['build-server', 'shutdown', '--vbcscompiler'], '', compiler);
    rmSync(folder, { recursive: true });
  }
  writeFileSync(stamp, key);
}

/** One key for all programs: some share sources. */
function sourcesKey(): string {
  const hash = createHash('sha256');
  const exclude = ['**/bin/**', '**/obj/**', 'test/interop/apps/samples/**'];
  for (const path of globSync('test/**/*.{cs,csproj,props,slnx}', { cwd: root, exclude }).sort())
    hash.update(`${path}\n`).update(readFileSync(join(root, path)));
  return hash.digest('hex').slice(0, 16);
}

/** Test files build side by side: one builds, the others wait for it. */
export function oneAtATime<T>(lock: string, work: () => T): T {
  mkdirSync(dirname(lock), { recursive: true });
  const deadline = Date.now() + dotnetTimeLimitMs;
  while (!taken(lock)) {
    if (Date.now() > deadline) throw new Error(`Another process has been building for long: see ${lock}.`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** A lock whose process has ended is nobody's. */
function taken(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    if (!isAlive(lock)) rmSync(lock, { force: true });
    return false;
  }
}

function isAlive(lock: string): boolean {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    // Not yet written, or that of a process.
    return pid === 0 || process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

const environment = {
  DOTNET_CLI_TELEMETRY_OPTOUT: '1',
  DOTNET_NOLOGO: '1',
  // What the runtime would learn of a build takes longer than it saves.
  DOTNET_TieredPGO: '0',
  // In hexadecimal: young garbage is collected after 64 MB of it.
  DOTNET_GCgen0size: '4000000',
};

export function dotnet(args: string[], input = '', variables: Record<string, string> = {}): string {
  const { error, status, stdout, stderr } = spawnSync('dotnet', args, {
    env: { ...process.env, ...environment, ...variables },
    encoding: 'utf8',
    input,
    maxBuffer: 256 * 1024 * 1024,
    timeout: dotnetTimeLimitMs,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`dotnet ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/** A program that answers each line of JSON by one. */
export interface RunningProgram {
  ask(question: unknown): Promise<unknown>;
  close(): Promise<void>;
}

export function startDotnet(args: string[], variables: Record<string, string> = {}): RunningProgram {
  const child = spawn('dotnet', args, { env: { ...process.env, ...environment, ...variables } });
  const ended = once(child, 'close');
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors += data;
  });
  // One that ended early is seen by its answer.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (question) => {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`dotnet ${args.join(' ')} has ended: ${errors}`);
      return JSON.parse(value);
    },
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
