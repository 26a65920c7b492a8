import { Command, CommanderError } from 'commander';
import type { Environment } from '../lib/settings/cacheSettings.ts';
import { packageVersion } from '../lib/version.ts';
import { addDiagnoseCommand } from './commands/diagnose.ts';
import { addKeyRingCommands } from './commands/keyRing.ts';
import { addRedisCommand } from './commands/redis.ts';
import { addSqlCacheCommands } from './commands/sqlCache.ts';
import { type ExitCode, Session } from './session.ts';

const version = packageVersion();

/** The command line: the same jobs as the timers, for an operator's terminal. Reports go to stdout, all else to stderr. */
export async function runCommandLine(args: string[], env: Environment, signal: AbortSignal): Promise<ExitCode> {
  const session = new Session(env, signal);
  const program = new Command('token-cache')
    .description(
      'Keeps the token caches of Microsoft.Identity.Web healthy. Settings come from the environment; see docs/settings.md.',
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError();
  addSqlCacheCommands(program, session);
  addRedisCommand(program, session);
  addKeyRingCommands(program, session);
  addDiagnoseCommand(program, session, version);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
  return session.exitCode;
}
