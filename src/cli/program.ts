import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { parseDuration } from '../lib/durations.ts';
import { Maintenance } from '../lib/maintenance.ts';
import type { Log, RunResult } from '../lib/runs/runJob.ts';
import type { Environment } from '../lib/settings/cacheSettings.ts';
import { describeProblem } from '../lib/settings/problems.ts';
import { readSettings } from '../lib/settings/settings.ts';
import { printReport } from './output.ts';
import { purgeProgressBar } from './progressBar.ts';

/** From the package's own file, wherever this one was built to. */
const packageFile = findPackageJSON(import.meta.url);
const { version } = JSON.parse(packageFile ? readFileSync(packageFile, 'utf8') : '{"version":"unknown"}') as {
  version: string;
};

/** 0: done · 1: a run failed · 2: wrong usage or settings. */
export type ExitCode = 0 | 1 | 2;

interface CommonOptions {
  cache?: string[];
  json?: boolean;
  dryRun?: boolean;
}

interface PurgeOptions extends CommonOptions {
  olderThan?: number;
  maxRows?: number;
  timeBudget?: number;
}

/** The command line: the same jobs as the timers, for an operator's terminal. Reports go to stdout, all else to stderr. */
export async function runCommandLine(args: string[], env: Environment, signal: AbortSignal): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = new Command('token-cache')
    .description(
      'Keeps the SQL token caches of Microsoft.Identity.Web healthy. Settings come from the environment; see docs/settings.md.',
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError();

  /** Runs one job on the chosen caches, one after the other, and prints the results. */
  const onCaches = (
    run: (maintenance: Maintenance, cache: string, progress: boolean) => Promise<RunResult<object>>,
  ) => {
    return async (options: CommonOptions) => {
      const json = options.json ?? false;
      const settings = readSettings(env, 'file');
      if (settings.problems.length > 0) {
        for (const problem of settings.problems) console.error(describeProblem(problem));
        console.error('Correct the settings; docs/settings.md lists them all.');
        exitCode = 2;
        return;
      }
      const maintenance = new Maintenance(settings, json ? quiet : logToStderr);
      const known = maintenance.sqlCaches();
      const chosen = options.cache ?? known;
      const unknown = chosen.filter((name) => !known.includes(name));
      if (unknown.length > 0 || chosen.length === 0) {
        console.error(`No SQL cache is named ${unknown.join(', ')}. There is: ${known.join(', ') || 'none'}.`);
        exitCode = 2;
        return;
      }
      const results: RunResult<object>[] = [];
      for (const cache of chosen) {
        const result = await run(maintenance, cache, !json && process.stderr.isTTY);
        results.push(result);
        if (!json) printReport(result);
        if (result.outcome === 'failed') exitCode = 1;
      }
      if (json) console.log(JSON.stringify({ runs: results }, undefined, 2));
    };
  };

  const command = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option('--cache <name>', 'only this cache; may be given several times', (value, list: string[] = []) => [
        ...list,
        value,
      ])
      .option('--dry-run', 'say what would be done, and change nothing')
      .option('--json', 'one JSON document on stdout');

  command('purge', 'Delete expired entries in batches. Deletes unless --dry-run is given.')
    .option('--older-than <duration>', 'only entries that expired at least this long ago (ISO 8601, P7D)', duration)
    .option('--max-rows <count>', 'delete at most so many entries', wholeNumber)
    .option('--time-budget <duration>', 'stop after this time (ISO 8601, PT5M)', duration)
    .action((options: PurgeOptions) => {
      const run = (maintenance: Maintenance, cache: string, progress: boolean) => {
        const bar = progress && !options.dryRun ? purgeProgressBar(cache) : undefined;
        const request = {
          dryRun: options.dryRun ?? false,
          signal,
          ...(options.olderThan !== undefined && { olderThanMs: options.olderThan }),
          ...(options.maxRows !== undefined && { maxRows: options.maxRows }),
          ...(options.timeBudget !== undefined && { timeBudgetMs: options.timeBudget }),
          ...(bar && { onProgress: bar.update }),
        };
        return maintenance.purge(cache, 'cli', request).finally(() => bar?.stop());
      };
      return onCaches(run)(options);
    });

  command('index', 'Create the expiry index where it is missing.').action((options: CommonOptions) =>
    onCaches((maintenance, cache) =>
      maintenance.ensureIndex(cache, 'cli', { dryRun: options.dryRun ?? false, signal }),
    )(options),
  );

  command('counts', 'Say how large the table is and how much of it has expired. Changes nothing.').action(
    (options: CommonOptions) => onCaches((maintenance, cache) => maintenance.counts(cache, 'cli', signal))(options),
  );

  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
  return exitCode;
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('Expected an ISO 8601 duration, such as PT5M or P7D.');
  return ms;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) < 1) throw new InvalidArgumentError('Expected a whole number of 1 or more.');
  return Number(text);
}

/** Results are printed by `printReport`; of the log, warnings alone are left to say. */
const logToStderr: Log = (level, message) => {
  if (level === 'warn') console.error(`Warning: ${message}`);
};
const quiet: Log = () => undefined;
