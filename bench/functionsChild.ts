import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../dev/build.ts';
import type { Window } from './children.ts';

/** One invocation: when, in ms, the process's memory after it, and its CPU time. */
export interface Cost extends Window {
  ms: number;
  bytes: number;
  cpuMs: number;
}

/** The packaged functions in a process of their own, as an instance has them. */
export function startFunctions(environment: Record<string, string>) {
  const child = spawn(process.execPath, [join(root, 'bench/cost/invocations.ts'), join(root, 'dist/package')], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** Fires the timer. */
    async invoke(name: string): Promise<Cost> {
      child.stdin.write(`${name}\n`);
      // The functions may print too.
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error('the functions ended');
        if (value.startsWith('{"cost":')) return (JSON.parse(value) as { cost: Cost }).cost;
      }
    },
    async end(): Promise<void> {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
