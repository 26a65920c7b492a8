import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './childProcess.ts';
import { dotnetFound, oneAtATime } from './dotnet.ts';

/** The real Bicep compiler, from NuGet. It compiles without a network: native resource types are in it. */

export const infra = join(root, 'infra');

export const environment = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  DOTNET_CLI_TELEMETRY_OPTOUT: '1',
  DOTNET_NOLOGO: '1',
  // No need for the ICU libraries.
  DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: '1',
  // It runs for seconds: what is compiled twice takes longer than it saves.
  DOTNET_TieredCompilation: '0',
};

/** Why the compiler cannot be had on this machine; undefined where it can. Prints it, so that no test is skipped in silence. */
export function bicepMissing(): string | undefined {
  const reason =
    process.platform !== 'linux' || process.arch !== 'x64'
      ? 'the Bicep compiler of the tests is that for Linux on x64'
      : !dotnetFound
        ? 'dotnet is not installed'
        : undefined;
  if (reason) console.log(`${reason}: the Bicep files are not compiled`);
  return reason;
}

/** @returns the path of the compiler, restored once for all files and runs until another version is asked for */
export function restoreBicep(): string {
  return oneAtATime(`${compiler}.lock`, () => {
    const program = restored() ?? restore();
    // NuGet keeps no run bit.
    chmodSync(program, 0o755);
    return program;
  });
}

const project = join(root, 'test/infra/Bicep.csproj');
const compiler = join(root, 'test/infra/obj/compiler');
/** Which project it was restored for. */
const stamp = join(compiler, 'restored');

function restored(): string | undefined {
  const properties = join(compiler, 'obj/Bicep/Bicep.csproj.nuget.g.props');
  if (!existsSync(properties) || !existsSync(stamp)) return undefined;
  if (readFileSync(stamp, 'utf8') !== readFileSync(project, 'utf8')) return undefined;
  const [, found = ''] =
    /<PkgAzure_Bicep_CommandLine_linux-x64[^>]*>([^<]+)</.exec(readFileSync(properties, 'utf8')) ?? [];
  const program = join(found, 'tools/bicep');
  return existsSync(program) ? program : undefined;
}

function restore(): string {
  rmSync(compiler, { recursive: true, force: true });
  run('dotnet', ['restore', project, '--artifacts-path', compiler, '--disable-build-servers', '-p:NuGetAudit=false']);
  writeFileSync(stamp, readFileSync(project));
  const program = restored();
  if (!program) throw new Error('dotnet restore did not say where the package of the Bicep compiler is.');
  return program;
}

/** One that takes what the compiler of azd takes: another by TEST_BICEP, else the oldest that NuGet has, restored with the other. */
export function olderBicep(): string {
  if (process.env.TEST_BICEP) return process.env.TEST_BICEP;
  const newest = restoreBicep();
  const program = newest.replace(/\/[\d.]+\/tools\/bicep$/, '/0.47.16/tools/bicep');
  chmodSync(program, 0o755);
  return program;
}

export interface BicepRun {
  status: number | null;
  stdout: string;
  /** One diagnostic a line. */
  diagnostics: string[];
}

export function bicep(program: string, args: string[], variables: Record<string, string> = {}): BicepRun {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: infra,
    env: { ...environment, ...variables },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 120_000,
  });
  if (error) throw error;
  return { status, stdout, diagnostics: stderr.split('\n').filter((line) => line.trim() !== '') };
}

/** What `main.bicep` compiles to: once for all test files, until something in `infra` changes. */
export function compiledTemplate(): string {
  const program = restoreBicep();
  const hash = createHash('sha256').update(program);
  for (const entry of readdirSync(infra, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) hash.update(`${entry.name}\n`).update(readFileSync(join(entry.parentPath, entry.name)));
  const head = `${hash.digest('hex')}\n`;
  const file = join(root, 'test/infra/obj/main.json');
  return oneAtATime(`${file}.lock`, () => {
    const kept = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (kept.startsWith(head)) return kept.slice(head.length);
    const { status, stdout, diagnostics } = bicep(program, ['build', 'main.bicep', '--stdout']);
    if (status !== 0) throw new Error(diagnostics.join('\n'));
    writeFileSync(file, head + stdout);
    return stdout;
  });
}

function run(program: string, args: string[]): void {
  const options = { env: environment, encoding: 'utf8', timeout: 300_000 } as const;
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
}
