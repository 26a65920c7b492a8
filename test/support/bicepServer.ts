import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { environment, infra } from './bicep.ts';

/** What the compiler says of a line; `level` is Error, Warning or Info. */
export interface Diagnostic {
  source: string;
  range: { start: { line: number; char: number } };
  level: string;
  code: string;
  message: string;
}

/** What a snapshot is taken for: no real subscription, and the same on every machine. */
const scope = {
  subscriptionId: '00000000-0000-0000-0000-000000000000',
  tenantId: '11111111-1111-1111-1111-111111111111',
  resourceGroup: 'rg-token-cache',
  location: 'westeurope',
};

/** The compiler as one process for many files: its start, and the first compilation, take most of what a file takes. */
export function startBicep(program: string) {
  const server = spawn(program, ['jsonrpc', '--stdio'], { env: environment, stdio: ['pipe', 'pipe', 'inherit'] });
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  // A request that nobody answers any more fails.
  server.on('close', () => connection.dispose());
  connection.listen();
  const ask = <T>(method: string, file: string, more: object = {}) =>
    connection.sendRequest<T>(`bicep/${method}`, { path: join(infra, file), ...more });
  return {
    /** What is wrong with a file of `infra`, and with all that it uses: what the linter finds is among it. */
    diagnostics: async (file: string): Promise<Diagnostic[]> => {
      const method = file.endsWith('.bicepparam') ? 'compileParams' : 'compile';
      return (await ask<{ diagnostics: Diagnostic[] }>(method, file, { parameterOverrides: {} })).diagnostics;
    },
    formatted: async (file: string) => (await ask<{ contents: string }>('format', file)).contents,
    snapshot: async (file: string) =>
      (await ask<{ snapshot: string }>('getSnapshot', file, { metadata: scope })).snapshot,
    /** @returns once the process has ended */
    stop: () =>
      new Promise<void>((resolve) => {
        if (server.exitCode !== null) return resolve();
        server.once('close', () => resolve());
        server.kill();
      }),
  };
}

export type BicepServer = ReturnType<typeof startBicep>;
