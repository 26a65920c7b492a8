import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './childProcess.ts';

/** ASP.NET Core's Data Protection as a program of its own (test/interop/dataProtection), which answers requests. */

export const dotnetFound = spawnSync('dotnet', ['--version']).status === 0;
if (!dotnetFound) console.log('dotnet is not installed: nothing is held against ASP.NET Core itself');

/** Building and running, on a busy machine. */
export const dotnetTimeLimitMs = 300_000;

export interface Pfx {
  path: string;
  password: string;
}

export interface ConsumerRequest {
  op: 'consume' | 'write' | 'tokenCache';
  elements?: string[];
  folder?: string;
  redis?: string;
  now?: string;
  automaticGeneration?: boolean;
  applicationName?: string;
  purpose?: string;
  certificates?: Pfx[];
  vaultKeys?: Record<string, string>;
  protect?: string[];
  unprotect?: string[];
  steps?: { activation?: string; expiration?: string; revoke?: string; revokeAllBefore?: string }[];
  cached?: Record<string, string>;
  token?: string;
  /** Whether it is a token cache's; true unless it says otherwise. */
  encrypt?: boolean;
}

export interface ConsumerAnswer {
  resolvedKeyId?: string;
  defaultKeyId?: string;
  minted: string[];
  protected: string[];
  unprotected: (string | null)[];
  error?: string;
  elements: string[];
  cached: Record<string, string>;
  token?: string;
  fromCache?: boolean;
}

export interface Consumer {
  ask(requests: ConsumerRequest[]): ConsumerAnswer[];
  remove(): void;
}

/** Builds the program into a folder of its own, so that test files can do so side by side. */
export function buildConsumer(): Consumer {
  const folder = mkdtempSync(join(tmpdir(), 'data-protection-'));
  const project = join(root, 'test/interop/dataProtection');
  // A build server would outlive the test and keep its pipes open.
  dotnet(['build', project, '--configuration', 'Release', '--disable-build-servers', '--artifacts-path', folder]);
  const program = join(folder, 'bin/DataProtectionInterop/release/DataProtectionInterop.dll');
  return {
    ask: (requests) => JSON.parse(dotnet([program], JSON.stringify(requests))) as ConsumerAnswer[],
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
