import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './childProcess.ts';

export const dotnetFound = spawnSync('dotnet', ['--version']).status === 0;
if (!dotnetFound) console.log('dotnet is not installed: nothing is held against the libraries of .NET');

/** Building and running, on a busy machine. */
export const dotnetTimeLimitMs = 300_000;

/** The built programs, kept from run to run. */
const programs = join(root, 'test/interop/obj');

/**
 * Builds what a project or solution below `test` has, once for all files and runs until a source changes.
 * @returns the path of the program of an assembly in it
 */
export function buildDotnet(project: string): (assembly: string) => string {
  const folder = join(programs, `${project.replace(/^test\//, '').replaceAll('/', '-')}-${sourcesKey()}`);
  if (!existsSync(folder)) oneAtATime(`${folder}.lock`, () => existsSync(folder) || build(project, folder));
  return (assembly) => join(folder, 'bin', assembly, 'release', `${assembly}.dll`);
}

function build(project: string, folder: string): void {
  // Whole or not there, also where this process is ended.
  const unfinished = `${folder}.${process.pid}`;
  // A build server would outlive the test and keep its pipes open.
  const options = ['--configuration', 'Release', '--disable-build-servers', '--artifacts-path', unfinished];
  dotnet(['build', join(root, project), ...options]);
  const outdated = globSync(`${folder.slice(0, folder.lastIndexOf('-'))}-*`).filter((path) => !path.startsWith(folder));
  for (const path of [...outdated, join(unfinished, 'obj')]) rmSync(path, { recursive: true, force: true });
  renameSync(unfinished, folder);
}

/** Of all programs: some share sources. */
function sourcesKey(): string {
  const hash = createHash('sha256');
  const exclude = ['**/bin/**', '**/obj/**', 'test/interop/apps/samples/**'];
  for (const path of globSync('test/**/*.{cs,csproj,props,slnx}', { cwd: root, exclude }).sort())
    hash.update(`${path}\n`).update(readFileSync(join(root, path)));
  return hash.digest('hex').slice(0, 16);
}

/** Test files build side by side: one builds, the others wait for it. */
function oneAtATime(lock: string, work: () => void): void {
  mkdirSync(programs, { recursive: true });
  const deadline = Date.now() + dotnetTimeLimitMs;
  while (!taken(lock)) {
    if (Date.now() > deadline) throw new Error(`Another process has been building for long: see ${lock}.`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  try {
    work();
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

export function dotnet(args: string[], input = ''): string {
  const { error, status, stdout, stderr } = spawnSync('dotnet', args, {
    // What the runtime would learn of a build takes longer than it saves.
    env: { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: '1', DOTNET_NOLOGO: '1', DOTNET_TieredPGO: '0' },
    encoding: 'utf8',
    input,
    maxBuffer: 256 * 1024 * 1024,
    timeout: dotnetTimeLimitMs,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`dotnet ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}
