import { spawn } from 'node:child_process';
import { temporaryFolder } from './temporaryFolder.ts';

/** A server in a process of its own, whose data lie in a temporary folder. */
export interface ServerProcess {
  /** False once it has ended, by itself or not. */
  isRunning(): boolean;
  /** Ends it at once and removes its data: they are worth nothing. Also done when this process exits. */
  stop(): Promise<void>;
}

/** Starts it; `commandLine` gets the folder, and names the program first. */
export function startServerProcess(name: string, commandLine: (folder: string) => [string, string[]]): ServerProcess {
  const folder = temporaryFolder(name);
  const [program, args] = commandLine(folder.path);
  const server = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  let running = true;
  const ended = new Promise<void>((resolve) => {
    for (const event of ['exit', 'error'] as const) {
      server.once(event, () => {
        running = false;
        resolve();
      });
    }
  });
  const kill = () => void server.kill('SIGKILL');
  // Before the folder's own listener: what writes into it must have ended.
  process.prependOnceListener('exit', kill);
  return {
    isRunning: () => running,
    stop: async () => {
      kill();
      await ended;
      process.off('exit', kill);
      folder.remove();
    },
  };
}
