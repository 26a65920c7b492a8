import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './childProcess.ts';

export const dotnetFound = spawnSync('dotnet', ['--version']).status === 0;
if (!dotnetFound) console.log('dotnet is not installed: nothing is held against the libraries of .NET');

/** Building and running, on a busy machine. */
export const dotnetTimeLimitMs = 300_000;

export interface DotnetProgram {
  /** What the program answers to its input. @throws where it fails */
  run(input: string): string;
  /** For a test that runs it beside servers of its own. */
  path: string;
  remove(): void;
}

/** Builds a program of test/interop into a folder of its own, so that test files can do so side by side. */
export function buildDotnet(project: string, assembly: string): DotnetProgram {
  const folder = mkdtempSync(join(tmpdir(), `${assembly.toLowerCase()}-`));
  // A build server would outlive the test and keep its pipes open.
  const options = ['--configuration', 'Release', '--disable-build-servers', '--artifacts-path', folder];
  dotnet(['build', join(root, project), ...options]);
  const program = join(folder, `bin/${assembly}/release/${assembly}.dll`);
  return {
    path: program,
    run: (input) => dotnet([program], input),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function dotnet(args: string[], input = ''): string {
  const { error, status, stdout, stderr } = spawnSync('dotnet', args, {
    env: { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: '1', DOTNET_NOLOGO: '1' },
    encoding: 'utf8',
    input,
    maxBuffer: 256 * 1024 * 1024,
    timeout: dotnetTimeLimitMs,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`dotnet ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}
