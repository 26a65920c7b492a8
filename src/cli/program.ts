import { Command, CommanderError } from 'commander';
import { packageVersion } from '../lib/version.ts';
import { addCacheCommands } from './commands/caches.ts';
import { addDiagnoseCommand } from './commands/diagnose.ts';
import { addGrantCommand } from './commands/grant.ts';
import { addKeyRingCommands } from './commands/keyRing.ts';
import { addQueueCommands } from './commands/queue.ts';
import { addStatusCommand } from './commands/status.ts';
import { type ExitCode, Session } from './session.ts';

const version = packageVersion();

/** The command line: the same jobs as the timers, for an operator's terminal. Reports go to stdout, all else to stderr. */
export async function runCommandLine(args: string[], signal: AbortSignal): Promise<ExitCode> {
  const session = new Session(signal);
  const program = commandLine(session);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
  if (await session.close()) endAfterOutput(session.exitCode);
  return session.exitCode;
}

/** Every command, with its options. */
export function commandLine(session: Session): Command {
  const program = new Command('token-cache')
    .description(
      'Keeps the token caches of Microsoft.Identity.Web healthy. Settings come from the environment; see docs/reference/settings.md.',
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError();
  addCacheCommands(program, session);
  addKeyRingCommands(program, session);
  addGrantCommand(program, session);
  addQueueCommands(program, session);
  addStatusCommand(program, session);
  addDiagnoseCommand(program, session, version);
  return program;
}

/** Ends the process once what was printed has been taken: a pipe may be slow. */
function endAfterOutput(exitCode: ExitCode): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
}
